//! `/metrics`: counters and gauges as Prometheus reads them (OpenMetrics text), named after
//! OpenTelemetry's semantic conventions where those have a name.
//!
//! Nothing is counted twice: the runtime's and the receiver's own counters are read when somebody asks,
//! and depths of queues are numbers that the state keeps.

mod snapshot;

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, OnceLock};

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use connector_service::webhooks::Receiver;
use connector_state::ConnectionRow;
use http::header;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use self::snapshot::{Snapshot, SnapshotCollector};
use crate::app::App;
use crate::authorise::Scope;
use crate::describe::told;
use crate::lock;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Where it is asked for.
pub const PATH: &str = "/metrics";
const MEDIA_TYPE: &str = "application/openmetrics-text";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What a method of none of HTTP's names counts as, so that a caller cannot make labels.
const OTHER: &str = "_OTHER";
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

type Labels = [(&'static str, String); 3];

/// What is told.
pub struct ApiMetrics {
    registry: Registry,
    requests: Family<Labels, Histogram, fn() -> Histogram>,
    active: Gauge,
    snapshot: Arc<Mutex<Snapshot>>,
    receiver: OnceLock<Arc<Receiver>>,
    /// The connector's connections, as of a revision.
    known: Mutex<Option<(u64, Arc<[ConnectionRow]>)>>,
}

impl fmt::Debug for ApiMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiMetrics")
    }
}

impl Default for ApiMetrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let histogram: fn() -> Histogram = || Histogram::new(snapshot::bounds());
        let requests = Family::new_with_constructor(histogram);
        let (active, snapshot) = (Gauge::default(), Arc::<Mutex<Snapshot>>::default());
        registry.register_with_unit(
            "http_server_request_duration",
            "Requests of the API, until their answer began",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register(
            "http_server_active_requests",
            "Requests of the API whose answer has not begun",
            active.clone(),
        );
        registry.register_collector(Box::new(SnapshotCollector(Arc::clone(&snapshot))));
        Self {
            registry,
            requests,
            active,
            snapshot,
            receiver: OnceLock::new(),
            known: Mutex::default(),
        }
    }
}

impl ApiMetrics {
    /// Tells what this receiver counts, too. The first that is given stays.
    pub fn watch(&self, receiver: Arc<Receiver>) {
        let _ = self.receiver.set(receiver);
    }
}

pub(crate) fn routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        PATH,
        get_with(metrics, |operation| {
            let summary = "Counters and gauges of this host, as Prometheus reads them";
            told("getMetrics", Scope::Read, summary)(operation).response_with::<200, String, _>(
                |mut answer| {
                    let content = &mut answer.inner().content;
                    let text = std::mem::take(content).into_values();
                    content.extend(text.map(|text| (MEDIA_TYPE.to_owned(), text)));
                    answer.description("OpenMetrics text.")
                },
            )
        }),
    )
}

async fn metrics(
    State(app): State<App>,
    Extension(metrics): Extension<Arc<ApiMetrics>>,
) -> Result<Response, Problem> {
    let taken = Snapshot::take(&app, &metrics).await;
    let mut text = String::new();
    let encoded = {
        let mut snapshot = lock(&metrics.snapshot);
        *snapshot = taken;
        drop(snapshot);
        encode(&mut text, &metrics.registry)
    };
    encoded.map_err(|why| {
        let text = format!("the metrics cannot be written: {why}");
        Problem::new(ProblemKind::Internal, ProblemSource::Host, text)
    })?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// One that has begun, until its answer has, or its caller has gone.
struct Active(Gauge);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request. Those that lead nowhere are of no route.
pub async fn count(
    State(metrics): State<Arc<ApiMetrics>>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().as_str();
    let method = METHODS.iter().find(|known| **known == method).copied().unwrap_or(OTHER);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let active = Active(metrics.active.clone());
    active.0.inc();
    let began = Instant::now();
    let response = next.run(request).await;
    drop(active);
    let mut status = String::new();
    // Writing to a string does not fail.
    let _ = write!(status, "{}", response.status().as_u16());
    let labels = [
        ("http_request_method", method.to_owned()),
        ("http_route", route.unwrap_or_default()),
        ("http_response_status_code", status),
    ];
    let took = began.elapsed().as_secs_f64();
    metrics.requests.get_or_create(&labels).observe(took);
    response
}
