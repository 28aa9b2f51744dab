//! Requests to the token and the revocation endpoint, and what their answers mean.
//!
//! Not AfterShip's API: another origin, forms instead of JSON, and errors after RFC 6749 section
//! 5.2. Whoever issues tokens writes JSON, so a refusal that is none was written by something in
//! between, which knows nothing of grants and clients. A code or a refresh token may be used up by
//! one request, so an answer that does not clearly refuse is `outcome-unknown`:
//!
//! | outcome | error |
//! |---|---|
//! | not sent | unavailable |
//! | limited, 429 | rate-limited |
//! | no secret of the connection | unauthenticated |
//! | refused by the host | internal |
//! | no answer, 408, 5xx, 2xx without a token, anything else | outcome-unknown |
//! | 4xx that is no JSON (a firewall, a proxy), a redirect but 303 | unavailable |
//! | 4xx `invalid_grant` | unauthenticated |
//! | 4xx `invalid_client`, `unauthorized_client`, `invalid_scope`; 401 and 403 without a code | forbidden |
//! | 4xx `unsupported_token_type` (RFC 7009) | unsupported |
//! | other 4xx | internal |
//!
//! What is odd about an answer that brought a token is logged, and no error: the token counts.

use super::{
    ACCESS_TOKEN, CLIENT_SECRET_BASIC, CLIENT_SECRET_FORM, REVOCATION, REVOKE, TOKEN, settings,
};
use connector_sdk::{
    Error, ErrorKind, Grant, Host, Level, Query, Request, Response, SendError,
    contract::first_header as header,
    dates,
    declare::SecretUse,
    fault::{message, quote, too_much, unsent_kind},
    json,
    text::contains,
    wait,
};

/// How the client secret is sent (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuthentication {
    /// As fields of the form.
    Body,
    /// As HTTP Basic authentication.
    Basic,
}

/// Asks for tokens with `form` and `secret`. `what` completes the sentence "Could not ...";
/// `asked` are the scopes that an answer without `scope` grants.
///
/// # Errors
/// As the module says.
pub(super) fn grant(
    host: &dyn Host,
    what: &'static str,
    form: Query,
    secret: SecretUse,
    asked: Vec<String>,
) -> Result<Grant, Error> {
    let response = post(host, what, TOKEN, form, secret)?;
    let text = String::from_utf8_lossy(&response.body);
    if !response.captured.iter().any(|name| name == ACCESS_TOKEN) {
        let words = match is_page(&response) {
            true => "a gateway, not AfterShip, answered with a web page",
            false => "the answer holds no access token",
        };
        let next = MAY_BE_DONE;
        return Err(answered(what, ErrorKind::OutcomeUnknown, &response, words, None, next));
    }
    let token_type = json::text_member(&text, "token_type").unwrap_or_default();
    if !token_type.eq_ignore_ascii_case("bearer") {
        let text = format!(
            "The answer does not call the token a bearer token (`token_type` is \"{}\"): it is \
             used as one until AfterShip refuses it.",
            quote(&token_type)
        );
        host.log(Level::Warn, &text);
    }
    let scopes = json::text_member(&text, "scope").map_or(asked, |granted| {
        let separator = settings::scope_separator(host);
        let between = |letter: char| letter == ' ' || separator.contains(letter);
        let scopes = granted.split(between).filter(|scope| !scope.is_empty());
        scopes.map(str::to_owned).collect()
    });
    Ok(Grant { expires_at: expires_at(host, &text), scopes, ..Grant::unlimited() })
}

/// Ends the tokens of the refresh token (RFC 7009).
///
/// # Errors
/// As the module says; `unsupported` without a revocation endpoint.
pub(super) fn revoke(host: &dyn Host) -> Result<(), Error> {
    if !settings::has_revocation_url(host) {
        let text = "The grant cannot be given back by a program: AfterShip documents no endpoint \
                    for it, and the setting `revocation-url` names none. Remove the app in the \
                    AfterShip admin.";
        return Err(Error::unsupported(text));
    }
    let mut form = Query::new();
    form.add("token_type_hint", "refresh_token");
    post(host, "give the grant back", REVOCATION, form, REVOKE).map(drop)
}

/// Sends `form` with the client's and one more secret. Only a 2xx comes back.
fn post(
    host: &dyn Host,
    what: &'static str,
    endpoint: &'static str,
    mut form: Query,
    secret: SecretUse,
) -> Result<Response, Error> {
    let client_id = settings::client_id(host)?;
    let client_secret = match settings::client_authentication(host)? {
        ClientAuthentication::Body => {
            form.add("client_id", client_id);
            CLIENT_SECRET_FORM
        }
        // Not in the form too: a client shows its credentials once (RFC 6749 section 2.3).
        ClientAuthentication::Basic => CLIENT_SECRET_BASIC,
    };
    let request = Request::new(endpoint, "")
        .header("accept", "application/json")
        .body("application/x-www-form-urlencoded", form.encode())
        .secret(secret.name)
        .secret(client_secret.name);
    let response = host.send(request).map_err(|why| unsent(what, why))?;
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    Err(judge(host, what, &response))
}

fn unsent(what: &str, error: SendError) -> Error {
    let (kind, why) = unsent_kind(true, error);
    let next = match kind {
        ErrorKind::Unauthenticated => "Nothing was sent; connect again.",
        ErrorKind::OutcomeUnknown => MAY_BE_DONE,
        ErrorKind::Internal => "Check the settings of `oauth2`.",
        _ => NOTHING_CHANGED,
    };
    Error::new(kind, message(what, &why, next))
}

const NOTHING_CHANGED: &str = "Nothing was changed; try again later.";
const IN_BETWEEN: &str = "Nothing was changed; try again later. If it stays so, look what stands \
     between here and AfterShip, and at the setting `token-url` or `revocation-url`.";
const MAY_BE_DONE: &str = "It may have been done; if it does not work soon, connect again.";

/// An answer that is no 2xx.
fn judge(host: &dyn Host, what: &str, response: &Response) -> Error {
    let text = String::from_utf8_lossy(&response.body);
    let code = json::text_member(&text, "error").map(|code| quote(&code));
    let description = json::text_member(&text, "error_description").map(|words| quote(&words));
    let status = response.status;
    let in_between = matches!(status, 301 | 302 | 307 | 308)
        || (400..500).contains(&status) && !matches!(status, 408 | 429);
    if in_between && json::members(&text).is_err() {
        let words = match header(&response.headers, "location") {
            // What follows a `?` may be a ticket for somebody's sign-in.
            Some(to) if status < 400 => {
                let to = quote(to.split('?').next().unwrap_or_default());
                format!("HTTP {status} sends the request on to `{to}`, which is not followed")
            }
            _ => format!("a gateway, not AfterShip, answered HTTP {status}"),
        };
        return answered(what, ErrorKind::Unavailable, response, &words, None, IN_BETWEEN);
    }
    let words = match (&code, description.filter(|words| !words.is_empty())) {
        (Some(code), Some(words)) => format!("AfterShip says {code} (\"{words}\")"),
        (Some(code), None) => format!("AfterShip says {code}"),
        _ => format!("AfterShip answered HTTP {status}"),
    };
    let kind = match (status, code.as_deref()) {
        (429, _) => too_much(wait::hint_ms(&response.headers, host.now_ms())),
        (408, _) => ErrorKind::OutcomeUnknown,
        (400..=499, Some("invalid_grant")) => ErrorKind::Unauthenticated,
        (400..=499, Some("invalid_client" | "unauthorized_client" | "invalid_scope"))
        | (401 | 403, None) => ErrorKind::Forbidden,
        (400..=499, Some("unsupported_token_type")) => ErrorKind::Unsupported,
        (400..=499, _) => ErrorKind::Internal,
        _ => ErrorKind::OutcomeUnknown,
    };
    let next = match kind {
        ErrorKind::RateLimited(_) | ErrorKind::QuotaExhausted(_) => NOTHING_CHANGED,
        ErrorKind::Unauthenticated => "The grant is gone: connect again.",
        ErrorKind::Forbidden => {
            "Check the app in the AfterShip Partner Dashboard, the settings `client-id` and \
             `client-authentication`, and the secret `client-secret`."
        }
        ErrorKind::Unsupported => "Remove the app in the AfterShip admin.",
        ErrorKind::OutcomeUnknown => MAY_BE_DONE,
        _ => "Trying again will not help: check the settings of `oauth2`, or report it.",
    };
    answered(what, kind, response, &words, code, next)
}

/// Whether a person with a browser was meant.
fn is_page(response: &Response) -> bool {
    header(&response.headers, "content-type").is_some_and(|it| contains(it, "html"))
        || response.body.trim_ascii_start().starts_with(b"<")
}

fn answered(
    what: &str,
    kind: ErrorKind,
    response: &Response,
    words: &str,
    code: Option<String>,
    next: &str,
) -> Error {
    let request_id = response.first("as-trace-id").map(str::to_owned);
    Error::new(kind, message(what, words, next)).answered(response.status, code, request_id)
}

/// When the token in this answer ends, by the host's clock: `expires_in` is seconds (RFC 6749
/// section 5.1), which some servers write as a text or with a fraction.
fn expires_at(host: &dyn Host, answer: &str) -> Option<String> {
    let written = json::member(answer, "expires_in").filter(|written| *written != "null")?;
    let whole = written.trim_matches('"').split('.').next().unwrap_or_default();
    let Ok(seconds) = whole.parse::<u32>() else {
        let text = "The answer does not say readably when the token ends (`expires_in`): it is \
                    used until AfterShip refuses it.";
        host.log(Level::Warn, text);
        return None;
    };
    let now = i64::try_from(host.now_ms() / 1000).unwrap_or(i64::MAX);
    Some(dates::format(now.saturating_add(i64::from(seconds))))
}

#[cfg(test)]
mod tests;
