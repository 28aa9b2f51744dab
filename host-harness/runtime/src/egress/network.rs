//! The network as the host sees it: names to addresses, addresses to streams.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::resolve;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A future as the traits of this crate return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How names are resolved. Judging addresses is not among its duties: that stays in the egress.
pub trait Resolve: Send + Sync {
    /// The addresses of a host name or address literal.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>>;

    /// The stand-in for this host and port, which the operator put on this machine: its address is
    /// not judged.
    fn stand_in(&self, _host: &str, _port: u16) -> Option<SocketAddr> {
        None
    }
}

/// How addresses are connected to.
pub trait Connect: Send + Sync {
    /// Who resolves names for it: the system's resolver, unless it brings another.
    fn resolver(&self) -> &dyn Resolve {
        &SystemResolver
    }

    /// A stream to exactly this address.
    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>>;
}

/// The system's resolver, asked by a few threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let found = resolve::SYSTEM.addresses(host).await?;
            Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
        })
    }
}

/// TCP of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Connect for Tcp {
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
    pub fn new(addresses: BTreeMap<(String, u16), SocketAddr>, network: Arc<dyn Connect>) -> Self {
        let loopback = |(_, address): &(_, SocketAddr)| address.ip().is_loopback();
        Self { addresses: addresses.into_iter().filter(loopback).collect(), network }
    }
}

impl Resolve for StandIns {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        self.network.resolver().resolve(host, port)
    }

    fn stand_in(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.addresses.get(&(host.to_owned(), port)).copied()
    }
}

impl Connect for StandIns {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.network.connect(address)
    }
}
