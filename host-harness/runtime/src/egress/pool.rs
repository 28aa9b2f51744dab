//! HTTP/1.1 connections of one connector's connection: opened, kept, given back.
//!
//! Kept by hand and not by a pooling client for one reason: "nothing was sent" must
//! be exact. Every stream counts the bytes written to it, and a request that found
//! its kept connection dead goes out once on a fresh one only if none were.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connect::{Connect, Stream, Unreached, reach};
use super::origin::Origin;

/// A kept connection older than this is closed: servers drop idle ones in silence.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// Connections kept for one origin.
const KEPT: usize = 8;
/// Bytes of an answer's headers.
const HEADER_BYTES: usize = 64 * 1024;
/// Number of an answer's headers.
const HEADERS: usize = 100;

/// The body of every request: whole and in memory.
pub type Body = Full<Bytes>;

/// Connections by origin.
pub struct Pool {
    network: Arc<dyn Connect>,
    tls: Arc<rustls::ClientConfig>,
    kept: Mutex<BTreeMap<Origin, Vec<Kept>>>,
}

struct Kept {
    line: Line,
    since: Instant,
}

/// One connection, ready for a request.
pub struct Line {
    /// Sends requests on it.
    pub sender: SendRequest<Body>,
    /// Whether it served a request before.
    pub used: bool,
    written: Arc<AtomicU64>,
}

impl Line {
    /// Bytes written so far, TLS included.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(network: Arc<dyn Connect>, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { network, tls, kept: Mutex::default() }
    }

    /// A kept connection to `origin`, or a fresh one.
    ///
    /// # Errors
    /// [`Unreached`]: nothing was sent.
    pub async fn line(&self, origin: &Origin) -> Result<Line, Unreached> {
        while let Some(mut line) = self.take(origin) {
            if line.sender.ready().await.is_ok() {
                return Ok(line);
            }
        }
        self.fresh(origin).await
    }

    /// A new connection to `origin`.
    ///
    /// # Errors
    /// [`Unreached`]: nothing was sent.
    pub async fn fresh(&self, origin: &Origin) -> Result<Line, Unreached> {
        let stream = reach(origin, self.network.as_ref(), &self.tls).await?;
        let written = Arc::new(AtomicU64::new(0));
        let counted = Counted { stream, written: Arc::clone(&written) };
        let (sender, connection) = Builder::new()
            .max_header_size(HEADER_BYTES)
            .max_headers(HEADERS)
            .handshake(TokioIo::new(counted))
            .await
            .map_err(|why| Unreached::Failed(format!("cannot speak HTTP with {origin}: {why}")))?;
        // Ends by itself when the sender is dropped; its error reaches the sender too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Line { sender, used: false, written })
    }

    /// Keeps `line` for the next request.
    pub fn give_back(&self, origin: &Origin, mut line: Line) {
        if line.sender.is_closed() {
            return;
        }
        line.used = true;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = kept.entry(origin.clone()).or_default();
        if lines.len() < KEPT {
            lines.push(Kept { line, since: Instant::now() });
        }
    }

    fn take(&self, origin: &Origin) -> Option<Line> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = kept.get_mut(origin)?;
        lines.retain(|kept| kept.since.elapsed() < IDLE_FOR && !kept.line.sender.is_closed());
        lines.pop().map(|kept| kept.line)
    }
}

/// A stream that counts what is written to it.
struct Counted {
    stream: Box<dyn Stream>,
    written: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.written.fetch_add(*bytes as u64, Ordering::AcqRel);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
