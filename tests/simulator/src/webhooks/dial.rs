//! How the sender reaches a URL.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

/// A stream of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens streams to where webhooks point.
#[derive(Clone)]
pub struct Dialer(Arc<dyn Fn(String) -> Dialled + Send + Sync>);

impl Dialer {
    /// Opens streams with a closure, for instance one end of `tokio::io::duplex` while a task
    /// serves the other. It is given host and port, as in `127.0.0.1:8080`.
    pub fn new<F, O, S>(dial: F) -> Self
    where
        F: Fn(String) -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self(Arc::new(move |authority| {
            let stream = dial(authority);
            Box::pin(async move { Ok(Box::new(stream.await?) as Box<dyn Stream>) })
        }))
    }

    /// Connects over TCP to addresses of this machine alone.
    pub fn loopback() -> Self {
        Self::new(|authority| async move { connect(&authority, false).await })
    }

    /// Connects over TCP to any address.
    pub fn anywhere() -> Self {
        Self::new(|authority| async move { connect(&authority, true).await })
    }

    pub(super) async fn dial(&self, authority: &str) -> io::Result<Box<dyn Stream>> {
        (self.0)(authority.to_owned()).await
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dialer").finish_non_exhaustive()
    }
}

async fn connect(authority: &str, remote: bool) -> io::Result<TcpStream> {
    let mut refused = io::Error::other(format!("{authority} has no address"));
    for address in lookup_host(authority).await? {
        if !remote && !address.ip().is_loopback() {
            refused = io::Error::other(format!("{authority} is not an address of this machine"));
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request goes out at once, not when the next packet fills.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
