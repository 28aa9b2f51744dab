//! From an origin to an encrypted stream: resolve its name once, judge the addresses, connect to one
//! of those, speak TLS by name. The address that was judged is the one that is connected to, which no
//! client library promises: they resolve names themselves.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::options::EgressOptions;
use super::origin::Origin;
use super::resolve;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A future as the traits of this crate return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How the host reaches the network. Judging addresses is not among its duties:
/// that stays in the egress, whoever connects.
pub trait Connect: Send + Sync {
    /// The addresses of a host name or address literal.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>>;
    /// The stand-in for this host and port, which the operator put on this machine: its address is
    /// not judged.
    fn stand_in(&self, _host: &str, _port: u16) -> Option<SocketAddr> {
        None
    }
    /// A stream to exactly this address.
    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>>;
}

/// The machine's resolver and TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Connect for Tcp {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let found = resolve::SYSTEM.addresses(host).await?;
            Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// A network in which stand-ins on this machine answer for some hosts, under the provider's names.
pub struct StandIns {
    addresses: BTreeMap<(String, u16), SocketAddr>,
    network: Arc<dyn Connect>,
}

impl StandIns {
    /// These hosts and ports are at these addresses, all others where `network` finds them. An
    /// address that is not of this machine is left out.
    #[must_use]
    pub fn new(addresses: BTreeMap<(String, u16), SocketAddr>, network: Arc<dyn Connect>) -> Self {
        let loopback = |(_, address): &(_, SocketAddr)| address.ip().is_loopback();
        Self { addresses: addresses.into_iter().filter(loopback).collect(), network }
    }
}

impl Connect for StandIns {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        self.network.resolve(host, port)
    }

    fn stand_in(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.addresses.get(&(host.to_owned(), port)).copied()
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.network.connect(address)
    }
}

/// Why there is no stream to an origin. Nothing was sent.
#[derive(Debug)]
pub enum ConnectError {
    /// The network failed; trying again may help.
    Failed(String),
    /// The host's policy forbids the address.
    Refused(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(why) | Self::Refused(why)) = self;
        f.write_str(why)
    }
}

/// Opens a stream to `origin`: to the first of its addresses that accepts and agrees on TLS, each
/// tried a moment after the one before it (RFC 8305).
///
/// # Errors
/// [`ConnectError`]; nothing was sent in either case.
pub async fn connect(
    origin: &Origin,
    options: &EgressOptions,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, ConnectError> {
    let addresses = resolve(origin, options).await?;
    let mut dialer = Dialer { options, tls, failed: Vec::new() };
    match timeout(options.reach_within, dialer.dial(origin, addresses)).await {
        Ok(Some(stream)) => return Ok(stream),
        Ok(None) => {}
        Err(_) => dialer.failed.push(format!("no answer within {:?}", options.reach_within)),
    }
    let failed = dialer.failed.join("; ");
    Err(ConnectError::Failed(format!("cannot connect to {origin}: {failed}")))
}

/// Tries addresses, and notes what came of those that failed.
struct Dialer<'a> {
    options: &'a EgressOptions,
    tls: &'a Arc<ClientConfig>,
    failed: Vec<String>,
}

impl Dialer<'_> {
    /// The first of `addresses` that accepts and, where `origin` asks for it, agrees on TLS.
    async fn dial(
        &mut self,
        origin: &Origin,
        mut addresses: VecDeque<SocketAddr>,
    ) -> Option<Box<dyn Stream>> {
        let mut under_way = JoinSet::new();
        loop {
            if let Some(address) = addresses.pop_front() {
                let network = Arc::clone(&self.options.network);
                under_way.spawn(accept(network, address, self.options.connect_within));
            }
            let ended = if addresses.is_empty() {
                under_way.join_next().await?
            } else {
                match timeout(self.options.next_address_after, under_way.join_next()).await {
                    Ok(ended) => ended?,
                    Err(_) => continue,
                }
            };
            // An attempt that panicked has said so itself.
            let Ok((address, accepted)) = ended else { continue };
            let stream = match accepted {
                Ok(stream) if origin.tls => self.encrypt(origin, stream).await,
                other => other,
            };
            match stream {
                Ok(stream) => return Some(stream),
                Err(why) => self.failed.push(format!("{address}: {why}")),
            }
        }
    }

    async fn encrypt(
        &self,
        origin: &Origin,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, String> {
        let (host, limit) = (&origin.host, self.options.tls_within);
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|why| format!("{host} is no name for TLS: {why}"))?;
        let agreed = TlsConnector::from(Arc::clone(self.tls)).connect(name, stream);
        match timeout(limit, agreed).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(why)) => Err(format!("TLS failed: {why}")),
            Err(_) => Err(format!("TLS was not agreed within {limit:?}")),
        }
    }
}

async fn accept(
    network: Arc<dyn Connect>,
    address: SocketAddr,
    limit: Duration,
) -> (SocketAddr, Result<Box<dyn Stream>, String>) {
    let accepted = match timeout(limit, network.connect(address)).await {
        Ok(accepted) => accepted.map_err(|why| why.to_string()),
        Err(_) => Err(format!("no connection within {limit:?}")),
    };
    (address, accepted)
}

/// The families take turns, beginning with the one that the resolver prefers (RFC 8305 section 4).
fn interleave(found: Vec<SocketAddr>, most: usize) -> VecDeque<SocketAddr> {
    let preferred = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == preferred);
    let mut all = VecDeque::new();
    while all.len() < most && !(one.is_empty() && other.is_empty()) {
        all.extend(one.pop_front());
        all.extend(other.pop_front());
    }
    all
}

/// The addresses of `origin`, each of which the host may connect to.
async fn resolve(
    origin: &Origin,
    options: &EgressOptions,
) -> Result<VecDeque<SocketAddr>, ConnectError> {
    let (host, network, limit) = (&origin.host, &options.network, options.resolve_within);
    if let Some(address) = network.stand_in(host, origin.port) {
        return Ok([address].into());
    }
    let found = match timeout(limit, network.resolve(host, origin.port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return Err(ConnectError::Failed(format!("cannot resolve {host}: {why}"))),
        Err(_) => {
            return Err(ConnectError::Failed(format!("cannot resolve {host} within {limit:?}")));
        }
    };
    // One private address among public ones is no accident, so it spoils them all.
    if !origin.private
        && let Some(address) = found.iter().find(|address| !is_public(address.ip()))
    {
        let ip = address.ip();
        return Err(ConnectError::Refused(format!(
            "{host} leads to {ip}, which is no public address; only the operator may allow that"
        )));
    }
    if found.is_empty() {
        return Err(ConnectError::Failed(format!("{host} has no address")));
    }
    Ok(interleave(found, options.addresses))
}

#[cfg(test)]
mod tests;
