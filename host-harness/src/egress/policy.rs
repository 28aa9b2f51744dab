//! What a connector's manifest allows, compiled for one connection.
//!
//! The host refuses every request, header and secret that the manifest does not
//! declare. This is what stops a connector, or data that steers it, from carrying
//! a key into another account's request or into a message that it can read back.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use url::Url;

use super::origin::{BadOrigin, Origin};
use super::target::Target;
use crate::runtime::bindings::catalog::{Capture, Effect, Endpoint, Manifest, SecretUse};
use crate::runtime::bindings::http::{Place, Request};

/// Why a request may not be sent. The text goes to the connector and to people.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Refused(pub String);

/// Rules of one manifest with the origins of one connection put in.
pub struct Policy {
    endpoints: Vec<(Target, Endpoint)>,
    secret_uses: Vec<(Target, SecretUse)>,
    captures: Vec<(Target, Capture)>,
}

/// A request that the manifest declares.
#[derive(Debug)]
pub struct Admitted<'a> {
    /// Parsed, in the form in which it will be sent.
    pub url: Url,
    /// As declared, with the trust that the operator gave it.
    pub origin: &'a Origin,
    /// Its rules.
    pub endpoint: &'a Endpoint,
    /// The connector's own headers; secrets are not in yet.
    pub headers: HeaderMap,
}

impl Policy {
    /// Puts the origins of `settings` into the rules of `manifest`. A rule whose
    /// origin is an optional setting without a value allows nothing.
    ///
    /// # Errors
    /// When an origin is none, or not allowed.
    pub fn compile(
        manifest: &Manifest,
        settings: &BTreeMap<String, String>,
        allow_private: bool,
    ) -> Result<Self, BadOrigin> {
        let target = |origin: &str, path: &str| Target::read(origin, path, settings, allow_private);
        Ok(Self {
            endpoints: with_targets(&manifest.endpoints, |it| target(&it.origin, &it.path))?,
            secret_uses: with_targets(&manifest.secret_uses, |it| target(&it.origin, &it.path))?,
            captures: with_targets(&manifest.captures, |it| target(&it.origin, &it.path))?,
        })
    }

    /// An origin that is not this machine, when requests can go to no other.
    #[must_use]
    pub fn remote_origin(&self) -> Option<&Origin> {
        let mut origins = self.endpoints.iter().map(|(target, _)| &target.origin);
        if origins.clone().any(Origin::is_loopback) { None } else { origins.next() }
    }

    /// Checks method, URL and headers of `request` against the manifest.
    ///
    /// # Errors
    /// [`Refused`] says what is not declared.
    pub fn admit(&self, request: &Request) -> Result<Admitted<'_>, Refused> {
        let url = canonical_url(&request.url)?;
        let asked = Origin::of_url(&url, false)
            .ok_or_else(|| Refused(format!("\"{}\" is neither http nor https", request.url)))?;
        let (target, endpoint) = self
            .endpoints
            .iter()
            .find(|(target, endpoint)| {
                endpoint.method == request.method && target.covers(&asked, url.path())
            })
            .ok_or_else(|| {
                let path = url.path();
                let method = &request.method;
                Refused(format!("the manifest declares no endpoint {method} {asked}{path}"))
            })?;
        let origin = &target.origin;
        let headers = self.headers(request, origin, url.path())?;
        Ok(Admitted { url, origin, endpoint, headers })
    }

    /// Whether `secret` may stand at `place` of a request to `origin` and `path`.
    #[must_use]
    pub fn allows_secret(&self, secret: &str, place: &Place, origin: &Origin, path: &str) -> bool {
        self.uses_at(origin, path)
            .any(|rule| rule.secret == secret && same_place(&rule.place, place))
    }

    /// Form fields that only the host may fill at `origin` and `path`.
    pub fn secret_fields(&self, origin: &Origin, path: &str) -> impl Iterator<Item = &str> {
        self.uses_at(origin, path).filter_map(|rule| match &rule.place {
            Place::FormField(name) => Some(name.as_str()),
            Place::Header(_) | Place::Basic(_) => None,
        })
    }

    /// Secrets to take out of an answer from `origin` and `path`.
    pub fn captures(&self, origin: &Origin, path: &str) -> impl Iterator<Item = &Capture> {
        self.captures
            .iter()
            .filter(move |(target, _)| target.covers(origin, path))
            .map(|(_, rule)| rule)
    }

    fn uses_at(&self, origin: &Origin, path: &str) -> impl Iterator<Item = &SecretUse> {
        self.secret_uses
            .iter()
            .filter(move |(target, _)| target.covers(origin, path))
            .map(|(_, rule)| rule)
    }

    fn headers(
        &self,
        request: &Request,
        origin: &Origin,
        path: &str,
    ) -> Result<HeaderMap, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                Refused(format!("\"{name}\" is no header name (RFC 9110 section 5.1)"))
            })?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| Refused(format!("the header {parsed} holds characters it may not")))?;
            if HOST_HEADERS.contains(&parsed.as_str()) {
                return Err(Refused(format!("the header {parsed} belongs to the host")));
            }
            let secret = self.uses_at(origin, path).any(|rule| match &rule.place {
                Place::Header(place) => place.name.eq_ignore_ascii_case(parsed.as_str()),
                Place::Basic(_) | Place::FormField(_) => false,
            });
            if secret {
                return Err(Refused(format!(
                    "the header {parsed} is declared for a secret; name the secret instead of sending it"
                )));
            }
            headers.append(parsed, value);
        }
        Ok(headers)
    }
}

/// Headers that frame the message, name its target or carry credentials: the
/// host's alone, whatever the manifest says.
const HOST_HEADERS: [&str; 15] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Requires the canonical form: no user, no fragment, nothing that parsing would
/// rewrite (dot segments, odd escapes). So what is matched is what is sent.
fn canonical_url(text: &str) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|why| Refused(format!("\"{text}\" is no URL: {why}")))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Refused("a URL may not hold a user name or a fragment".to_owned()));
    }
    if url.as_str() != text {
        return Err(Refused(format!("the URL \"{text}\" is not in canonical form \"{url}\"")));
    }
    Ok(url)
}

fn same_place(declared: &Place, asked: &Place) -> bool {
    match (declared, asked) {
        (Place::Header(a), Place::Header(b)) => {
            a.name.eq_ignore_ascii_case(&b.name) && a.prefix == b.prefix
        }
        (Place::FormField(a), Place::FormField(b)) => a == b,
        // The user name is no secret and differs from customer to customer.
        (Place::Basic(_), Place::Basic(_)) => true,
        _ => false,
    }
}

fn with_targets<T: Clone>(
    rules: &[T],
    target: impl Fn(&T) -> Result<Option<Target>, BadOrigin>,
) -> Result<Vec<(Target, T)>, BadOrigin> {
    let known = rules.iter().filter_map(|rule| Some((target(rule).transpose()?, rule)));
    known.map(|(target, rule)| Ok((target?, rule.clone()))).collect()
}

/// Whether a request to such an endpoint changes anything.
#[must_use]
pub fn writes(effect: Effect) -> bool {
    !matches!(effect, Effect::Read)
}

#[cfg(test)]
pub(in crate::egress) mod tests;
