//! Waits on this machine for a customer's browser to come back from the provider (RFC 8252 section
//! 7.3: a loopback address, as an address literal).

mod page;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use connector_runtime::egress::Pending;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::ConnectError;

/// The one path that is answered.
const PATH: &str = "/callback";
/// A request line with its headers must have come within this time ...
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// ... and is no longer than this.
const HEADERS_BYTES: usize = 16 * 1024;
/// Browsers that are served at the same time; others wait.
const BROWSERS: usize = 8;
/// The last page must have gone out within this time.
const FAREWELL: Duration = Duration::from_secs(2);

/// Listens for one callback.
pub struct Callback {
    listener: TcpListener,
    address: SocketAddr,
}

/// A query, and where its page goes.
type Visit = (String, oneshot::Sender<Response<Full<Bytes>>>);

impl Callback {
    /// Listens on 127.0.0.1, at `port` or a free one.
    ///
    /// # Errors
    /// [`ConnectError::Listen`].
    pub async fn listen(port: Option<u16>) -> Result<Self, ConnectError> {
        let wished = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let failed = |why: std::io::Error| ConnectError::Listen {
            address: wished.to_string(),
            why: why.to_string(),
        };
        let listener = TcpListener::bind(wished).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// What the provider must send the browser to, to the letter.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Hands the raw query of each callback to `take`, until one of them is an answer to us, and
    /// shows in the browser how it went. A callback with a foreign `state` is refused and waited on.
    ///
    /// # Errors
    /// What `take` answers; [`ConnectError::NobodyCame`] when `within` is over.
    pub async fn wait<'a, T>(
        self,
        within: Duration,
        mut take: impl FnMut(String) -> Pending<'a, Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        let deadline = Instant::now() + within;
        let (visits, mut visited) = mpsc::channel::<Visit>(1);
        let mut browsers = JoinSet::new();
        let ended = loop {
            let full = browsers.len() >= BROWSERS;
            let next = async {
                tokio::select! {
                    biased;
                    Some(visit) = visited.recv() => Some(visit),
                    Some(_) = browsers.join_next() => None,
                    Ok((stream, _)) = self.listener.accept(), if !full => {
                        browsers.spawn(serve(stream, visits.clone()));
                        None
                    }
                }
            };
            let Ok(next) = timeout_at(deadline, next).await else {
                break Err(ConnectError::NobodyCame(within.as_secs().div_ceil(60)));
            };
            let Some((query, answer)) = next else { continue };
            let ended = take(query).await;
            // A browser that has gone away needs no page.
            let _ = answer.send(page::page(ended.as_ref()));
            if !ended.as_ref().is_err_and(ConnectError::is_foreign) {
                break ended;
            }
        };
        // Who still asks gets to hear that there is nothing more.
        drop((self.listener, visited, visits));
        let all = async { while browsers.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
        ended
    }
}

/// One request on one connection.
async fn serve(stream: TcpStream, visits: mpsc::Sender<Visit>) {
    let service = service_fn(|request| answer(request, visits.clone()));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What goes wrong with a browser's connection is the browser's to say.
    let _ = served.await;
}

async fn answer(
    request: Request<Incoming>,
    visits: mpsc::Sender<Visit>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let uri = request.uri();
    let (Method::GET, PATH, Some(query)) = (request.method().clone(), uri.path(), uri.query())
    else {
        return Ok(page::nothing_here());
    };
    let (reply, page) = oneshot::channel();
    // Closed once the one callback has come.
    let sent = visits.send((query.to_owned(), reply)).await.is_ok();
    drop(visits);
    let page = if sent { page.await.ok() } else { None };
    Ok(page.unwrap_or_else(page::nothing_here))
}

#[cfg(test)]
mod tests;
