//! From what came of a request to an [`Error`] with words for people.

mod violations;

use super::answer::Head;
use super::hidden::Hidden;
use super::page::{self, Meta};
use crate::error::{Answer, Body, Case, Error, Failure, Outcome, case};
use crate::host::SendError;
use crate::json;

/// AfterShip's words are cut after so many characters: they go into messages and logs.
const LONGEST_QUOTE: usize = 400;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Completes the sentence "Could not ...".
    pub what: &'static str,
    /// Whether the endpoint changes something.
    pub writes: bool,
    /// Whether a provider cursor was sent.
    pub cursor_sent: bool,
    /// Whether a body was sent.
    pub has_body: bool,
    /// Whether AfterShip tells by its code 404 that the record is not there.
    pub record_404: bool,
    /// The scope that the grant needs for it, when scopes are granted.
    pub scope: Option<&'static str>,
}

/// The error for a request that got no answer. No text of it holds what is `hidden`.
#[must_use]
pub fn unsent(context: Context, error: SendError, hidden: &Hidden) -> Error {
    let (outcome, wait_ms, why) = match error {
        SendError::NotSent(why) => (Outcome::NotSent, None, why),
        SendError::Limited(ms) => {
            (Outcome::Limited, Some(ms), "the limits leave no room for it yet".into())
        }
        SendError::NoSecret(name) => {
            (Outcome::NoSecret, None, format!("the connection has no secret `{name}`"))
        }
        SendError::Unanswered(why) => (Outcome::Unanswered, None, why),
        SendError::Refused(why) => (Outcome::Refused, None, why),
    };
    let case = case(outcome, context.writes, context.cursor_sent);
    let failure = Failure::new(message(context, case, &hidden.hide(&why), next_step(case)));
    error_of(case, failure, wait_ms, None, Vec::new)
}

/// The error for an answer that did not work, or that cannot be read: `body` says which. `why`
/// tells what an answer of another shape lacks. No text of it holds what is `hidden`.
#[must_use]
pub fn answered(
    context: Context,
    head: &Head,
    text: &str,
    body: Body,
    why: Option<&str>,
    hidden: &Hidden,
) -> Error {
    let envelope = page::single(text).unwrap_or_default();
    let answer = Answer {
        status: head.status,
        code: envelope.meta.code,
        record_404: context.record_404,
        body,
        wait_ms: head.wait_ms,
        retry_after: head.retry_after,
    };
    let case = case(Outcome::Answered(answer), context.writes, context.cursor_sent);
    let mut meta = envelope.meta;
    // Hidden before it is cut or taken apart: a piece of a secret is one too.
    meta.message = meta.message.map(|words| hidden.hide(&words).into_owned().into());
    let speaker = Speaker::of(&meta, head, text);
    let next = speaker.next_step(case, &meta);
    let failure = Failure {
        message: message(context, case, &reason(&speaker, head.status, body, &meta, why), next),
        http_status: Some(head.status),
        provider_code: meta.code.map(|code| code.to_string()),
        request_id: head.request_id.clone(),
    };
    let existing = existing(envelope.data.map_or("", |data| data.raw));
    error_of(case, failure, head.wait_ms, existing, || {
        hidden.hide_in(violations::of(&meta, context.has_body))
    })
}

/// The id of the record that is already there (4003), from both shapes that AfterShip has used:
/// `data.id`, and `data.tracking.id` before 2024-07.
fn existing(data: &str) -> Option<String> {
    let id = json::text_member(data, "id");
    id.or_else(|| json::text_member(json::member(data, "tracking")?, "id"))
        .filter(|id| !id.is_empty())
}

fn error_of(
    case: Case,
    failure: Failure,
    retry_after_ms: Option<u32>,
    existing: Option<String>,
    violations: impl FnOnce() -> Vec<crate::error::Violation>,
) -> Error {
    match case {
        Case::Unauthenticated => Error::Unauthenticated(failure),
        Case::Forbidden => Error::Forbidden(failure),
        Case::NotFound => Error::NotFound(failure),
        Case::Conflict => Error::Conflict { failure, existing },
        Case::InvalidInput => Error::InvalidInput { failure, violations: violations() },
        Case::RateLimited => Error::RateLimited { failure, retry_after_ms },
        Case::QuotaExhausted => Error::QuotaExhausted { failure, retry_after_ms },
        Case::Unavailable => Error::Unavailable(failure),
        Case::OutcomeUnknown => Error::OutcomeUnknown(failure),
        Case::CursorExpired => Error::CursorExpired(failure),
        // Nobody asks for the error of an answer that worked; if somebody did, it is a fault.
        Case::Done | Case::Internal => Error::Internal(failure),
    }
}

fn message(context: Context, case: Case, why: &str, next: &str) -> String {
    let why = why.trim_end_matches('.');
    if let (Case::Forbidden, Some(scope)) = (case, context.scope) {
        return format!(
            "Could not {}: {why}. The grant may lack the scope `{scope}`: connect again and allow \
             it. If it is there, the account's plan lacks this: ask its owner.",
            context.what
        );
    }
    format!("Could not {}: {why}. {next}", context.what)
}

/// Who wrote an answer, as far as it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Speaker {
    /// AfterShip: its code is there.
    AfterShip,
    /// A redirect to this address.
    Redirect(String),
    /// A web page.
    Page,
    /// Nobody knows: AfterShip writes some of its 5xx so, and gateways all of theirs.
    Unknown,
}

impl Speaker {
    fn of(meta: &Meta<'_>, head: &Head, text: &str) -> Self {
        match &head.location {
            _ if meta.code.is_some() => Self::AfterShip,
            // What follows a `?` may be a ticket for somebody's sign-in.
            Some(location) if (300..400).contains(&head.status) => {
                Self::Redirect(quote(location.split('?').next().unwrap_or_default()))
            }
            _ if text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('<') => {
                Self::Page
            }
            _ => Self::Unknown,
        }
    }

    fn next_step(&self, case: Case, meta: &Meta<'_>) -> &'static str {
        match (self, case) {
            (Self::AfterShip, Case::Internal) if matches!(meta.code, Some(404 | 405 | 410)) => {
                "AfterShip has no such address: check the settings `base-url` and `api-version`. \
                 If they are right, report it with the request id."
            }
            (Self::Redirect(_), _) => {
                "Redirects are not followed, because the key would go along. If AfterShip is \
                 there, set `base-url` to that origin; else a proxy or a sign-in page stands in \
                 between. Nothing was changed, unless it was HTTP 303."
            }
            (Self::Page | Self::Unknown, Case::Unavailable) => {
                "Nothing was changed; try again later. If it stays so, a firewall or proxy refuses \
                 it, or the setting `base-url` names another server."
            }
            (Self::Page | Self::Unknown, Case::InvalidInput) => "It is too large: send less.",
            _ => next_step(case),
        }
    }
}

/// What stands between "Could not ..." and the next step.
fn reason(
    speaker: &Speaker,
    status: u16,
    body: Body,
    meta: &Meta<'_>,
    why: Option<&str>,
) -> String {
    if let Some(why) = why {
        return format!("the answer is not what AfterShip documents: {why}");
    }
    match (speaker, &meta.message) {
        (Speaker::AfterShip, Some(words)) => format!("AfterShip says \"{}\"", quote(words)),
        (Speaker::AfterShip, None) => format!("AfterShip answered HTTP {status}"),
        (Speaker::Redirect(location), _) => {
            format!("HTTP {status} sends the request on to `{location}`")
        }
        (Speaker::Page, _) => {
            format!("a gateway, not AfterShip, answered HTTP {status} with a web page")
        }
        (Speaker::Unknown, _) if status < 300 && body == Body::Unreadable => {
            format!("the answer (HTTP {status}) was cut off or is not JSON")
        }
        (Speaker::Unknown, _) if (400..500).contains(&status) && status != 429 => {
            format!("a gateway, not AfterShip, answered HTTP {status}")
        }
        (Speaker::Unknown, _) => format!("AfterShip or a gateway before it answered HTTP {status}"),
    }
}

/// AfterShip's words, fit to stand in a message.
pub(crate) fn quote(words: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let words: String = words.chars().take(LONGEST_QUOTE).map(printable).collect();
    words.trim().trim_end_matches('.').to_owned()
}

fn next_step(case: Case) -> &'static str {
    match case {
        Case::Unauthenticated => "Check the credentials, or connect again.",
        Case::Forbidden => {
            "The key is valid but lacks the plan or scope: ask the account's owner to change it."
        }
        Case::NotFound => "It may be deleted, too old, or made only a moment ago.",
        Case::Conflict => "Read the record that is there, then decide again.",
        Case::InvalidInput => "Correct the input and send it again.",
        Case::RateLimited => "Nothing was changed; wait, then send it again.",
        Case::QuotaExhausted => {
            "Nothing was changed. A quota of the account is used up: wait, or ask its owner for a \
             larger plan."
        }
        Case::Unavailable => "Nothing was changed; try again later.",
        Case::OutcomeUnknown => "It may have been done: read before writing again.",
        Case::CursorExpired => "Start the scan again.",
        Case::Done | Case::Internal => "Trying again will not help: report it with the request id.",
    }
}

#[cfg(test)]
mod tests;
