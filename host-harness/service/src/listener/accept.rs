//! Where connections come from.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use connector_runtime::egress::{Pending, Stream};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

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
impl Accept for TcpListener {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(async move {
            loop {
                let Ok((stream, from)) = TcpListener::accept(self).await else {
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

/// A socket of this machine. Whoever may open its file is this machine's.
#[cfg(unix)]
impl Accept for UnixListener {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(async move {
            loop {
                let Ok((stream, _)) = UnixListener::accept(self).await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                return Some((Box::new(stream) as Box<dyn Stream>, Ipv4Addr::LOCALHOST.into()));
            }
        })
    }
}
