//! THE table: from what came of one request to the kind of error that it becomes.
//!
//! AfterShip writes `meta.code` into every answer of its own but some of 5xx (AfterShip API
//! 2026-07, "Request errors"). So an answer without one was written by something in between: a
//! firewall, a proxy, a sign-in page. That knows nothing of keys, plans and records. What a lost
//! answer means depends on what the request does:
//!
//! | outcome | read | write |
//! |---|---|---|
//! | not sent | unavailable | unavailable |
//! | limited, 429 | rate-limited | rate-limited |
//! | 429 that asks to wait for an hour or more | quota-exhausted | quota-exhausted |
//! | no secret of the connection | unauthenticated | unauthenticated |
//! | refused by the host | internal | internal |
//! | no answer, 408, 5xx whatever its code | unavailable | outcome-unknown |
//! | 503 with Retry-After | rate-limited | outcome-unknown |
//! | 2xx, unreadable | unavailable | outcome-unknown |
//! | 2xx, of another shape or with a code that nobody documents | internal | outcome-unknown |
//! | 2xx or 4xx with a code of AfterShip's | as the code says | as the code says |
//! | 4xx without a code, but for 413 and what our own headers cause | unavailable | unavailable |
//! | redirect without a code | unavailable | unavailable; 303: outcome-unknown |
//!
//! The code goes before the status, because 4004 says `BadRequest` and comes with HTTP 404, and
//! HTTP 404 with code 404 says that the address is unknown, not the record. But no code makes a
//! 429 or a 5xx something else: the first was certainly not applied, the second perhaps was.
//!
//! A 503 with Retry-After is `rate-limited` for a read, because that case alone carries the time to
//! wait; of a write it proves nothing, since a proxy may say it after passing the request on.

use connector_sdk::{
    ErrorKind,
    fault::{lost, too_much},
};

/// What the table needs to know of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `meta.code`; without one the answer is not AfterShip's own.
    pub code: Option<u32>,
    /// Whether code 404 of this endpoint means the record: where AfterShip has no code of its own
    /// for a record that is not there.
    pub record_404: bool,
    /// What the body is.
    pub body: Body,
    /// How long it asks to wait.
    pub wait_ms: Option<u32>,
    /// Whether a readable `retry-after` came with it.
    pub retry_after: bool,
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON of the expected shape.
    Json,
    /// JSON that lacks what the call needs.
    OtherShape,
    /// Cut off, or no JSON at all.
    Unreadable,
}

/// Looks up the table; `None`: it worked. `cursor_sent`: the request carried a provider cursor.
#[must_use]
pub fn kind(answer: Answer, writes: bool, cursor_sent: bool) -> Option<ErrorKind> {
    Some(match (answer.status, answer.code) {
        (429, _) => too_much(answer.wait_ms),
        (503, _) if answer.retry_after && !writes => ErrorKind::RateLimited(answer.wait_ms),
        (408 | 500..=599, _) => lost(writes),
        // A cursor is the one input that ages, so it is blamed for a 400 first: the new scan either
        // works or fails again without a cursor, and then tells the true reason.
        (400, _) | (200..=299, Some(400)) if cursor_sent => ErrorKind::CursorExpired,
        (200..=299, None | Some(0..=399)) => match (answer.body, writes) {
            (Body::Json, _) => return None,
            (Body::OtherShape, false) => ErrorKind::Internal,
            (Body::OtherShape | Body::Unreadable, _) => lost(writes),
        },
        (status @ (200..=299 | 400..=499), Some(code)) => said(answer, status, code, writes),
        (status, None) => between(status, writes),
        _ => ErrorKind::Internal,
    })
}

/// AfterShip refused: by a code of four digits, or by one of three, which is an HTTP status and
/// tells more than the one around it.
fn said(answer: Answer, status: u16, code: u32, writes: bool) -> ErrorKind {
    match code {
        4003 | 4013 | 4016 => return ErrorKind::Conflict(None),
        4004 => return ErrorKind::NotFound,
        4001..=4999 => return ErrorKind::InvalidInput(Vec::new()),
        _ => {}
    }
    match u16::try_from(code).ok().filter(|code| (400..=599).contains(code)).unwrap_or(status) {
        401 => ErrorKind::Unauthenticated,
        402 | 403 => ErrorKind::Forbidden,
        404 | 410 if answer.record_404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict(None),
        429 => too_much(answer.wait_ms),
        // What the connector says of itself in a request line or header is never the caller's.
        404..=406 | 410 | 411 | 414 | 415 | 431 => ErrorKind::Internal,
        408 | 500..=599 => lost(writes),
        400..=499 => ErrorKind::InvalidInput(Vec::new()),
        // A success by its status, with a code that nobody documents.
        _ if !writes => ErrorKind::Internal,
        _ => ErrorKind::OutcomeUnknown,
    }
}

/// Something between here and AfterShip answered. What it refuses has not reached AfterShip.
fn between(status: u16, writes: bool) -> ErrorKind {
    match status {
        303 => lost(writes),
        413 => ErrorKind::InvalidInput(Vec::new()),
        406 | 411 | 414 | 415 | 431 => ErrorKind::Internal,
        301 | 302 | 307 | 308 | 400..=499 => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests;
