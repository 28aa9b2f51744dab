//! The authorization server: OAuth 2.0 with codes, proof keys, rotation and revocation, on the
//! same listener as the API.
//!
//! Sources: RFC 6749, 6750, 7009, 7636, 8252, 9207 and 9700; AfterShip API 2026-07, OAuth, scope
//! list. The paths are the simulator's own: AfterShip's are not public.

mod answer;
mod authorize;
mod client;
mod form;
mod grant;
mod grants;
mod handle;
mod options;
mod page;
mod pkce;
mod redact;
mod redirect;
mod refusal;
mod revoke;
mod scope_list;
mod token;
mod tokens;
mod traffic;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

pub(crate) use self::grants::Grants;
pub use self::handle::LiveGrant;
pub use self::options::{
    ClientAuthentication, Consent, GrantType, OAuthClient, OAuthOptions, Pkce, Rotation,
    TokenAnswer,
};
pub(crate) use self::redact::redacted;
pub use self::tokens::Tokens;
pub use self::traffic::TokenRequests;
pub(crate) use self::traffic::Traffic;
use crate::state::State;

const AUTHORIZE: &str = "/oauth/authorize";
const TOKEN: &str = "/oauth/token";
const REVOKE: &str = "/oauth/revoke";

/// Whether requests to this path may hold secrets in their parameters.
pub(crate) fn is_ours(path: &str) -> bool {
    path.starts_with("/oauth/")
}

/// The answer of the authorization server; `None` when the path is not one of its own.
pub(crate) fn perform(
    state: &mut State,
    parts: &Parts,
    body: &[u8],
    now_ms: u64,
) -> Option<Response<Bytes>> {
    match parts.uri.path() {
        AUTHORIZE => Some(authorize::answer(state, parts, body, now_ms)),
        TOKEN => Some(token::answer(state, parts, body, now_ms)),
        REVOKE if state.options.oauth.revocation => Some(revoke::answer(state, parts, body)),
        _ => None,
    }
}
