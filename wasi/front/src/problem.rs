//! Errors as RFC 9457 problems, in the shape of the HTTP API of this repository's host: a `kind` says what to do next.

use crate::bindings::connector::api::types::{Error, ErrorKind, Violation};
use crate::http::Reply;
use crate::json;

/// The contract's error kinds, as far as the front itself fails by them.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The caller has no right token.
    Unauthenticated,
    /// There is no such route.
    NotFound,
    /// The request cannot be read.
    InvalidInput,
    /// The route has no such method.
    Unsupported,
    /// Not done; it may pass.
    Unavailable,
    /// Something is not set up.
    Internal,
}

/// Whose fault it is.
#[derive(Clone, Copy)]
pub enum Source {
    /// What was asked for.
    Request,
    /// The configuration of this service, or its platform.
    Host,
}

/// What is answered instead of a result.
pub struct Problem {
    status: u16,
    kind: &'static str,
    source: &'static str,
    detail: String,
    retry_after: Option<u64>,
    /// Further members, as JSON.
    more: String,
}

impl Problem {
    /// One of the front's own.
    pub fn new(kind: Kind, source: Source, detail: impl Into<String>) -> Self {
        let (kind, status) = match kind {
            Kind::Unauthenticated => ("unauthenticated", 401),
            Kind::NotFound => ("not-found", 404),
            Kind::InvalidInput => ("invalid-input", 422),
            Kind::Unsupported => ("unsupported", 501),
            Kind::Unavailable => ("unavailable", 503),
            Kind::Internal => ("internal", 500),
        };
        let source = match source {
            Source::Request => "request",
            Source::Host => "host",
        };
        let (detail, more) = (detail.into(), String::new());
        Self { status, kind, source, detail, retry_after: None, more }
    }

    /// A request that cannot be read.
    pub fn of_request(status: u16, detail: &str) -> Self {
        Self::new(Kind::InvalidInput, Source::Request, detail).with_status(status)
    }

    /// The same with another status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// How a call of the connector ended; `expected`: it was made for a version that the caller named.
    pub fn of_call(error: Error, expected: bool) -> Self {
        let mut more = String::new();
        let mut retry_after = None;
        let seconds =
            |after_ms: Option<u32>| after_ms.map(|it| u64::from(it).div_ceil(1_000).max(1));
        let (kind, status, source) = match error.kind {
            ErrorKind::Unauthenticated => ("unauthenticated", 424, "account"),
            ErrorKind::Forbidden => ("forbidden", 403, "account"),
            ErrorKind::NotFound => ("not-found", 404, "request"),
            ErrorKind::Conflict(existing) => {
                more = existing.map_or(more, |id| format!(",\"existing\":{}", json::text(&id)));
                ("conflict", if expected { 412 } else { 409 }, "request")
            }
            ErrorKind::InvalidInput(violations) => {
                more = format!(",\"violations\":[{}]", json::list(&violations, violation));
                ("invalid-input", 422, "request")
            }
            ErrorKind::RateLimited(after_ms) => {
                retry_after = seconds(after_ms);
                ("rate-limited", 429, "provider")
            }
            ErrorKind::QuotaExhausted(after_ms) => {
                retry_after = seconds(after_ms);
                ("quota-exhausted", 429, "provider")
            }
            ErrorKind::Unavailable => ("unavailable", 503, "provider"),
            ErrorKind::OutcomeUnknown => ("outcome-unknown", 504, "network"),
            ErrorKind::CursorExpired => ("cursor-expired", 410, "request"),
            ErrorKind::Unsupported => ("unsupported", 501, "connector"),
            ErrorKind::Internal => ("internal", 502, "connector"),
        };
        if error.http_status.is_some() {
            let status = json::number(error.http_status);
            let code = json::optional(error.provider_code.as_deref());
            let id = json::optional(error.request_id.as_deref());
            more += &format!(
                ",\"provider\":{{\"status\":{status},\"code\":{code},\"request_id\":{id}}}"
            );
        }
        Self { status, kind, source, detail: error.message, retry_after, more }
    }
}

fn violation(one: &Violation) -> String {
    let (pointer, message) = (json::text(&one.pointer), json::text(&one.message));
    format!("{{\"pointer\":{pointer},\"message\":{message}}}")
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let Problem { status, kind, source, detail, retry_after, more } = problem;
        let (detail, title) = (json::text(&detail), kind.replace('-', " "));
        let after = json::number(retry_after);
        let body = format!(
            "{{\"type\":\"urn:connector-host:problem:{kind}\",\"title\":\"{title}\",\"status\":{status},\
             \"detail\":{detail},\"kind\":\"{kind}\",\"source\":\"{source}\",\
             \"retry_after_seconds\":{after}{more}}}"
        );
        let mut reply = Self::json(status, body);
        reply.headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
        reply.headers.extend(retry_after.map(|it| ("retry-after".to_owned(), it.to_string())));
        if status == 401 {
            reply.headers.push(("www-authenticate".to_owned(), "Bearer".to_owned()));
        }
        reply
    }
}
