//! THE table: from what came of one request to the case of [`Error`](super::Error) it becomes.
//!
//! AfterShip's `meta.code` decides first, then the HTTP status (AfterShip API 2026-07, "Request
//! errors": 4004 says `BadRequest` and comes with HTTP 404). What a lost answer means depends on
//! what the request does:
//!
//! | outcome | read | repeatable write | write |
//! |---|---|---|---|
//! | not sent | unavailable | unavailable | unavailable |
//! | limited | rate-limited | rate-limited | rate-limited |
//! | refused by the host | internal | internal | internal |
//! | no answer, 408, 5xx | unavailable | outcome-unknown | outcome-unknown |
//! | 503 with Retry-After | rate-limited | outcome-unknown | outcome-unknown |
//! | 2xx, unreadable | unavailable | outcome-unknown | outcome-unknown |
//! | 2xx, of another shape | internal | outcome-unknown | outcome-unknown |
//! | 429 | rate-limited | rate-limited | rate-limited |
//!
//! A repeatable write whose answer was lost is `outcome-unknown` too: that is the truth, and the
//! host knows from the manifest that it may send it again. A 503 with Retry-After is
//! `rate-limited` for a read, because that case alone carries the time to wait; of a write it
//! proves nothing, since a proxy may say it after passing the request on.

/// What sending a request does at AfterShip, whatever its method (RFC 9110 section 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes something; sending it again changes nothing more.
    RepeatableWrite,
    /// Changes something; sending it again may do it twice.
    Write,
}

/// What came of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing reached AfterShip.
    NotSent,
    /// The limits left no room.
    Limited,
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
    /// `meta.code`, when the body tells one.
    pub code: Option<u32>,
    /// What the body is.
    pub body: Body,
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
pub fn case(outcome: Outcome, effect: Effect, cursor_sent: bool) -> Case {
    match outcome {
        Outcome::NotSent => Case::Unavailable,
        Outcome::Limited => Case::RateLimited,
        Outcome::Unanswered => lost(effect),
        Outcome::Refused => Case::Internal,
        Outcome::Answered(answer) => answered(answer, effect, cursor_sent),
    }
}

fn answered(answer: Answer, effect: Effect, cursor_sent: bool) -> Case {
    let status = effective_status(answer);
    // A cursor is the one input that ages, so it is blamed for a 400 first: the new scan either
    // works or fails again without a cursor, and then tells the true reason.
    if status == 400 && cursor_sent {
        return Case::CursorExpired;
    }
    match (status, answer.code) {
        (_, Some(4003 | 4013 | 4016)) => Case::Conflict,
        (_, Some(4004)) => Case::NotFound,
        (_, Some(4001..=4999)) => Case::InvalidInput,
        (200..=299, _) => match (answer.body, effect) {
            (Body::Json, _) => Case::Done,
            (Body::OtherShape, Effect::Read) => Case::Internal,
            (Body::OtherShape | Body::Unreadable, _) => lost(effect),
        },
        (401, _) => Case::Unauthenticated,
        (402 | 403, _) => Case::Forbidden,
        (404 | 410, _) => Case::NotFound,
        (408, _) => lost(effect),
        (409, _) => Case::Conflict,
        // What the connector says of itself in a request line or header is never the caller's.
        (405 | 406 | 411 | 414 | 415 | 431, _) => Case::Internal,
        (429, _) => Case::RateLimited,
        (400..=499, _) => Case::InvalidInput,
        (503, _) if answer.retry_after && effect == Effect::Read => Case::RateLimited,
        (500..=599, _) => lost(effect),
        _ => Case::Internal,
    }
}

fn lost(effect: Effect) -> Case {
    match effect {
        Effect::Read => Case::Unavailable,
        Effect::RepeatableWrite | Effect::Write => Case::OutcomeUnknown,
    }
}

/// A code of three digits is an HTTP status, and tells more than a 200 around it.
fn effective_status(answer: Answer) -> u16 {
    match answer.code.map(u16::try_from) {
        Some(Ok(code @ 400..=599)) => code,
        _ => answer.status,
    }
}

#[cfg(test)]
mod tests;
