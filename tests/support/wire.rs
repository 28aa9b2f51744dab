//! A network in memory: every name resolves, every connection is served by a function
//! from the request's bytes to the answer's. Or the same on loopback, for other processes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use host_harness::egress::{Connect, Pending, Resolve, Stream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// From a request to its answer.
type Serve = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// A network that answers from a function, and keeps what it was sent.
pub struct Wire {
    address: SocketAddr,
    answer: Arc<Serve>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Answers each request (head and body as text) with the bytes that `answer` makes.
    pub fn new(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let address = "93.184.216.34:443".parse().unwrap();
        Self { address, answer: Arc::new(answer), sent: Arc::default() }
    }

    /// Names lead to this address instead.
    pub fn at(mut self, address: &str) -> Self {
        self.address = address.parse().unwrap();
        self
    }

    /// Every request so far.
    pub fn sent(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.sent)
    }

    /// Answers on loopback instead, as long as the test runs; over TLS where something speaks it.
    pub async fn listen(self, tls: Option<TlsAcceptor>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, sent, tls) =
                    (Arc::clone(&self.answer), Arc::clone(&self.sent), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*answer, &sent).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answer, &sent).await;
                            }
                        }
                    }
                });
            }
        });
        address
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &Serve,
    sent: &Mutex<Vec<String>>,
) {
    let mut request = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        request.push(byte);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if body.len() < content_length(head) {
            continue;
        }
        sent.lock().unwrap().push(text.clone());
        request.clear();
        if stream.write_all(&answer(&text)).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// An answer with this status and body.
pub fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

impl Resolve for Wire {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        let address = self.address;
        Box::pin(async move { Ok(vec![address]) })
    }
}

impl Connect for Wire {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, theirs) = duplex(1024 * 1024);
        let (answer, sent) = (Arc::clone(&self.answer), Arc::clone(&self.sent));
        tokio::spawn(async move { serve(theirs, &*answer, &sent).await });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().map(str::to_ascii_lowercase);
    lines
        .filter_map(|line| {
            line.strip_prefix("content-length:").map(|length| length.trim().parse().unwrap())
        })
        .next()
        .unwrap_or(0)
}
