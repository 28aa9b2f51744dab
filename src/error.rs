//! What went wrong, sorted by what the host does next: one case, one action.

mod table;

pub use table::{Answer, Body, Case, Outcome, case};

/// What is known about a failed call, for people and logs. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What failed, why, and what to do next.
    pub message: String,
    /// HTTP status, when AfterShip answered at all.
    pub http_status: Option<u16>,
    /// AfterShip's `meta.code`, verbatim.
    pub provider_code: Option<String>,
    /// AfterShip's `as-trace-id`, to quote to its support.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure that no answer of AfterShip stands behind.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

/// One rejected member of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the input; empty for the whole document.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

/// The closed set of faults that a call may end in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Credentials missing, wrong or revoked.
    Unauthenticated(Failure),
    /// Valid credentials without the scope or plan.
    Forbidden(Failure),
    /// No such record, object or action.
    NotFound(Failure),
    /// Contradicts the provider's state.
    Conflict {
        /// What happened.
        failure: Failure,
        /// The record that is already there, when known.
        existing: Option<String>,
    },
    /// Refused for its content.
    InvalidInput {
        /// What happened.
        failure: Failure,
        /// Which members, when known.
        violations: Vec<Violation>,
    },
    /// Not applied; to be retried after the stated time.
    RateLimited {
        /// What happened.
        failure: Failure,
        /// Milliseconds to wait at least.
        retry_after_ms: Option<u32>,
    },
    /// Not applied; a quota of hours or days is used up.
    QuotaExhausted {
        /// What happened.
        failure: Failure,
        /// Milliseconds until it is back.
        retry_after_ms: Option<u32>,
    },
    /// Transient, and certainly not applied.
    Unavailable(Failure),
    /// The answer was lost: the request may or may not have been applied.
    OutcomeUnknown(Failure),
    /// The cursor or bookmark is no longer accepted.
    CursorExpired(Failure),
    /// The object does not offer this; the text says what to do instead.
    Unsupported(String),
    /// A fault of the connector or an answer that it cannot read.
    Internal(Failure),
}

impl Error {
    /// Refuses an input because of these members.
    pub fn invalid(message: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self::InvalidInput { failure: Failure::new(message), violations }
    }

    /// Refuses an input because of one member.
    pub fn invalid_member(pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let violation = Violation { pointer: pointer.into(), message: message.clone() };
        Self::invalid(message, vec![violation])
    }

    /// AfterShip's state is not what was asked for.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { failure: Failure::new(message), existing: None }
    }

    /// Nothing has this name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(Failure::new(message))
    }

    /// The scan has to start again.
    pub fn cursor_expired(message: impl Into<String>) -> Self {
        Self::CursorExpired(Failure::new(message))
    }

    /// The connector, its settings or AfterShip's answer is at fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(Failure::new(message))
    }

    /// What is known, or `None` for [`Error::Unsupported`], which has only a text.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unauthenticated(failure)
            | Self::Forbidden(failure)
            | Self::NotFound(failure)
            | Self::Conflict { failure, .. }
            | Self::InvalidInput { failure, .. }
            | Self::RateLimited { failure, .. }
            | Self::QuotaExhausted { failure, .. }
            | Self::Unavailable(failure)
            | Self::OutcomeUnknown(failure)
            | Self::CursorExpired(failure)
            | Self::Internal(failure) => Some(failure),
            Self::Unsupported(_) => None,
        }
    }
}

/// The message, for people.
impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsupported(text) => formatter.write_str(text),
            _ => formatter.write_str(self.failure().map_or("", |failure| &failure.message)),
        }
    }
}

impl std::error::Error for Error {}
