//! `oauth2`: authorization code with PKCE, for apps of AfterShip's partner programme.
//!
//! RFC 6749 (code grant and refresh), RFC 7636 (PKCE with S256), RFC 7009 (revocation), RFC 9207
//! (`iss`). AfterShip documents the flow and its scopes, but no URL, no form of refresh and no
//! error body, so all of that is a setting with a default that says so. The host makes `state`
//! and the verifier, checks `state`, and takes the tokens out of the answer.

mod callback;
mod session;
mod settings;
mod token;

use connector_sdk::{
    BeginRequest, Error, Grant, Host, Query, Scheme, Setter, Step,
    contract::{KeyRole, Redirect},
    declare::{self, Capture, Endpoint, KeyUse, Limit, Place, SecretField, SecretUse, Setting},
    signing::HMAC_SHA256,
    text::join,
};
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
    setter: Setter::Operator,
}];

/// Carried by requests to the API.
pub(super) const TOKEN_USE: SecretUse = SecretUse {
    name: ACCESS_TOKEN,
    secret: ACCESS_TOKEN,
    place: Place::Header { name: "authorization", prefix: "Bearer " },
};

const fn field(name: &'static str, secret: &'static str, field: &'static str) -> SecretUse {
    SecretUse { name, secret, place: Place::FormField(field) }
}

const CLIENT_SECRET_FORM: SecretUse = field("client-secret-form", CLIENT_SECRET, "client_secret");
const CLIENT_SECRET_BASIC: SecretUse = SecretUse {
    name: "client-secret-basic",
    secret: CLIENT_SECRET,
    place: Place::BasicPassword("{client-id}"),
};
const VERIFIER: SecretUse = field(CODE_VERIFIER, CODE_VERIFIER, "code_verifier");
const REFRESH: SecretUse = field(REFRESH_TOKEN, REFRESH_TOKEN, "refresh_token");
const REVOKE: SecretUse = field("revoke-token", REFRESH_TOKEN, "token");

/// Where codes and refresh tokens become access tokens. Either may be used up by one request.
const TOKEN: &str = "token";
/// Where tokens end. A second time changes nothing (RFC 7009 section 2.2).
const REVOCATION: &str = "revocation";

/// Built on [`declare::WRITE`]: a code or a refresh token may be used up by one request.
const ISSUER: Endpoint = Endpoint {
    // AfterShip documents no limit for tokens; a host in trouble must not hammer them.
    limits: &[Limit::requests(TOKEN, 5, 1000)],
    ..declare::WRITE
};

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: TOKEN,
        origin: "{token-url}",
        secret_uses: &[CLIENT_SECRET_FORM, CLIENT_SECRET_BASIC, VERIFIER, REFRESH],
        captures: &[
            Capture { secret: ACCESS_TOKEN, place: Place::Json("/access_token") },
            Capture { secret: REFRESH_TOKEN, place: Place::Json("/refresh_token") },
        ],
        ..ISSUER
    },
    Endpoint {
        name: REVOCATION,
        origin: "{revocation-url}",
        secret_uses: &[CLIENT_SECRET_FORM, CLIENT_SECRET_BASIC, REVOKE],
        ..ISSUER
    },
];

/// The scheme `oauth2`.
pub(super) struct OAuth2;

impl Scheme for OAuth2 {
    fn description(&self) -> declare::Scheme {
        declare::Scheme {
            name: "oauth2",
            title: "OAuth 2.0, for apps of AfterShip's partner programme",
            secrets: FIELDS,
            interactive: true,
        }
    }

    fn secret_uses(&self) -> &'static [SecretUse] {
        &[TOKEN_USE]
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn key_uses(&self) -> &'static [KeyUse] {
        &[KeyUse { secret: CLIENT_SECRET, algorithm: HMAC_SHA256, role: KeyRole::Verify }]
    }

    fn settings(&self) -> &'static [Setting] {
        settings::ALL
    }

    fn scope(&self, endpoint: &Endpoint) -> Option<&'static str> {
        endpoint.scope
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
        query.add("scope", join(&wished, &settings::scope_separator(host)));
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
        Ok(Step::Redirect(Redirect { url, session: session.write() }))
    }

    fn complete(&self, host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        let code = callback::code(host, query)?;
        let session = Session::read(session)?;
        let mut form = Query::new();
        form.add("grant_type", "authorization_code");
        form.add("code", code);
        form.add("redirect_uri", session.redirect_uri);
        token::grant(host, "finish connecting", form, VERIFIER, session.scopes)
    }

    /// Tells no scopes unless the answer does: nothing here remembers what was granted.
    fn refresh(&self, host: &dyn Host) -> Result<Grant, Error> {
        let mut form = Query::new();
        form.add("grant_type", "refresh_token");
        token::grant(host, "renew the grant", form, REFRESH, Vec::new())
    }

    fn revoke(&self, host: &dyn Host) -> Result<(), Error> {
        token::revoke(host)
    }
}

#[cfg(test)]
mod tests;
