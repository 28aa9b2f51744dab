//! One HTTP/1.1 connection that counts what is written to it.
//!
//! Kept by hand and not by a pooling client for one reason: "nothing was sent" must be exact. A
//! request that found its connection dead goes out once more, on a new one, only if no byte of it
//! was written. What TLS and a proxy say before the first request is not counted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, WriteHalf};

use super::network::Stream;
use super::options::EgressOptions;

/// The body of every request: whole and in memory.
pub type RequestBody = Full<Bytes>;

/// A connection, ready for a request.
pub struct HttpConnection {
    /// Sends requests on it.
    pub sender: SendRequest<RequestBody>,
    /// Whether it served a request before.
    pub reused: bool,
    written: Arc<AtomicU64>,
}

impl HttpConnection {
    /// Speaks HTTP on a stream to the origin.
    ///
    /// # Errors
    /// When the stream is closed already.
    pub async fn open(stream: Box<dyn Stream>, options: &EgressOptions) -> hyper::Result<Self> {
        let written = Arc::new(AtomicU64::new(0));
        let (reader, writer) = tokio::io::split(stream);
        let writer = CountingWriter { writer, written: Arc::clone(&written) };
        let (sender, connection) = Builder::new()
            .max_header_size(options.header_bytes)
            .max_headers(options.headers)
            .handshake(TokioIo::new(tokio::io::join(reader, writer)))
            .await?;
        // Ends by itself when the sender is dropped; its error reaches the sender too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, reused: false, written })
    }

    /// Bytes of requests that were written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

/// Counts what is written to a stream.
struct CountingWriter {
    writer: WriteHalf<Box<dyn Stream>>,
    written: Arc<AtomicU64>,
}

impl AsyncWrite for CountingWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.writer).poll_write(context, bytes);
        if let Poll::Ready(Ok(bytes)) = result {
            self.written.fetch_add(bytes as u64, Ordering::AcqRel);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
