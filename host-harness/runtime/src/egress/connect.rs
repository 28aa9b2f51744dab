//! From an origin to an encrypted stream: resolve once, judge the addresses,
//! connect to one of those, speak TLS by name.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::origin::Origin;
use super::resolve;

/// The resolver ends by itself, after a few servers and tries of 5 s each (resolv.conf(5)); this
/// is for one that does not.
const RESOLVE_WITHIN: Duration = Duration::from_secs(30);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// The next address is tried beside those before it when they are silent for so long (RFC 8305
/// section 8).
const NEXT_AFTER: Duration = Duration::from_millis(250);
/// One address must accept within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// TLS must be agreed within this time.
const TLS_WITHIN: Duration = Duration::from_secs(5);
/// All addresses together.
const REACH_WITHIN: Duration = Duration::from_secs(12);

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
    /// The address that the operator set for this host and port, on this machine: it is not judged.
    fn set(&self, _host: &str, _port: u16) -> Option<SocketAddr> {
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

/// A network in which some hosts are at addresses of this machine: for stand-ins of a provider,
/// under its own names.
pub struct Resolved {
    addresses: BTreeMap<(String, u16), SocketAddr>,
    inner: Arc<dyn Connect>,
}

impl Resolved {
    /// These hosts and ports are there, all others where `inner` finds them.
    #[must_use]
    pub fn new(addresses: BTreeMap<(String, u16), SocketAddr>, inner: Arc<dyn Connect>) -> Self {
        let loopback = |(_, address): &(_, SocketAddr)| address.ip().is_loopback();
        Self { addresses: addresses.into_iter().filter(loopback).collect(), inner }
    }
}

impl Connect for Resolved {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        self.inner.resolve(host, port)
    }

    fn set(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.addresses.get(&(host.to_owned(), port)).copied()
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.inner.connect(address)
    }
}

/// Why an origin was not reached. Nothing was sent.
#[derive(Debug)]
pub enum Unreached {
    /// The network failed; trying again may help.
    Failed(String),
    /// The host's policy forbids the address.
    Refused(String),
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(why) | Self::Refused(why)) = self;
        f.write_str(why)
    }
}

/// Opens a stream to `origin`: to the first of its addresses that accepts and agrees on TLS, each
/// tried a moment after the one before it (RFC 8305).
///
/// # Errors
/// [`Unreached`]; nothing was sent in either case.
pub async fn reach(
    origin: &Origin,
    network: &dyn Connect,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Box<dyn Stream>, Unreached> {
    let name = origin.tls.then(|| ServerName::try_from(origin.host.clone())).transpose();
    let name = name
        .map_err(|why| Unreached::Failed(format!("{} is no name for TLS: {why}", origin.host)))?;
    let addresses = in_turns(resolve(origin, network).await?);
    let mut race = Race { network, addresses, under_way: Vec::new(), failed: Vec::new() };
    let reached = timeout(REACH_WITHIN, async {
        while let Some((address, stream)) = race.connected().await {
            let Some(name) = &name else { return Some(stream) };
            match encrypt(name.clone(), stream, tls).await {
                Ok(stream) => return Some(stream),
                Err(why) => race.failed.push(format!("{address}: {why}")),
            }
        }
        None
    });
    match reached.await {
        Ok(Some(stream)) => return Ok(stream),
        Ok(None) => {}
        Err(_) => race.failed.push(format!("no answer within {} s", REACH_WITHIN.as_secs())),
    }
    Err(Unreached::Failed(format!("cannot connect to {origin}: {}", race.failed.join("; "))))
}

type Attempt<'a> = Pending<'a, (SocketAddr, Result<Box<dyn Stream>, String>)>;

/// Addresses of one name that are connected to side by side.
struct Race<'a> {
    network: &'a dyn Connect,
    /// Not tried yet.
    addresses: VecDeque<SocketAddr>,
    under_way: Vec<Attempt<'a>>,
    /// What came of the others.
    failed: Vec<String>,
}

impl Race<'_> {
    /// The next address that accepts. Goes on where it was when it is asked again.
    async fn connected(&mut self) -> Option<(SocketAddr, Box<dyn Stream>)> {
        loop {
            if let Some(address) = self.addresses.pop_front() {
                self.under_way.push(attempt(self.network, address));
            }
            if self.under_way.is_empty() {
                return None;
            }
            let ended = first(&mut self.under_way);
            let ended = if self.addresses.is_empty() {
                ended.await
            } else {
                match timeout(NEXT_AFTER, ended).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            };
            match ended {
                (address, Ok(stream)) => return Some((address, stream)),
                (address, Err(why)) => self.failed.push(format!("{address}: {why}")),
            }
        }
    }
}

fn attempt(network: &dyn Connect, address: SocketAddr) -> Attempt<'_> {
    Box::pin(async move {
        let connected = match timeout(CONNECT_WITHIN, network.connect(address)).await {
            Ok(connected) => connected.map_err(|why| why.to_string()),
            Err(_) => Err(format!("no connection within {} s", CONNECT_WITHIN.as_secs())),
        };
        (address, connected)
    })
}

/// What the first of `pending` that ends answers; it is taken out.
async fn first<T>(pending: &mut Vec<Pending<'_, T>>) -> T {
    poll_fn(|context| {
        for index in 0..pending.len() {
            let polled = pending.get_mut(index).map(|future| future.as_mut().poll(context));
            if let Some(Poll::Ready(ended)) = polled {
                drop(pending.swap_remove(index));
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    })
    .await
}

/// The families take turns, beginning with the one that the resolver prefers (RFC 8305 section 4).
fn in_turns(found: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let preferred = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == preferred);
    let mut all = VecDeque::new();
    while all.len() < ADDRESSES && !(one.is_empty() && other.is_empty()) {
        all.extend(one.pop_front());
        all.extend(other.pop_front());
    }
    all
}

async fn resolve(origin: &Origin, network: &dyn Connect) -> Result<Vec<SocketAddr>, Unreached> {
    let host = &origin.host;
    if let Some(address) = network.set(host, origin.port) {
        return Ok(vec![address]);
    }
    let found = match timeout(RESOLVE_WITHIN, network.resolve(host, origin.port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return Err(Unreached::Failed(format!("cannot resolve {host}: {why}"))),
        Err(_) => {
            let limit = RESOLVE_WITHIN.as_secs();
            return Err(Unreached::Failed(format!("cannot resolve {host} within {limit} s")));
        }
    };
    // One private address among public ones is no accident, so it spoils them all.
    if !origin.private
        && let Some(address) = found.iter().find(|address| !is_public(address.ip()))
    {
        let ip = address.ip();
        return Err(Unreached::Refused(format!(
            "{host} leads to {ip}, which is no public address; only the operator may allow that"
        )));
    }
    if found.is_empty() {
        return Err(Unreached::Failed(format!("{host} has no address")));
    }
    Ok(found)
}

async fn encrypt(
    name: ServerName<'static>,
    stream: Box<dyn Stream>,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Box<dyn Stream>, String> {
    let agreeing = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    match timeout(TLS_WITHIN, agreeing).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(why)) => Err(format!("TLS failed: {why}")),
        Err(_) => Err(format!("TLS was not agreed within {} s", TLS_WITHIN.as_secs())),
    }
}

#[cfg(test)]
mod tests;
