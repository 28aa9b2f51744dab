//! Who sends a request, and what they may do: the holder of a key, plain or signing, or of an
//! access token.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::errors::ApiError;
use crate::options::Options;
use crate::router::Endpoint;
use crate::scopes::Scope;
use crate::signing::SignedKey;
use crate::state::State;

const API_KEY: HeaderName = HeaderName::from_static("as-api-key");

/// Who sends a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The account itself, with one of its keys.
    Key,
    /// An app with an access token of these scopes.
    App(Vec<Scope>),
}

/// Finds out who sends the request, and whether the plan of the account has the API at all.
pub(crate) fn admit(
    state: &State,
    parts: &Parts,
    body: &[u8],
    now_ms: u64,
) -> Result<Caller, ApiError> {
    let caller = identify(state, parts, body, now_ms)?;
    if state.options.forbidden {
        return Err(ApiError::forbidden());
    }
    Ok(caller)
}

fn identify(state: &State, parts: &Parts, body: &[u8], now_ms: u64) -> Result<Caller, ApiError> {
    let headers = &parts.headers;
    match (headers.contains_key(API_KEY), headers.contains_key(AUTHORIZATION)) {
        (true, true) => Err(ApiError::two_credentials()),
        (false, true) => {
            let token = only(headers, &AUTHORIZATION).and_then(bearer);
            let scopes = token.and_then(|token| state.oauth.scopes(token, now_ms));
            scopes.map(|scopes| Caller::App(scopes.to_vec())).ok_or_else(ApiError::token_invalid)
        }
        _ => match only(headers, &API_KEY).and_then(|key| known(&state.options, key)) {
            Some(Known::Plain) => Ok(Caller::Key),
            Some(Known::Signed(key)) => key.check(parts, body, now_ms).map(|()| Caller::Key),
            None => Err(ApiError::unauthorized()),
        },
    }
}

impl Caller {
    /// Whether the endpoint is open to the caller.
    pub(crate) fn may_use(&self, endpoint: &Endpoint, options: &Options) -> Result<(), ApiError> {
        let (scopes, lacks): (_, fn(&str) -> ApiError) = match self {
            Self::Key => (&options.scopes, ApiError::scope_missing),
            Self::App(scopes) => (scopes, ApiError::token_lacks),
        };
        match scopes.contains(&endpoint.scope) {
            true => Ok(()),
            false => Err(lacks(endpoint.scope.name())),
        }
    }
}

/// Whether the request carries a key of the account; its signature does not matter here.
pub(crate) fn carries_known_key(options: &Options, headers: &HeaderMap) -> bool {
    only(headers, &API_KEY).is_some_and(|key| known(options, key).is_some())
}

/// A key of the account.
enum Known<'a> {
    Plain,
    Signed(&'a SignedKey),
}

fn known<'a>(options: &'a Options, key: &HeaderValue) -> Option<Known<'a>> {
    let signed = options.signed_keys.iter().find(|known| known.key().as_bytes() == key.as_bytes());
    match signed {
        Some(signed) => Some(Known::Signed(signed)),
        None => options.api_keys.iter().any(|known| known == key).then_some(Known::Plain),
    }
}

/// The token of a `Bearer` credential (RFC 6750, 2.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of a header that must come once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}
