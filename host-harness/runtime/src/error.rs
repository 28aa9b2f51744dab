//! What can go wrong when a component is loaded, a connection is made, or a call runs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use connector_contract::types::{self, ErrorKind, Violation};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Why a file cannot serve as connector.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the component {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no WebAssembly component.
    #[error("{path} is no WebAssembly component: {why}")]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A component, and not a connector for this host.
    #[error("{path} is no connector for this host: {why}")]
    NotAConnector {
        /// The file.
        path: PathBuf,
        /// The interface that is missing, unknown or of another shape.
        why: String,
    },
    /// Its manifest contradicts itself.
    #[error("the manifest of {path} cannot be used: {why}")]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// The entry, and what is wrong with it.
        why: String,
    },
}

/// Why a call gave no result.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// The connector's own answer: sorted by what to do next.
    #[error("{}", describe(.0))]
    Connector(types::Error),
    /// The answer was larger than the host takes; a smaller page may do.
    #[error("the answer is larger than the host takes; ask for less with a smaller page size")]
    TooLarge,
    /// The call was not made, because calls like it fail.
    #[error("{}", describe(&.0.error))]
    Paused(Box<Paused>),
    /// The host stopped the connector, or it stopped itself.
    #[error("the connector was stopped: {reason}{}", if *.wrote { "; a write had been sent, so it may have been applied" } else { "" })]
    Stopped {
        /// Which bound, or how it failed.
        reason: Stop,
        /// A write went out before: its outcome is unknown.
        wrote: bool,
    },
}

/// Calls are not made for a while, because they failed again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Paused {
    /// Of the kind of the last failure, so that it is treated as that; its message says since
    /// when, until when, why, and what to do.
    pub error: types::Error,
    /// Since when calls fail.
    pub since: SystemTime,
    /// When one call is let through, to see whether the fault has passed.
    pub until: SystemTime,
    /// The time until then.
    pub left: Duration,
}

impl CallError {
    /// The error as the contract has it, unless the connector was stopped or the answer too large.
    pub fn error(&self) -> Option<&types::Error> {
        match self {
            Self::Connector(error) => Some(error),
            Self::Paused(paused) => Some(&paused.error),
            Self::TooLarge | Self::Stopped { .. } => None,
        }
    }
}

impl From<types::Error> for CallError {
    fn from(error: types::Error) -> Self {
        Self::Connector(error)
    }
}

/// How a call was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stop {
    /// It computed for longer than its bound.
    #[error("it computed for longer than a call may")]
    OutOfTime,
    /// It asked for more memory than its bound.
    #[error("it asked for more memory than a call may have")]
    OutOfMemory,
    /// It handed over more bytes than its bound.
    #[error("it handed over more data than a call may")]
    TooMuchData,
    /// It called itself too deeply.
    #[error("its stack overflowed")]
    StackOverflow,
    /// It failed inside: a fault of the connector.
    #[error("it failed inside ({0}); this is a fault of the connector")]
    Trapped(String),
    /// The host had no room for another instance.
    #[error("the host has no room for another instance ({0})")]
    NoInstance(String),
}

/// A time of day for people (RFC 3339), without fractions of a second.
pub(crate) fn to_the_second(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// An error with no answer of the provider behind it.
pub fn error(kind: ErrorKind, message: impl Into<String>) -> types::Error {
    let message = message.into();
    types::Error { kind, message, http_status: None, provider_code: None, request_id: None }
}

/// For people: what failed, the provider's code and request id, and the rejected
/// members one a line.
pub fn describe(error: &types::Error) -> String {
    let mut text = format!("{}: {}", headline(&error.kind), error.message);
    let facts = [
        error.http_status.map(|status| format!("HTTP {status}")),
        error.provider_code.as_ref().map(|code| format!("code {code}")),
        error.request_id.as_ref().map(|id| format!("request {id}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        text.push_str(&format!(" ({})", facts.join(", ")));
    }
    match &error.kind {
        ErrorKind::Conflict(Some(id)) => text.push_str(&format!("; existing record: {id}")),
        ErrorKind::InvalidInput(violations) => {
            for Violation { pointer, message } in violations {
                let at = if pointer.is_empty() { "the whole input" } else { pointer };
                text.push_str(&format!("\n  {at}: {message}"));
            }
        }
        _ => {}
    }
    text
}

/// What it comes to, without a word on whose fault it is: the message after it tells that.
///
/// | whose fault | told as | how it is known |
/// |---|---|---|
/// | the user's: a setting, secret, option, JSON | usage, before anything is sent | `BuildError`, `Usage`; `invalid-input` without a status |
/// | the account's: key, plan, scope | `unauthenticated`, `forbidden` | the provider says so, in its own form |
/// | the network's | `unavailable`, `outcome-unknown` | nothing was sent, or no answer came |
/// | a gateway's: firewall, proxy, sign-in page | `unavailable` | an answer that is not in the provider's form |
/// | the provider's | `unavailable`, `outcome-unknown`, `rate-limited` | 5xx, 429 |
/// | this program's state: disk, lock | `StoreError` and its like | never asked the provider |
/// | the connector's | `internal`; stopped | refused by the host's rules, another shape, a trap |
fn headline(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthenticated => "the credentials were refused",
        ErrorKind::Forbidden => "not allowed",
        ErrorKind::NotFound => "not found",
        ErrorKind::Conflict(_) => "conflict",
        ErrorKind::InvalidInput(_) => "invalid input",
        ErrorKind::RateLimited(_) => "held back by the provider's limits",
        ErrorKind::QuotaExhausted(_) => "the quota at the provider is used up",
        ErrorKind::Unavailable => "it could not be done now",
        ErrorKind::OutcomeUnknown => "the answer was lost, so it may or may not have been applied",
        ErrorKind::CursorExpired => "the scan cannot go on from here",
        ErrorKind::Unsupported => "not offered",
        ErrorKind::Internal => "it could not go on",
    }
}
