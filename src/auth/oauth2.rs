//! `oauth2`: authorization code with PKCE, for apps of AfterShip's partner programme.
//!
//! RFC 6749 (code grant and refresh), RFC 7636 (PKCE with S256), RFC 7009 (revocation), RFC 9207
//! (`iss`). AfterShip documents the flow and its scopes, but no URL, no form of refresh and no
//! error body, so all of that is a setting with a default that says so. The host makes `state`
//! and the verifier, checks `state`, and takes the tokens out of the answer.

mod callback;
mod scopes;
mod session;
mod settings;
mod token;

use super::{BeginRequest, Description, Grant, Scheme, Step, keys};
use crate::api::Query;
use crate::api::endpoints::{Endpoint, Limit};
use crate::catalog::{Capture, KeyRole, KeyUse, OwnEndpoint, SecretUse, Setting};
use crate::error::{Effect, Error};
use crate::host::{Host, Place, SecretPart};
use crate::types::SecretField;
use session::Session;

/// The app's secret, typed in by a person.
const CLIENT_SECRET: &str = "client-secret";
/// Captured; renews the access token.
const REFRESH_TOKEN: &str = "refresh-token";
/// Captured; carried by requests to the API.
const ACCESS_TOKEN: &str = "access-token";
/// Made by the host; proves that who began also completes (RFC 7636).
const CODE_VERIFIER: &str = "code-verifier";

const FIELDS: &[SecretField] = &[SecretField {
    name: CLIENT_SECRET,
    title: "Client secret of the app, from the AfterShip Partner Dashboard",
    required: true,
}];

const PARTS: &[SecretPart] = &[SecretPart {
    secret: ACCESS_TOKEN,
    place: Place::Header { name: "authorization", prefix: "Bearer " },
}];

const fn endpoint(origin: &'static str, effect: Effect) -> OwnEndpoint {
    // AfterShip documents no limit for tokens; a host in trouble must not hammer them.
    let limit = Limit { name: "token", requests: 5, window_ms: 1000 };
    OwnEndpoint { origin, endpoint: Endpoint { method: "POST", path: "", effect, limit } }
}

/// Where codes and refresh tokens become access tokens. Either may be used up by one request.
const TOKEN: OwnEndpoint = endpoint("{token-url}", Effect::Write);
/// Where tokens end. A second time changes nothing (RFC 7009 section 2.2).
const REVOCATION: OwnEndpoint = endpoint("{revocation-url}", Effect::RepeatableWrite);

const fn field(secret: &'static str, name: &'static str) -> SecretPart {
    SecretPart { secret, place: Place::FormField(name) }
}

const fn secret_use(at: OwnEndpoint, part: SecretPart) -> SecretUse {
    SecretUse { target: at.target(), part }
}

/// The scheme `oauth2`.
pub(super) struct OAuth2;

impl Scheme for OAuth2 {
    fn description(&self) -> Description {
        Description {
            name: "oauth2",
            title: "OAuth 2.0, for apps of AfterShip's partner programme",
            fields: FIELDS,
            interactive: true,
        }
    }

    fn secret_parts(&self) -> &'static [SecretPart] {
        PARTS
    }

    fn endpoints(&self) -> &'static [OwnEndpoint] {
        &[TOKEN, REVOCATION]
    }

    fn secret_uses(&self) -> &'static [SecretUse] {
        const BASIC: SecretPart =
            SecretPart { secret: CLIENT_SECRET, place: Place::Basic(String::new()) };
        const USES: &[SecretUse] = &[
            secret_use(TOKEN, field(CLIENT_SECRET, "client_secret")),
            secret_use(TOKEN, BASIC),
            secret_use(TOKEN, field(CODE_VERIFIER, "code_verifier")),
            secret_use(TOKEN, field(REFRESH_TOKEN, "refresh_token")),
            secret_use(REVOCATION, field(CLIENT_SECRET, "client_secret")),
            secret_use(REVOCATION, BASIC),
            secret_use(REVOCATION, field(REFRESH_TOKEN, "token")),
        ];
        USES
    }

    fn key_uses(&self) -> &'static [KeyUse] {
        &[KeyUse { secret: CLIENT_SECRET, algorithm: keys::HMAC_SHA256, role: KeyRole::Verify }]
    }

    fn captures(&self) -> &'static [Capture] {
        const AT: crate::catalog::Target = TOKEN.target();
        &[
            Capture { target: AT, pointer: "/access_token", secret: ACCESS_TOKEN },
            Capture { target: AT, pointer: "/refresh_token", secret: REFRESH_TOKEN },
        ]
    }

    fn settings(&self) -> &'static [Setting] {
        settings::ALL
    }

    fn scope(&self, endpoint: &Endpoint) -> Option<&'static str> {
        scopes::needed(endpoint)
    }

    fn begin(&self, host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
        for (name, value) in [
            ("callback-url", &request.callback_url),
            ("state", &request.state),
            ("code-challenge", &request.code_challenge),
        ] {
            if value.is_empty() {
                let text = format!("`begin` needs a `{name}` for the scheme `oauth2`. Give one.");
                return Err(Error::invalid(text, Vec::new()));
            }
        }
        let wished = match request.scopes.as_slice() {
            [] => settings::scopes(host),
            scopes => scopes.to_vec(),
        };
        let mut query = Query::new();
        query.add("response_type", "code");
        query.add("client_id", settings::client_id(host)?);
        query.add("redirect_uri", &request.callback_url);
        query.add("scope", wished.join(&settings::scope_separator(host)));
        query.add("state", &request.state);
        query.add("code_challenge", &request.code_challenge);
        query.add("code_challenge_method", "S256");
        let mut url = settings::authorize_url(host)?;
        // A query that is there already stays (RFC 6749 section 3.1).
        match url.split_once('?') {
            None => url.push('?'),
            Some((_, "")) => {}
            Some(_) => url.push('&'),
        }
        url.push_str(&query.encode());
        let session = Session { redirect_uri: request.callback_url.clone(), scopes: wished };
        Ok(Step::Redirect { url, session: session.write() })
    }

    fn complete(&self, host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        let code = callback::code(self, host, query)?;
        let session = Session::read(session)?;
        let mut form = Query::new();
        form.add("grant_type", "authorization_code");
        form.add("code", code);
        form.add("redirect_uri", session.redirect_uri);
        let verifier = field(CODE_VERIFIER, "code_verifier");
        token::grant(host, "finish connecting", form, verifier, session.scopes)
    }

    /// Tells no scopes unless the answer does: nothing here remembers what was granted.
    fn refresh(&self, host: &dyn Host) -> Result<Grant, Error> {
        let mut form = Query::new();
        form.add("grant_type", "refresh_token");
        let token = field(REFRESH_TOKEN, "refresh_token");
        token::grant(host, "renew the grant", form, token, Vec::new())
    }

    fn revoke(&self, host: &dyn Host) -> Result<(), Error> {
        token::revoke(host, field(REFRESH_TOKEN, "token"))
    }
}

#[cfg(test)]
mod tests;
