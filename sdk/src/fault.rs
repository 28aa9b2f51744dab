//! The frame of a connector's error table: what holds for every provider.
//!
//! | outcome | read | write |
//! |---|---|---|
//! | not sent | unavailable | unavailable |
//! | limited, 429 | rate-limited | rate-limited |
//! | no secret of the connection | unauthenticated | unauthenticated |
//! | refused by the host | internal | internal |
//! | no answer, 408, 5xx | unavailable | outcome-unknown |
//! | 401; 402, 403; 404, 410; 409; 413 and other 4xx | as the status says | as the status says |
//! | a redirect (none is followed) | unavailable | unavailable; 303: outcome-unknown |
//! | anything else that did not work | internal | outcome-unknown |
//!
//! What a provider says in codes of its own goes before this table, in the connector.

use crate::contract::{DataRecord, Error, ErrorKind, Response, SendError};
use crate::json::Malformed;
use crate::wait::hint_ms;

/// From here on a wait is that of a quota, and no longer of a rate.
const QUOTA_MS: u32 = 3_600_000;

/// A provider's words are cut after so many characters: they go into messages and logs.
const LONGEST_QUOTE: usize = 400;

/// The error for a request that got no answer. `what` completes the sentence "Could not ...".
#[must_use]
pub fn unsent(what: &str, writes: bool, error: SendError) -> Error {
    let (kind, why) = unsent_kind(writes, error);
    let message = message(what, &why, next_step(&kind));
    Error::new(kind, message)
}

/// The kind of [`unsent`], and why there is no answer.
#[must_use]
pub fn unsent_kind(writes: bool, error: SendError) -> (ErrorKind, String) {
    match error {
        SendError::NotSent(why) => (ErrorKind::Unavailable, why),
        SendError::Limited(ms) => {
            (ErrorKind::RateLimited(Some(ms)), "the limits leave no room for it yet".into())
        }
        SendError::NoSecret(name) => {
            (ErrorKind::Unauthenticated, format!("the connection has no secret `{name}`"))
        }
        SendError::Unanswered(why) => (lost(writes), why),
        SendError::Refused(why) => (ErrorKind::Internal, why),
    }
}

/// The answer to a request, when its HTTP status is a success. For providers that say nothing in
/// codes of their own.
///
/// # Errors
/// As the table says.
pub fn expect_success(
    what: &str,
    writes: bool,
    response: Result<Response, SendError>,
    now_ms: u64,
) -> Result<Response, Error> {
    let response = response.map_err(|error| unsent(what, writes, error))?;
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    let kind = status_kind(response.status, writes, hint_ms(&response.headers, now_ms));
    let why = format!("the provider answered HTTP {}", response.status);
    let message = message(what, &why, next_step(&kind));
    Err(Error::new(kind, message).answered(response.status, None, None))
}

/// The kind of an answer that did not work, by its HTTP status alone. `wait_ms`: how long it asks to
/// wait.
#[must_use]
pub fn status_kind(status: u16, writes: bool, wait_ms: Option<u32>) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        402 | 403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict(None),
        429 => too_much(wait_ms),
        303 | 408 | 500..=599 => lost(writes),
        300..=399 => ErrorKind::Unavailable,
        400..=499 => ErrorKind::InvalidInput(Vec::new()),
        _ if writes => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Internal,
    }
}

/// Too many requests. A wait of an hour or more is that of a quota.
#[must_use]
pub fn too_much(wait_ms: Option<u32>) -> ErrorKind {
    match wait_ms {
        Some(QUOTA_MS..) => ErrorKind::QuotaExhausted(wait_ms),
        _ => ErrorKind::RateLimited(wait_ms),
    }
}

/// A request whose answer is lost.
#[must_use]
pub fn lost(writes: bool) -> ErrorKind {
    if writes { ErrorKind::OutcomeUnknown } else { ErrorKind::Unavailable }
}

/// What to do next, for people.
#[must_use]
pub fn next_step(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthenticated => "Check the credentials, or connect again.",
        ErrorKind::Forbidden => {
            "The key is valid but lacks the plan or scope: ask the account's owner to change it."
        }
        ErrorKind::NotFound => "It may be deleted, too old, or made only a moment ago.",
        ErrorKind::Conflict(_) => "Read the record that is there, then decide again.",
        ErrorKind::InvalidInput(_) => "Correct the input and send it again.",
        ErrorKind::RateLimited(_) => "Nothing was changed; wait, then send it again.",
        ErrorKind::QuotaExhausted(_) => {
            "Nothing was changed. A quota of the account is used up: wait, or ask its owner for a \
             larger plan."
        }
        ErrorKind::Unavailable => "Nothing was changed; try again later.",
        ErrorKind::OutcomeUnknown => "It may have been done: read before writing again.",
        ErrorKind::CursorExpired => "Start the scan again.",
        ErrorKind::Unsupported => "It is not offered.",
        ErrorKind::Internal => "Trying again will not help: report it with the request id.",
    }
}

/// "Could not `what`: `why`. `Next`"
#[must_use]
pub fn message(what: &str, why: &str, next: &str) -> String {
    format!("Could not {what}: {}. {next}", why.trim_end_matches('.'))
}

/// A provider's words, fit to stand in a message.
#[must_use]
pub fn quote(words: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let words: String = words.chars().take(LONGEST_QUOTE).map(printable).collect();
    words.trim().trim_end_matches('.').to_owned()
}

/// Why a record cannot be read again, for people.
#[must_use]
pub fn unreadable_reason(record: &DataRecord, malformed: Malformed) -> String {
    let Malformed { at, expected } = malformed;
    format!("The record `{}` cannot be read: {expected} expected at byte {at}.", record.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds() {
        let cases = [
            (401, ErrorKind::Unauthenticated, ErrorKind::Unauthenticated),
            (402, ErrorKind::Forbidden, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound, ErrorKind::NotFound),
            (409, ErrorKind::Conflict(None), ErrorKind::Conflict(None)),
            (413, ErrorKind::InvalidInput(Vec::new()), ErrorKind::InvalidInput(Vec::new())),
            (429, ErrorKind::RateLimited(None), ErrorKind::RateLimited(None)),
            (301, ErrorKind::Unavailable, ErrorKind::Unavailable),
            (303, ErrorKind::Unavailable, ErrorKind::OutcomeUnknown),
            (408, ErrorKind::Unavailable, ErrorKind::OutcomeUnknown),
            (502, ErrorKind::Unavailable, ErrorKind::OutcomeUnknown),
            (204, ErrorKind::Internal, ErrorKind::OutcomeUnknown),
        ];
        for (status, read, write) in cases {
            assert_eq!(status_kind(status, false, None), read, "{status}");
            assert_eq!(status_kind(status, true, None), write, "{status}");
        }
        assert_eq!(too_much(Some(QUOTA_MS)), ErrorKind::QuotaExhausted(Some(QUOTA_MS)));
        let error = unsent("list parcels", false, SendError::NotSent("no route.".into()));
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let text = "Could not list parcels: no route. Nothing was changed; try again later.";
        assert_eq!(error.message, text);
        let answer = |status| Ok(Response::json(status, "{}").header("retry-after", "7"));
        assert!(expect_success("list", false, answer(200), 0).is_ok());
        let error = expect_success("list", false, answer(429), 0).unwrap_err();
        assert_eq!(
            (error.kind, error.http_status),
            (ErrorKind::RateLimited(Some(7000)), Some(429))
        );
    }
}
