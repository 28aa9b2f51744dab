//! What the journal may show of parameters: who asks for what, and no secret.

use crate::text::percent_decode;

/// The parameters whose values hold no secret.
const SHOWN: [&str; 9] = [
    "client_id",
    "code_challenge_method",
    "decision",
    "grant_type",
    "redirect_uri",
    "response_type",
    "scope",
    "token_type_hint",
    "product",
];

/// The parameters whose names are known, though their values are hidden.
const HIDDEN: [&str; 8] = [
    "client_secret",
    "code",
    "code_challenge",
    "code_verifier",
    "hmac",
    "refresh_token",
    "state",
    "token",
];

/// A query or a form with `hidden` in the place of everything that is or could be a secret.
pub(crate) fn redacted(raw: &str) -> String {
    let pairs: Vec<_> = raw.split('&').map(pair).collect();
    pairs.join("&")
}

fn pair(raw: &str) -> String {
    if raw.is_empty() {
        return String::new();
    }
    let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
    let name = percent_decode(name, true).unwrap_or_default();
    if SHOWN.contains(&name.as_str()) {
        return format!("{name}={value}");
    }
    if HIDDEN.contains(&name.as_str()) {
        return format!("{name}=hidden");
    }
    "hidden".to_owned()
}
