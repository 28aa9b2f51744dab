//! THE table: from what came of one request to the case of [`Error`](super::Error) it becomes.
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

/// From here on a wait is that of a quota, and no longer of a rate.
const QUOTA_MS: u32 = 3_600_000;

/// What came of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing reached AfterShip.
    NotSent,
    /// The limits left no room.
    Limited,
    /// The connection lacks a secret.
    NoSecret,
    /// Sent, and no whole answer came.
    Unanswered,
    /// The host's policy forbids it.
    Refused,
    /// AfterShip answered.
    Answered(Answer),
}

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

/// The cases of [`Error`](super::Error) that an answer can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It worked.
    Done,
    /// Credentials missing, wrong or revoked.
    Unauthenticated,
    /// Scope or plan missing.
    Forbidden,
    /// No such record.
    NotFound,
    /// Contradicts AfterShip's state.
    Conflict,
    /// Refused for its content.
    InvalidInput,
    /// Not applied; wait.
    RateLimited,
    /// Not applied; a quota of hours or days is used up.
    QuotaExhausted,
    /// Not applied; try again.
    Unavailable,
    /// May have been applied.
    OutcomeUnknown,
    /// The cursor is no longer accepted.
    CursorExpired,
    /// A fault of the connector, or an answer that it cannot read.
    Internal,
}

/// Looks up the table. `cursor_sent`: the request carried a provider cursor.
#[must_use]
pub fn case(outcome: Outcome, writes: bool, cursor_sent: bool) -> Case {
    match outcome {
        Outcome::NotSent => Case::Unavailable,
        Outcome::Limited => Case::RateLimited,
        Outcome::NoSecret => Case::Unauthenticated,
        Outcome::Unanswered => lost(writes),
        Outcome::Refused => Case::Internal,
        Outcome::Answered(answer) => answered(answer, writes, cursor_sent),
    }
}

fn answered(answer: Answer, writes: bool, cursor_sent: bool) -> Case {
    match (answer.status, answer.code) {
        (429, _) => too_much(answer),
        (503, _) if answer.retry_after && !writes => Case::RateLimited,
        (408 | 500..=599, _) => lost(writes),
        // A cursor is the one input that ages, so it is blamed for a 400 first: the new scan either
        // works or fails again without a cursor, and then tells the true reason.
        (400, _) | (200..=299, Some(400)) if cursor_sent => Case::CursorExpired,
        (200..=299, None | Some(0..=399)) => match (answer.body, writes) {
            (Body::Json, _) => Case::Done,
            (Body::OtherShape, false) => Case::Internal,
            (Body::OtherShape | Body::Unreadable, _) => lost(writes),
        },
        (status @ (200..=299 | 400..=499), Some(code)) => said(answer, status, code, writes),
        (status, None) => between(status, writes),
        _ => Case::Internal,
    }
}

/// AfterShip refused: by a code of four digits, or by one of three, which is an HTTP status and
/// tells more than the one around it.
fn said(answer: Answer, status: u16, code: u32, writes: bool) -> Case {
    match code {
        4003 | 4013 | 4016 => return Case::Conflict,
        4004 => return Case::NotFound,
        4001..=4999 => return Case::InvalidInput,
        _ => {}
    }
    match u16::try_from(code).ok().filter(|code| (400..=599).contains(code)).unwrap_or(status) {
        401 => Case::Unauthenticated,
        402 | 403 => Case::Forbidden,
        404 | 410 if answer.record_404 => Case::NotFound,
        409 => Case::Conflict,
        429 => too_much(answer),
        // What the connector says of itself in a request line or header is never the caller's.
        404..=406 | 410 | 411 | 414 | 415 | 431 => Case::Internal,
        408 | 500..=599 => lost(writes),
        400..=499 => Case::InvalidInput,
        // A success by its status, with a code that nobody documents.
        _ if !writes => Case::Internal,
        _ => Case::OutcomeUnknown,
    }
}

/// Something between here and AfterShip answered. What it refuses has not reached AfterShip.
fn between(status: u16, writes: bool) -> Case {
    match status {
        303 => lost(writes),
        413 => Case::InvalidInput,
        406 | 411 | 414 | 415 | 431 => Case::Internal,
        301 | 302 | 307 | 308 | 400..=499 => Case::Unavailable,
        _ => Case::Internal,
    }
}

fn too_much(answer: Answer) -> Case {
    match answer.wait_ms {
        Some(QUOTA_MS..) => Case::QuotaExhausted,
        _ => Case::RateLimited,
    }
}

fn lost(writes: bool) -> Case {
    if writes { Case::OutcomeUnknown } else { Case::Unavailable }
}

#[cfg(test)]
mod tests;
