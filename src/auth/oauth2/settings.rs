//! Settings of the scheme. What AfterShip does not document is one, and its title says so.

use super::token::ClientAuthentication;
use crate::api::client::bad_setting;
use crate::catalog::Setting;
use crate::error::{Error, Failure};
use crate::host::Host;

const CLIENT_ID: &str = "client-id";
const AUTHORIZE_URL: &str = "authorize-url";
const TOKEN_URL: &str = "token-url";
const REVOCATION_URL: &str = "revocation-url";
const ISSUER: &str = "issuer";
const SCOPES: &str = "scopes";
const SCOPE_SEPARATOR: &str = "scope-separator";
const CLIENT_AUTHENTICATION: &str = "client-authentication";
const CALLBACK_HMAC: &str = "callback-hmac";

const DEFAULT_AUTHORIZE_URL: &str = "https://apps.aftership.com/oauth/authorize";
const DEFAULT_TOKEN_URL: &str =
    "https://accounts.aftership.com/auth/realms/business/protocol/openid-connect/token";
const DEFAULT_SCOPES: &str = "aftership:tracking:read aftership:tracking:write \
     aftership:courier:read aftership:courier:write aftership:estimated_delivery_date:write \
     aftership:carrier_connection:read aftership:carrier_connection:write";

const fn setting(
    name: &'static str,
    title: &'static str,
    default: Option<&'static str>,
    operator_only: bool,
) -> Setting {
    Setting { name, title, default, required: false, operator_only }
}

/// Every setting. Those that say where tokens go, or whose word counts, are the operator's.
pub(super) const ALL: &[Setting] = &[
    setting(
        CLIENT_ID,
        "Client id of the app, from the AfterShip Partner Dashboard (oauth2 needs it)",
        None,
        false,
    ),
    setting(
        AUTHORIZE_URL,
        "Where a customer allows the app (oauth2; the default is unconfirmed by AfterShip)",
        Some(DEFAULT_AUTHORIZE_URL),
        true,
    ),
    setting(
        TOKEN_URL,
        "Where tokens are issued (oauth2; the default is AfterShip's identity server, unconfirmed for apps)",
        Some(DEFAULT_TOKEN_URL),
        true,
    ),
    setting(
        REVOCATION_URL,
        "Where tokens are revoked (oauth2; AfterShip documents none)",
        None,
        true,
    ),
    setting(
        ISSUER,
        "The `iss` that callbacks must carry (oauth2; RFC 9207; without it none is asked for)",
        None,
        true,
    ),
    setting(SCOPES, "Scopes to ask for, separated by spaces (oauth2)", Some(DEFAULT_SCOPES), false),
    setting(
        SCOPE_SEPARATOR,
        "What stands between scopes on the wire (oauth2; the default is that of RFC 6749, unconfirmed)",
        Some(" "),
        false,
    ),
    setting(
        CLIENT_AUTHENTICATION,
        "How the client secret is sent: `body` or `basic` (oauth2; the default is unconfirmed)",
        Some("body"),
        false,
    ),
    setting(
        CALLBACK_HMAC,
        "Whether callbacks must carry an `hmac` by the client secret: `on` or `off` (oauth2; AfterShip sends one and does not document it)",
        Some("off"),
        false,
    ),
];

/// The app's id, which is no secret.
///
/// # Errors
/// [`Error::Unauthenticated`] without one.
pub(super) fn client_id(host: &dyn Host) -> Result<String, Error> {
    value(host, CLIENT_ID).ok_or_else(|| {
        Error::Unauthenticated(Failure::new(
            "The setting `client-id` has no value, and the scheme `oauth2` needs it. Set it to \
             the client id of the app in the AfterShip Partner Dashboard, then connect again.",
        ))
    })
}

/// Where to send people.
///
/// # Errors
/// [`Error::Internal`] when the setting is no URL that parameters can be added to.
pub(super) fn authorize_url(host: &dyn Host) -> Result<String, Error> {
    url(host, AUTHORIZE_URL)?.ok_or_else(|| bad_setting(AUTHORIZE_URL, DEFAULT_AUTHORIZE_URL))
}

/// Where tokens are issued.
///
/// # Errors
/// As [`authorize_url`].
pub(super) fn token_url(host: &dyn Host) -> Result<String, Error> {
    url(host, TOKEN_URL)?.ok_or_else(|| bad_setting(TOKEN_URL, DEFAULT_TOKEN_URL))
}

/// Where tokens are revoked, if anywhere.
///
/// # Errors
/// As [`authorize_url`].
pub(super) fn revocation_url(host: &dyn Host) -> Result<Option<String>, Error> {
    url(host, REVOCATION_URL)
}

/// Who callbacks must be from, if that is told.
pub(super) fn issuer(host: &dyn Host) -> Option<String> {
    value(host, ISSUER)
}

/// What to ask for when nobody says.
pub(super) fn scopes(host: &dyn Host) -> Vec<String> {
    let scopes = value(host, SCOPES).unwrap_or_default();
    scopes.split_whitespace().map(str::to_owned).collect()
}

/// What stands between scopes.
pub(super) fn scope_separator(host: &dyn Host) -> String {
    value(host, SCOPE_SEPARATOR).unwrap_or_default()
}

/// How the client secret is sent.
///
/// # Errors
/// [`Error::Internal`] for an unknown way.
pub(super) fn client_authentication(host: &dyn Host) -> Result<ClientAuthentication, Error> {
    match value(host, CLIENT_AUTHENTICATION).as_deref() {
        Some("body") => Ok(ClientAuthentication::Body),
        Some("basic") => Ok(ClientAuthentication::Basic),
        _ => Err(bad_setting(CLIENT_AUTHENTICATION, "body")),
    }
}

/// Whether callbacks must be signed.
///
/// # Errors
/// [`Error::Internal`] for anything but `on` and `off`: a slip must not switch a check off.
pub(super) fn callback_hmac(host: &dyn Host) -> Result<bool, Error> {
    match value(host, CALLBACK_HMAC).as_deref() {
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        _ => Err(bad_setting(CALLBACK_HMAC, "on")),
    }
}

/// An empty value is none.
fn value(host: &dyn Host, name: &str) -> Option<String> {
    let default = || {
        let setting = ALL.iter().find(|setting| setting.name == name)?;
        setting.default.map(str::to_owned)
    };
    host.setting(name).filter(|value| !value.is_empty()).or_else(default)
}

/// A URL in printable ASCII without fragment (RFC 6749 section 3). The host judges the rest.
fn url(host: &dyn Host, name: &str) -> Result<Option<String>, Error> {
    let Some(url) = value(host, name) else {
        return Ok(None);
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    if rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed)) {
        Ok(Some(url))
    } else {
        Err(bad_setting(name, DEFAULT_TOKEN_URL))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scopes;
    use super::*;
    use crate::host::FnHost;

    #[test]
    fn all_scopes_are_asked_for() {
        let names: Vec<_> = scopes::ALL.iter().map(|scope| scope.name).collect();
        assert_eq!(DEFAULT_SCOPES, names.join(" "));
    }

    #[test]
    fn a_slip_in_a_setting_is_named() {
        for (name, value) in [
            (CALLBACK_HMAC, "true"),
            (CALLBACK_HMAC, "On"),
            (CLIENT_AUTHENTICATION, "post"),
            (TOKEN_URL, "accounts.aftership.com/token"),
            (TOKEN_URL, "https://accounts.aftership.com/token#a"),
            (TOKEN_URL, "https://accounts.aftership.com/a token"),
            (TOKEN_URL, "https://"),
        ] {
            let host = FnHost::new(|_| panic!("nothing is sent")).with_setting(name, value);
            let error = callback_hmac(&host).and(client_authentication(&host).map(drop));
            let error = error.and(token_url(&host).map(drop)).unwrap_err();
            assert!(
                matches!(&error, Error::Internal(failure) if failure.message.contains(name)),
                "{value}: {error:?}"
            );
        }
    }
}
