//! Where the answers to a browser go: which redirect URIs are taken, and what is added to them.

use bytes::Bytes;
use http::Response;
use ring::hmac;

use super::answer;
use super::refusal::Refusal;
use crate::text::{hex_encode, percent_encode};

/// Where the answer to one request of a browser goes.
pub(super) struct Target {
    /// The redirect URI.
    pub(super) uri: String,
    /// The `state` to give back.
    pub(super) state: Option<String>,
    /// The `iss` to name.
    pub(super) issuer: Option<String>,
    /// The secret under which the query is signed.
    pub(super) secret: Option<String>,
}

impl Target {
    /// The redirect with a code.
    pub(super) fn allow(&self, code: &str) -> Response<Bytes> {
        self.with(&[("code", code)])
    }

    /// The redirect with an error.
    pub(super) fn refuse(&self, refusal: Refusal) -> Response<Bytes> {
        self.with(&[("error", refusal.error), ("error_description", refusal.description)])
    }

    fn with(&self, pairs: &[(&str, &str)]) -> Response<Bytes> {
        let (base, query) = self.uri.split_once('?').unwrap_or((&self.uri, ""));
        let mut parts: Vec<_> =
            query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let state = self.state.as_deref().map(|state| ("state", state));
        let issuer = self.issuer.as_deref().map(|issuer| ("iss", issuer));
        for (name, value) in pairs.iter().copied().chain(state).chain(issuer) {
            parts.push(format!("{name}={}", percent_encode(value)));
        }
        let mut query = parts.join("&");
        if let Some(secret) = &self.secret {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, query.as_bytes());
            query = format!("{query}&hmac={}", hex_encode(tag.as_ref()));
        }
        answer::redirect(&format!("{base}?{query}"))
    }
}

/// Whether `given` is the registered redirect URI: the same text, but for the port of a loopback
/// address (RFC 8252, 7.3).
pub(super) fn matches(registered: &str, given: &str) -> bool {
    registered == given
        || without_port(registered).is_some_and(|known| without_port(given) == Some(known))
}

/// A URI at a loopback address, without its port. `localhost` is no address.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_, path) = rest.split_at_checked(authority.len())?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| authority.starts_with(host))?;
    let port = authority.strip_prefix(host)?;
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    (port.is_empty() || matches!(digits.map(str::parse::<u16>), Some(Ok(_))))
        .then_some((host, path))
}
