//! `--log`: what the program does, as lines on stderr beside the progress line.

use std::io;
use std::sync::Arc;

use host_harness::observe::{Event, Exchange};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use url::Url;

use super::usage::Usage;

/// Target of the events about requests.
const HTTP: &str = "connector_host::http";

/// Shows a line.
pub type Show = Arc<dyn Fn(&str) + Send + Sync>;

/// Logs from now on what `filter` lets through, by `show`.
///
/// # Errors
/// [`Usage`] when it is no filter.
pub fn start(filter: &str, show: Show) -> Result<(), Usage> {
    let targets: Targets = filter.parse().map_err(|_| {
        Usage::new(format!("--log {filter}: this is no level")).next(
            "give error, warn, info, debug or trace, or levels of parts as in \
             host_harness::sync=debug,connector_host=info",
        )
    })?;
    let lines = fmt::layer()
        .with_ansi(false)
        .with_writer(move || LineWriter { show: Arc::clone(&show), text: Vec::new() });
    // Nobody else has installed one in this program.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
    Ok(())
}

/// An event as `tracing` tells it, with OpenTelemetry's names where there are any. No query: its
/// values may be a customer's.
pub fn event(event: &Event) {
    match event {
        Event::Exchange(exchange) => request(exchange),
        Event::Waiting { limit, for_about } => {
            tracing::debug!(target: HTTP, limit, seconds = for_about.as_secs_f64(), "waiting");
        }
        Event::Retrying { attempt, after, why } => {
            let seconds = after.as_secs_f64();
            tracing::event!(
                target: HTTP,
                Level::WARN,
                { http.request.resend_count = attempt, seconds, error.message = why },
                "trying again"
            );
        }
        Event::Paused { object, for_about, why } => {
            let seconds = for_about.as_secs_f64();
            tracing::warn!(target: HTTP, object, seconds, error.message = why, "calls are paused");
        }
        Event::Resumed { object } => {
            tracing::info!(target: HTTP, object, "calls are made again");
        }
        _ => {}
    }
}

fn request(exchange: &Exchange) {
    let origin = Url::parse(&exchange.origin).ok();
    let host = origin.as_ref().and_then(Url::host_str);
    let port = origin.as_ref().and_then(Url::port_or_known_default);
    let path = exchange.path.split('?').next();
    tracing::event!(
        target: HTTP,
        Level::DEBUG,
        {
            endpoint = exchange.endpoint,
            http.request.method = exchange.method,
            server.address = host,
            server.port = port,
            url.path = path,
            http.request.body.size = exchange.sent_bytes,
            http.response.status_code = exchange.outcome.as_ref().ok(),
            http.response.body.size = exchange.received_bytes,
            error.message = exchange.outcome.as_ref().err().map(String::as_str),
            waited_seconds = exchange.waited.as_secs_f64(),
            seconds = exchange.took.as_secs_f64(),
        },
        "request"
    );
}

/// One line, shown when it is whole.
struct LineWriter {
    show: Show,
    text: Vec<u8>,
}

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        if !text.is_empty() {
            (self.show)(text.trim_end());
        }
    }
}
