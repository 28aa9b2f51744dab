//! From an origin to an encrypted stream: resolve once, judge the addresses,
//! connect to one of them, speak TLS by name.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::origin::Origin;

/// A name must resolve within this time.
const RESOLVE_WITHIN: Duration = Duration::from_secs(2);
/// One address must accept within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// TLS must be agreed within this time.
const TLS_WITHIN: Duration = Duration::from_secs(5);
/// All of it together.
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
    /// A stream to exactly this address.
    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>>;
}

/// The machine's resolver and TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Connect for Tcp {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
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

/// Opens a stream to `origin`.
///
/// # Errors
/// [`Unreached`]; nothing was sent in either case.
pub async fn reach(
    origin: &Origin,
    network: &dyn Connect,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Box<dyn Stream>, Unreached> {
    let deadline = Instant::now() + REACH_WITHIN;
    let addresses = resolve(origin, network).await?;
    let mut last = String::new();
    for address in addresses {
        let connecting = timeout(CONNECT_WITHIN, network.connect(address));
        let stream = match timeout_at(deadline, connecting).await {
            Ok(Ok(Ok(stream))) => stream,
            Ok(Ok(Err(why))) => {
                last = format!("{address}: {why}");
                continue;
            }
            Ok(Err(_)) => {
                last = format!("{address}: no connection within {} s", CONNECT_WITHIN.as_secs());
                continue;
            }
            Err(_) => break,
        };
        return if origin.tls { encrypt(origin, stream, tls).await } else { Ok(stream) };
    }
    Err(Unreached::Failed(format!("cannot connect to {origin}: {last}")))
}

async fn resolve(origin: &Origin, network: &dyn Connect) -> Result<Vec<SocketAddr>, Unreached> {
    let host = &origin.host;
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
    origin: &Origin,
    stream: Box<dyn Stream>,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Box<dyn Stream>, Unreached> {
    let name = ServerName::try_from(origin.host.clone())
        .map_err(|why| Unreached::Failed(format!("{} is no name for TLS: {why}", origin.host)))?;
    let agreeing = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    match timeout(TLS_WITHIN, agreeing).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(why)) => Err(Unreached::Failed(format!("TLS with {origin} failed: {why}"))),
        Err(_) => Err(Unreached::Failed(format!(
            "TLS with {origin} was not agreed within {} s",
            TLS_WITHIN.as_secs()
        ))),
    }
}
