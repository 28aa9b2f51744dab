//! What a user may watch: requests, waits, retries and the connector's own log; and how often they
//! came, as [`Metrics`].
//!
//! Calls and requests are spans of `tracing` too, at level debug, named `call` and `request`.
//!
//! Nothing here holds a secret: paths come without their query's values, bodies
//! are counted and not kept, and texts are scrubbed before they get here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::types::ErrorKind;

use crate::error::CallError;
use crate::lock::lock;

/// One request to the provider, as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Name of its endpoint in the manifest.
    pub endpoint: String,
    /// `GET`, `POST` ...
    pub method: String,
    /// Scheme, host and port.
    pub origin: String,
    /// Path as the connector named it, with the names in its query: neither its values, which may
    /// be a customer's data, nor the secrets that the host put in.
    pub path: String,
    /// Bytes of the request's body.
    pub sent_bytes: usize,
    /// HTTP status, or why there is none.
    pub outcome: Result<u16, String>,
    /// Bytes of the answer's body, decoded.
    pub received_bytes: usize,
    /// How long the limits held it back.
    pub waited: Duration,
    /// From the first try to connect to the last byte of the answer.
    pub took: Duration,
}

/// Something worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request stands in the queue of a limit and will for about this long.
    Waiting {
        /// The limit's name in the manifest.
        limit: String,
        /// At least this long.
        for_about: Duration,
    },
    /// A request was answered, failed, or was refused by the host.
    Exchange(Exchange),
    /// A call is repeated after a pause.
    Retrying {
        /// Repetition number, from 1.
        attempt: u32,
        /// The pause before it.
        after: Duration,
        /// The error that caused it.
        why: String,
    },
    /// Calls of the connection, or those about one object, failed again and again, and are not made
    /// for a while.
    Paused {
        /// The object, when it is about one.
        object: Option<String>,
        /// Then one call is let through.
        for_about: Duration,
        /// The last error.
        why: String,
    },
    /// They succeed again.
    Resumed {
        /// The object, when it is about one.
        object: Option<String>,
    },
    /// A line from the connector, bounded and scrubbed.
    Log {
        /// `debug`, `info`, `warn` or `error`.
        level: Level,
        /// One line; control characters are escaped.
        message: String,
    },
}

/// Weight of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the connector's author.
    Debug,
    /// For the curious.
    Info,
    /// Something is off, and the call goes on.
    Warn,
    /// Something failed.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// Receives events. Called from within requests, so it must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, _: &Event) {}
}

/// What a [`Runtime`](crate::Runtime) has done since it began, over all its connections: counters
/// that only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Calls that were made, each repetition counted.
    pub calls: u64,
    /// Of these, those that failed, by the kind of their error as the contract writes it, or
    /// `too-large`, `stopped`, `paused`.
    pub errors: BTreeMap<&'static str, u64>,
    /// Requests, and how long they took, from the first try to connect to the last byte of the answer.
    pub requests: BTreeMap<RequestKind, Durations>,
    /// Repetitions that were waited for.
    pub retries: u64,
    /// Requests that the limits held back ...
    pub waits: u64,
    /// ... and for how long, all together.
    pub waited: Duration,
    /// Calls that gave up their instance while they waited for a limit.
    pub suspended: u64,
    /// Bytes of the requests' bodies.
    pub sent_bytes: u64,
    /// Bytes of the answers' bodies, decoded.
    pub received_bytes: u64,
    /// Instances that are in use now ...
    pub instances: u64,
    /// ... of so many; those for calls that send nothing are among both.
    pub most_instances: u64,
}

impl Metrics {
    /// Requests by the first digit of their status; 0: no answer came.
    #[must_use]
    pub fn requests_by_class(&self) -> BTreeMap<u16, u64> {
        let mut classes = BTreeMap::new();
        for (kind, durations) in &self.requests {
            let class = kind.status.map_or(0, |status| status / 100);
            *classes.entry(class).or_default() += durations.count();
        }
        classes
    }
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestKind {
    /// `GET`, `POST` ...
    pub method: String,
    /// HTTP status; `None`: no answer came.
    pub status: Option<u16>,
}

/// Kinds that are told apart; a provider that answers with every number there is counts under none.
const KINDS: usize = 200;

/// How long things took: how many were no longer than each of [`Durations::BOUNDS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// So many lie below each bound and not below the one before; the last: above all.
    pub buckets: [u64; 15],
    /// All together.
    pub sum: Duration,
}

impl Durations {
    /// In milliseconds, as OpenTelemetry advises for HTTP.
    pub const BOUNDS: [u64; 14] =
        [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

    /// Counts one.
    pub fn add(&mut self, took: Duration) {
        let bounds = Self::BOUNDS.iter().map(|bound| Duration::from_millis(*bound));
        let at = bounds.take_while(|bound| *bound < took).count();
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket += 1;
        }
        self.sum += took;
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Name of an error, as the contract writes it.
fn name(error: &CallError) -> &'static str {
    match error {
        CallError::Connector(error) => match error.kind {
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::NotFound => "not-found",
            ErrorKind::Conflict(_) => "conflict",
            ErrorKind::InvalidInput(_) => "invalid-input",
            ErrorKind::RateLimited(_) => "rate-limited",
            ErrorKind::QuotaExhausted(_) => "quota-exhausted",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::OutcomeUnknown => "outcome-unknown",
            ErrorKind::CursorExpired => "cursor-expired",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Internal => "internal",
        },
        CallError::TooLarge => "too-large",
        CallError::Stopped { .. } => "stopped",
        CallError::Paused(_) => "paused",
    }
}

/// Counts for [`Metrics`].
#[derive(Default)]
pub(crate) struct Counters(Mutex<Metrics>);

impl Counters {
    /// Counts a call, and answers how it ended, for its span: `ok`, or the error's name.
    pub(crate) fn call<R>(&self, result: &Result<R, CallError>) -> &'static str {
        let mut metrics = lock(&self.0);
        metrics.calls += 1;
        let Err(error) = result else { return "ok" };
        let name = name(error);
        *metrics.errors.entry(name).or_default() += 1;
        name
    }

    /// Counts a call that was suspended.
    pub(crate) fn suspend(&self) {
        lock(&self.0).suspended += 1;
    }

    /// What was counted so far.
    pub(crate) fn metrics(&self) -> Metrics {
        lock(&self.0).clone()
    }

    fn event(&self, event: &Event) {
        let mut metrics = lock(&self.0);
        match event {
            Event::Exchange(exchange) => {
                let mut kind = RequestKind {
                    method: exchange.method.clone(),
                    status: exchange.outcome.as_ref().ok().copied(),
                };
                if metrics.requests.len() >= KINDS && !metrics.requests.contains_key(&kind) {
                    kind = RequestKind { method: "_OTHER".to_owned(), status: None };
                }
                metrics.requests.entry(kind).or_default().add(exchange.took);
                metrics.sent_bytes += exchange.sent_bytes as u64;
                metrics.received_bytes += exchange.received_bytes as u64;
                metrics.waits += u64::from(!exchange.waited.is_zero());
                metrics.waited += exchange.waited;
            }
            Event::Retrying { .. } => metrics.retries += 1,
            _ => {}
        }
    }
}

/// Counts events, and hands them on.
pub(crate) struct CountingObserver {
    pub(crate) counters: Arc<Counters>,
    pub(crate) next: Arc<dyn Observer>,
}

impl Observer for CountingObserver {
    fn event(&self, event: &Event) {
        self.counters.event(event);
        self.next.event(event);
    }
}
