//! Making errors. An [`ErrorKind`] says what the host does next; the message says what failed, why,
//! and what to do, and holds no secret.

use crate::contract::{Error, ErrorKind, Violation};

impl Error {
    /// An error that no answer of the provider stands behind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, http_status: None, provider_code: None, request_id: None }
    }

    /// The same, of an answer with this HTTP status, code and request id.
    #[must_use]
    pub fn answered(
        self,
        http_status: u16,
        provider_code: Option<String>,
        request_id: Option<String>,
    ) -> Self {
        Self { http_status: Some(http_status), provider_code, request_id, ..self }
    }

    /// Refuses an input because of these members.
    #[must_use]
    pub fn invalid(message: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self::new(ErrorKind::InvalidInput(violations), message)
    }

    /// Refuses an input because of the member at this JSON Pointer.
    #[must_use]
    pub fn invalid_member(pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let violation = Violation { pointer: pointer.into(), message: message.clone() };
        Self::invalid(message, vec![violation])
    }

    /// The provider's state is not what was asked for.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict(None), message)
    }

    /// Nothing has this name.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The credentials are missing, wrong or revoked.
    #[must_use]
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthenticated, message)
    }

    /// Transient, and certainly not applied.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// The answer was lost: the request may or may not have been applied.
    #[must_use]
    pub fn outcome_unknown(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OutcomeUnknown, message)
    }

    /// The scan has to start again.
    #[must_use]
    pub fn cursor_expired(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::CursorExpired, message)
    }

    /// This is not offered; the message says what to do instead.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The connector, its settings or the provider's answer is at fault.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// A setting that cannot be used as it is; `example` can.
    #[must_use]
    pub fn bad_setting(name: &str, example: &str) -> Self {
        let text =
            format!("Setting `{name}` cannot be used. Set it to something like `{example}`.");
        Self::internal(text)
    }

    /// Whether the record is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// The rejected members of an input.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        if let ErrorKind::InvalidInput(violations) = &self.kind { violations } else { &[] }
    }
}
