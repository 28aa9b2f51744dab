//! Connections to the API, within bounds of time, bytes and number.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::{Extension, Router};
use bytes::Bytes;
use connector_runtime::egress::Stream;
use connector_service::jobs::Shutdown;
use connector_service::listener::{Accept, Phases, TimedStream, Tls};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tower_service::Service as _;
use tracing::warn;

use crate::app::Api;
use crate::audit::Audit;
use crate::authorise::{Authorizer, Gate, authorise};
use crate::mcp::Mcp;
use crate::metrics::ApiMetrics;
use crate::problem::Problem;
use crate::working::go_on;
use crate::{metrics, routes};

/// How often the certificate is looked after.
const RENEW: Duration = Duration::from_secs(30);
/// hyper's buffers have no smaller bound than this.
const SMALLEST_BUFFER: usize = 8_192;

/// Bounds of the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiBounds {
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// Requests at the same time, streams and whether the host is well aside; more are answered 503.
    pub requests: usize,
    /// The first byte of a connection, and its TLS handshake, must come within this time.
    pub first_byte_within: Duration,
    /// From its first byte, a request's head must be whole within this time.
    pub head_within: Duration,
    /// Bytes of a request's head; 8 KiB at least.
    pub head_bytes: usize,
    /// Fields of a request's head.
    pub head_fields: usize,
    /// A connection without a request is closed after this time.
    pub idle_for: Duration,
    /// A piece of an answer must have been taken within this time: a slow reader is cut off.
    pub answer_within: Duration,
    /// When the listener stops, requests under way have this time.
    pub farewell: Duration,
}

impl Default for ApiBounds {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 128,
            first_byte_within: Duration::from_secs(5),
            head_within: Duration::from_secs(5),
            head_bytes: 16 * 1024,
            head_fields: 64,
            idle_for: Duration::from_secs(60),
            answer_within: Duration::from_secs(30),
            farewell: Duration::from_secs(10),
        }
    }
}

/// Serves the API.
pub struct ApiServer {
    door: Door,
    api: Arc<Api>,
    mcp: Mcp,
    metrics: Arc<ApiMetrics>,
}

/// Takes connections, and leads their requests to a router.
pub(crate) struct Door {
    pub router: Router,
    pub bounds: ApiBounds,
    pub tls: Option<Tls>,
}

/// What is opened beyond what scopes say.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiOpenings {
    /// `/metrics` needs no token: for listeners that only this machine reaches.
    pub metrics: bool,
    /// Agents may write, as far as their token may.
    pub writes_by_agents: bool,
}

impl ApiServer {
    /// A server of `api`. Without TLS, `hosts` are the names by which it may be called.
    pub fn new(
        api: impl Into<Arc<Api>>,
        bounds: ApiBounds,
        authorizer: Arc<dyn Authorizer>,
        hosts: &[String],
        tls: Option<Tls>,
        open: ApiOpenings,
    ) -> Self {
        let (router, described) = routes::router();
        let metrics = Arc::<ApiMetrics>::default();
        let api: Arc<Api> = api.into();
        let audit = Audit::new(Arc::clone(&api.database), Arc::clone(&api.vault));
        let host = hosts.first().map_or("localhost", String::as_str).to_owned();
        let gate =
            Gate::new(&described, Arc::clone(&authorizer), audit, hosts.to_vec(), bounds.requests);
        let gate = if open.metrics { gate.open("GET", metrics::PATH) } else { gate };
        let router = router
            .fallback(nowhere)
            .layer(from_fn_with_state(Arc::new(gate), authorise))
            .layer(from_fn(guarded))
            .with_state(Arc::clone(&api));
        let mcp =
            Mcp::new(Arc::clone(&api), router.clone(), authorizer, host, open.writes_by_agents);
        let router = router
            .layer(Extension(mcp.service(hosts)))
            .layer(Extension(Arc::clone(&metrics)))
            .layer(from_fn_with_state(Arc::clone(&metrics), metrics::count));
        Self { door: Door { router, bounds, tls }, api, mcp, metrics }
    }

    /// What `/metrics` tells.
    pub fn metrics(&self) -> &ApiMetrics {
        &self.metrics
    }

    /// The same as tools for agents.
    pub fn mcp(&self) -> &Mcp {
        &self.mcp
    }

    /// Serves until `stop` is requested, and goes on with pushes of hosts that have died. Then nothing more
    /// is accepted, and requests under way are answered.
    pub async fn run(&self, accept: impl Accept, stop: &Shutdown) {
        tokio::select! {
            biased;
            () = self.door.run(accept, stop) => {}
            () = go_on(&self.api) => {}
        }
    }
}

impl Door {
    /// Serves until `stop` is requested. Then nothing more is accepted, and requests under way are answered.
    pub async fn run(&self, mut accept: impl Accept, stop: &Shutdown) {
        let room = Arc::new(Semaphore::new(self.bounds.connections));
        let mut connections = JoinSet::new();
        let accepting = async {
            loop {
                // Never closed, so a failure to acquire cannot come.
                let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
                let next = loop {
                    tokio::select! {
                        biased;
                        Some(_) = connections.join_next() => {}
                        next = accept.accept() => break next,
                    }
                };
                let Some((stream, _)) = next else { return };
                let acceptor = self.tls.as_ref().map(Tls::acceptor);
                let (router, bounds, stop) = (self.router.clone(), self.bounds, stop.clone());
                connections.spawn(async move {
                    let stream: Box<dyn Stream> = match acceptor {
                        None => stream,
                        Some(tls) => {
                            match timeout(bounds.first_byte_within, tls.accept(stream)).await {
                                Ok(Ok(stream)) => Box::new(stream),
                                // Who speaks no TLS is none of our business.
                                _ => return,
                            }
                        }
                    };
                    serve(stream, router, &bounds, &stop).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = accepting => {}
            () = self.renew() => {}
        }
        drop(accept);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(self.bounds.farewell, all).await;
    }

    async fn renew(&self) {
        let mut looks = interval(RENEW);
        loop {
            looks.tick().await;
            if let Some(Err(why)) = self.tls.as_ref().map(Tls::renew) {
                warn!(%why, "the API's certificate is not renewed");
            }
        }
    }
}

/// Serves a connection to its end. A request whose client has gone is dropped, and its work with it.
async fn serve(stream: Box<dyn Stream>, router: Router, bounds: &ApiBounds, stop: &Shutdown) {
    let phases = Phases::new(bounds.first_byte_within, bounds.head_within);
    let guarded = TimedStream::new(stream, Arc::clone(&phases), bounds.answer_within);
    let service = service_fn(|request| {
        let (phases, mut router) = (Arc::clone(&phases), router.clone());
        async move {
            phases.busy();
            let idle = IdleAfter { phases, idle_for: bounds.idle_for };
            let response = router.call(request).await;
            let response = response.unwrap_or_else(|never: Infallible| match never {});
            // The connection is busy until the answer is written.
            Ok::<_, Infallible>(response.map(|body| Body::new(Answering { body, _idle: idle })))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The guard is more exact: this one counts the idle time too.
        .header_read_timeout(bounds.idle_for + bounds.head_within)
        .max_headers(bounds.head_fields)
        .max_header_size(bounds.head_bytes)
        .max_buf_size(bounds.head_bytes.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(guarded), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        // What goes wrong with a client's connection is the client's to say.
        _ = connection.as_mut() => return,
        () = stop.requested() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Makes a connection idle when the answer is over.
struct IdleAfter {
    phases: Arc<Phases>,
    idle_for: Duration,
}

impl Drop for IdleAfter {
    fn drop(&mut self) {
        self.phases.idle(self.idle_for);
    }
}

/// An answer that is being written.
struct Answering {
    body: Body,
    _idle: IdleAfter,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn nowhere(request: Request) -> Problem {
    Problem::not_found(format!("there is nothing at {}", request.uri().path()))
        .next("GET /v1/openapi.json describes what there is")
}

/// Headers that every answer has: none is a page, and none is to be kept by whatever lies between.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let nosniff = http::HeaderValue::from_static("nosniff");
    response.headers_mut().insert(http::header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests;
