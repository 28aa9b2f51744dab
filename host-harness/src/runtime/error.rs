//! What can go wrong when a component is loaded, a connection is made, or a call runs.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::bindings::types::{self, Failure};

/// Why a file cannot serve as connector.
#[derive(Debug, Error)]
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
pub enum CallError {
    /// The connector's own answer: sorted by what to do next.
    #[error("{}", describe(.0))]
    Connector(types::Error),
    /// The answer was larger than the host takes; a smaller page may do.
    #[error("the answer is larger than the host takes; ask for less with a smaller page size")]
    TooLarge,
    /// The host stopped the connector, or it stopped itself.
    #[error("the connector was stopped: {reason}{}", if *.wrote { "; a write had been sent, so it may have been applied" } else { "" })]
    Stopped {
        /// Which bound, or how it failed.
        reason: Stop,
        /// A write went out before: its outcome is unknown.
        wrote: bool,
    },
}

impl From<types::Error> for CallError {
    fn from(error: types::Error) -> Self {
        Self::Connector(error)
    }
}

/// How a call was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It computed for longer than its bound.
    OutOfTime,
    /// It asked for more memory than its bound.
    OutOfMemory,
    /// It handed over more bytes than its bound.
    TooMuchData,
    /// It called itself too deeply.
    StackOverflow,
    /// It failed inside: a fault of the connector.
    Trapped(String),
    /// The host had no room for another instance.
    NoInstance(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTime => f.write_str("it computed for longer than a call may"),
            Self::OutOfMemory => f.write_str("it asked for more memory than a call may have"),
            Self::TooMuchData => f.write_str("it handed over more data than a call may"),
            Self::StackOverflow => f.write_str("its stack overflowed"),
            Self::Trapped(why) => {
                write!(f, "it failed inside ({why}); this is a fault of the connector")
            }
            Self::NoInstance(why) => write!(f, "the host has no room for another instance ({why})"),
        }
    }
}

/// One line for people: what failed, the provider's code and request id.
#[must_use]
pub fn describe(error: &types::Error) -> String {
    use types::Error as E;
    match error {
        E::Unauthenticated(failure) => sentence("the credentials were refused", failure),
        E::Forbidden(failure) => sentence("not allowed", failure),
        E::NotFound(failure) => sentence("not found", failure),
        E::Conflict(conflict) => {
            let mut text = sentence("conflict", &conflict.failure);
            if let Some(id) = &conflict.existing {
                text.push_str(&format!("; existing record: {id}"));
            }
            text
        }
        E::InvalidInput(invalid) => {
            let mut text = sentence("invalid input", &invalid.failure);
            for violation in &invalid.violations {
                let at = if violation.pointer.is_empty() {
                    "the whole input"
                } else {
                    &violation.pointer
                };
                text.push_str(&format!("\n  {at}: {}", violation.message));
            }
            text
        }
        E::RateLimited(limit) => sentence("slowed down by the provider's limits", &limit.failure),
        E::Unavailable(failure) => sentence("the provider could not be used", failure),
        E::OutcomeUnknown(failure) => {
            sentence("the answer was lost, so it may or may not have been applied", failure)
        }
        E::CursorExpired(failure) => sentence("the scan cannot go on from here", failure),
        E::Unsupported(text) => format!("not offered: {text}"),
        E::Internal(failure) => sentence("the connector could not go on", failure),
    }
}

/// The facts inside an error; `None` for `unsupported`, which has only a text.
#[must_use]
pub fn failure(error: &types::Error) -> Option<&Failure> {
    use types::Error as E;
    match error {
        E::Unauthenticated(failure)
        | E::Forbidden(failure)
        | E::NotFound(failure)
        | E::Unavailable(failure)
        | E::OutcomeUnknown(failure)
        | E::CursorExpired(failure)
        | E::Internal(failure) => Some(failure),
        E::Conflict(conflict) => Some(&conflict.failure),
        E::InvalidInput(invalid) => Some(&invalid.failure),
        E::RateLimited(limit) => Some(&limit.failure),
        E::Unsupported(_) => None,
    }
}

fn sentence(what: &str, failure: &Failure) -> String {
    let mut text = format!("{what}: {}", failure.message);
    let mut facts = Vec::new();
    if let Some(status) = failure.http_status {
        facts.push(format!("HTTP {status}"));
    }
    if let Some(code) = &failure.provider_code {
        facts.push(format!("code {code}"));
    }
    if let Some(id) = &failure.request_id {
        facts.push(format!("request {id}"));
    }
    if !facts.is_empty() {
        text.push_str(&format!(" ({})", facts.join(", ")));
    }
    text
}
