//! From what came of a request to an error with words for people.

mod violations;

use connector_sdk::{
    Error, ErrorKind, SendError,
    fault::{message, next_step, quote, unsent_kind},
    hidden::Hidden,
    json,
};

use super::answer::Head;
use super::page::{self, Meta};
use super::table::{Answer, Body, kind};

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
    let (kind, why) = unsent_kind(context.writes, error);
    let message = explain(context, &kind, &hidden.hide(&why), next_step(&kind));
    Error::new(kind, message)
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
    // Nobody asks for the error of an answer that worked; if somebody did, it is a fault.
    let kind = kind(answer, context.writes, context.cursor_sent).unwrap_or(ErrorKind::Internal);
    let mut meta = envelope.meta;
    // Hidden before it is cut or taken apart: a piece of a secret is one too.
    meta.message = meta.message.map(|words| hidden.hide(&words).into_owned().into());
    let speaker = Speaker::of(&meta, head, text);
    let next = speaker.next_step(&kind, &meta);
    let reason = reason(&speaker, head.status, body, &meta, why);
    let message = explain(context, &kind, &reason, next);
    let kind = match kind {
        ErrorKind::Conflict(_) => {
            ErrorKind::Conflict(existing(envelope.data.map_or("", |data| data.raw)))
        }
        ErrorKind::InvalidInput(_) => {
            ErrorKind::InvalidInput(hidden.hide_in(violations::of(&meta, context.has_body)))
        }
        kind => kind,
    };
    let code = meta.code.map(|code| code.to_string());
    Error::new(kind, message).answered(head.status, code, head.request_id.clone())
}

/// The id of the record that is already there (4003), from both shapes that AfterShip has used:
/// `data.id`, and `data.tracking.id` before 2024-07.
fn existing(data: &str) -> Option<String> {
    let id = json::text_member(data, "id");
    id.or_else(|| json::text_member(json::member(data, "tracking")?, "id"))
        .filter(|id| !id.is_empty())
}

fn explain(context: Context, kind: &ErrorKind, why: &str, next: &str) -> String {
    match (kind, context.scope) {
        (ErrorKind::Forbidden, Some(scope)) => {
            let next = format!(
                "The grant may lack the scope `{scope}`: connect again and allow it. If it is \
                 there, the account's plan lacks this: ask its owner."
            );
            message(context.what, why, &next)
        }
        _ => message(context.what, why, next),
    }
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

    fn next_step(&self, kind: &ErrorKind, meta: &Meta<'_>) -> &'static str {
        match (self, kind) {
            (Self::AfterShip, ErrorKind::Internal)
                if matches!(meta.code, Some(404 | 405 | 410)) =>
            {
                "AfterShip has no such address: check the settings `base-url` and `api-version`. \
                 If they are right, report it with the request id."
            }
            (Self::Redirect(_), _) => {
                "Redirects are not followed, because the key would go along. If AfterShip is \
                 there, set `base-url` to that origin; else a proxy or a sign-in page stands in \
                 between. Nothing was changed, unless it was HTTP 303."
            }
            (Self::Page | Self::Unknown, ErrorKind::Unavailable) => {
                "Nothing was changed; try again later. If it stays so, a firewall or proxy refuses \
                 it, or the setting `base-url` names another server."
            }
            (Self::Page | Self::Unknown, ErrorKind::InvalidInput(_)) => {
                "It is too large: send less."
            }
            _ => next_step(kind),
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

#[cfg(test)]
mod tests;
