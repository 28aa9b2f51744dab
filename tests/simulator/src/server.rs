//! The network side: HTTP/1.1 with keep-alive over a listener or over one stream.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

use crate::handler::Outcome;
use crate::simulator::Simulator;

/// A simulator that listens on loopback until this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<io::Result<Infallible>>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Simulator {
    /// Listens on a free port of 127.0.0.1, in a task of the current runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(&self) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let simulator = self.clone();
        let task = tokio::spawn(async move { simulator.serve(listener).await });
        Ok(Server { address, task })
    }

    /// Serves every connection that the listener accepts, each in a task, until accepting fails or
    /// this future is dropped. Connections then end when their clients close them.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<Infallible> {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // A client that gave up before it was served.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            // An answer goes out at once, not when the next packet fills; where that cannot be
            // had, it goes out all the same.
            let _ = stream.set_nodelay(true);
            let simulator = self.clone();
            tokio::spawn(async move { simulator.serve_stream(stream).await });
        }
    }

    /// Serves one connection, for instance one end of `tokio::io::duplex`, until it closes.
    pub async fn serve_stream<I>(&self, io: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| self.respond(request));
        // A connection that breaks is the client's affair, and scripted answers break some.
        let _ = http1::Builder::new()
            .keep_alive(true)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service)
            .await;
    }

    async fn respond(&self, request: Request<Incoming>) -> io::Result<Response<AnswerBody>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        match self.handle(Request::from_parts(parts, body)).await {
            Outcome::Reply(response) => Ok(response.map(AnswerBody::whole)),
            Outcome::Truncated { mut response, keep } => {
                let length = HeaderValue::from(response.body().len());
                response.headers_mut().insert(CONTENT_LENGTH, length);
                Ok(response.map(|body| AnswerBody::cut(&body, keep)))
            }
            Outcome::Mislabelled { mut response, length } => {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
                Ok(response.map(|body| AnswerBody::cut(&body, body.len())))
            }
            Outcome::Slow { response, bytes_per_second } => {
                Ok(response.map(|body| AnswerBody::slow(body, bytes_per_second)))
            }
            Outcome::Reset => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        }
    }
}

/// The body of an answer: whole, cut off or trickling.
struct AnswerBody {
    bytes: Option<Bytes>,
    cut: bool,
    waited: bool,
    pace: Option<Pace>,
}

/// So many bytes at a time, and when the next ones go.
struct Pace {
    bytes: usize,
    next: Pin<Box<Sleep>>,
}

/// The time between two pieces of an answer that trickles.
const STEP: Duration = Duration::from_secs(1);

impl AnswerBody {
    fn whole(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { bytes, cut: false, waited: false, pace: None }
    }

    fn cut(bytes: &Bytes, keep: usize) -> Self {
        let kept = bytes.slice(..keep.min(bytes.len()));
        Self { cut: true, ..Self::whole(kept) }
    }

    fn slow(bytes: Bytes, bytes_per_second: usize) -> Self {
        let pace = Pace { bytes: bytes_per_second, next: Box::pin(sleep(STEP)) };
        Self { pace: Some(pace), ..Self::whole(bytes) }
    }

    /// What goes out next.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let (Some(bytes), Some(pace)) = (&mut self.bytes, &mut self.pace) else {
            return Poll::Ready(self.bytes.take());
        };
        ready!(pace.next.as_mut().poll(context));
        pace.next.as_mut().reset(Instant::now() + STEP);
        if bytes.len() <= pace.bytes {
            return Poll::Ready(self.bytes.take());
        }
        Poll::Ready(Some(bytes.split_to(pace.bytes)))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = ready!(self.poll_piece(context)) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        if !self.waited {
            // What was written is flushed before the connection is given up.
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, Bytes::len) as u64;
        if self.cut { SizeHint::default() } else { SizeHint::with_exact(length) }
    }
}
