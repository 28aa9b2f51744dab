//! What a user may watch: requests, waits, retries and the connector's own log.
//!
//! Nothing here holds a secret: paths come without their query's values, bodies
//! are counted and not kept, and texts are scrubbed before they get here.

use std::fmt;
use std::time::Duration;

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
