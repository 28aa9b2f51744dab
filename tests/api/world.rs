//! The program while it serves the API of a simulated account, and who calls it.

use std::process::Command;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::listener::Listener;
use crate::support::world::TRACKINGS as PROVIDERS;
use crate::webhooks::shop::Shop;

/// The object that most tests ask for.
pub const TRACKINGS: &str = "/v1/connections/default/objects/trackings";

/// A stream that is silent for longer has failed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// The program, and the account that it works on.
pub struct Host {
    pub shop: Shop,
    pub listener: Listener,
    pub authority: String,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem of this status and kind; answers the whole of it.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["kind"], kind, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:connector-host:problem:{kind}"));
        problem
    }
}

impl Host {
    /// Serves a state with the connection `default`.
    pub async fn new(name: &str) -> Self {
        Self::with(name, &[]).await
    }

    pub async fn with(name: &str, more: &[&str]) -> Self {
        Self::of(Shop::new(&format!("api-{name}")).await, more)
    }

    /// As [`Host::new`], with so many trackings that it has read.
    pub async fn seeded(name: &str, trackings: usize) -> Self {
        let shop = Shop::new(&format!("api-{name}")).await;
        (1..=trackings).for_each(|number| drop(shop.tracking(number)));
        let host = Self::of(shop, &[]);
        host.until(&format!("{TRACKINGS}/records?limit=1"), |page| page["as_of"].is_string()).await;
        host
    }

    /// Serves what is kept of this account.
    pub fn of(shop: Shop, more: &[&str]) -> Self {
        let more = [&["--api", "127.0.0.1:0", "--every", "1h"], more].concat();
        let mut listener = shop.listen("serve", &more);
        let authority = listener.authority("API on ");
        Self { shop, listener, authority }
    }

    /// Sends a request, and answers when its answer begins.
    pub async fn begin(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        begin(&self.authority, request).await
    }

    pub fn request(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Request<Full<Bytes>> {
        request(&self.authority, line, headers, body)
    }

    /// Sends `METHOD /path`, with these headers.
    pub async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        send_to(&self.authority, line, headers, body).await
    }

    /// As [`Host::send`], a JSON document.
    pub async fn call(&self, line: &str, body: &Value) -> Reply {
        let json = [("content-type", "application/json")];
        self.send(line, &json, body.to_string().as_bytes()).await
    }

    pub async fn ask(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), &[], b"").await
    }

    /// The document at a path.
    pub async fn get(&self, path: &str) -> Value {
        let reply = self.ask(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// Requests for trackings that the provider has had.
    pub fn requests(&self) -> usize {
        self.shop.simulator.journal().iter().filter(|entry| entry.path == PROVIDERS).count()
    }

    /// Begins a stream, and answers its pieces.
    pub async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Pieces {
        stream_of(&self.authority, path, headers).await
    }

    /// Asks until a document is as it is to be.
    pub async fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = std::time::Instant::now();
        loop {
            let seen = self.get(path).await;
            if holds(&seen) {
                return seen;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(60), "{path}: {seen}");
            tokio::task::yield_now().await;
        }
    }

    /// A command of the same state.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.shop.command(arguments)
    }
}

async fn begin(authority: &str, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = TcpStream::connect(authority).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

fn request(
    authority: &str,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Request<Full<Bytes>> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", authority);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).unwrap()
}

/// As [`Host::send`], to the host at this place.
pub async fn send_to(authority: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let response = begin(authority, request(authority, line, headers, body)).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.into()).unwrap();
    Reply { status: head.status.as_u16(), headers: head.headers, body }
}

/// As [`Host::stream`], of the host at this place.
pub async fn stream_of(authority: &str, path: &str, headers: &[(&str, &str)]) -> Pieces {
    let asked = request(authority, &format!("GET {path}"), headers, b"");
    let response = begin(authority, asked).await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 200, "{path}");
    Pieces { body: response.into_body(), text: String::new(), kind }
}

/// An answer that comes piece by piece.
pub struct Pieces {
    body: Incoming,
    text: String,
    pub kind: String,
}

impl Pieces {
    /// What comes up to a mark; `None`: the stream has ended.
    pub async fn until(&mut self, mark: &str) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.text.split_once(mark) {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(piece);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.unwrap()?;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event: its id, its name, and its data.
    pub async fn event(&mut self) -> (String, String, Value) {
        loop {
            let event = self.until("\n\n").await.unwrap();
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("{name}: ")))
                    .map(str::to_owned)
            };
            if let (Some(id), Some(kind), Some(data)) = (field("id"), field("event"), field("data"))
            {
                return (id, kind, serde_json::from_str(&data).unwrap());
            }
        }
    }
}
