//! Where connections come from.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use connector_runtime::egress::{Pending, Stream};
use tokio::net::TcpListener;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// After a failure to accept, such as too many open files, the next try is made later.
const PAUSE: Duration = Duration::from_millis(50);

/// A stream, and whose.
pub type Accepted = (Box<dyn Stream>, IpAddr);

/// Accepts connections.
pub trait Accept: Send {
    /// The next one; `None` when there will be no more.
    fn accept(&mut self) -> Pending<'_, Option<Accepted>>;
}

/// A port of this machine.
#[derive(Debug)]
pub struct TcpAccept(TcpListener);

impl TcpAccept {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The system's, e.g. when somebody else listens there.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        // On Windows this would let two programs listen at once.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(address)?;
        Ok(Self(socket.listen(BACKLOG)?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Accept for TcpAccept {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(async move {
            loop {
                let Ok((stream, from)) = self.0.accept().await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                // An answer is one small write; without it, it only comes later.
                let _ = stream.set_nodelay(true);
                let from = from.ip().to_canonical();
                return Some((Box::new(stream) as Box<dyn Stream>, from));
            }
        })
    }
}
