//! Settings of the scheme. What AfterShip does not document is one, and its title says so.

use super::token::ClientAuthentication;
use connector_sdk::{
    Error, Host, Setter,
    declare::{Form, Setting},
};

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
    form: Form,
) -> Setting {
    Setting { name, title, default, setter: Setter::Operator, form, required_by: &[] }
}

/// Every setting. The operator registered the app, so all but the scopes is the operator's.
pub(super) const ALL: &[Setting] = &[
    Setting {
        required_by: &["oauth2"],
        ..setting(
            CLIENT_ID,
            "Client id of the app, from the AfterShip Partner Dashboard",
            None,
            Form::Text,
        )
    },
    setting(
        AUTHORIZE_URL,
        "Where a customer allows the app (oauth2; the default is unconfirmed by AfterShip)",
        Some(DEFAULT_AUTHORIZE_URL),
        // Of form URL it could have no query.
        Form::Text,
    ),
    setting(
        TOKEN_URL,
        "Where tokens are issued (oauth2; the default is AfterShip's identity server, unconfirmed for apps)",
        Some(DEFAULT_TOKEN_URL),
        Form::Url(&["*"]),
    ),
    setting(
        REVOCATION_URL,
        "Where tokens are revoked (oauth2; AfterShip documents none)",
        None,
        Form::Url(&["*"]),
    ),
    setting(
        ISSUER,
        "The `iss` that callbacks must carry (oauth2; RFC 9207; without it none is asked for)",
        None,
        Form::Text,
    ),
    Setting {
        setter: Setter::Customer,
        ..setting(
            SCOPES,
            "Scopes to ask for, separated by spaces (oauth2)",
            Some(DEFAULT_SCOPES),
            Form::Text,
        )
    },
    setting(
        SCOPE_SEPARATOR,
        "What stands between scopes on the wire (oauth2; the default is that of RFC 6749, unconfirmed)",
        Some(" "),
        Form::Text,
    ),
    setting(
        CLIENT_AUTHENTICATION,
        "How the client secret is sent: `body` or `basic` (oauth2; the default is unconfirmed)",
        Some("body"),
        Form::Choice(&["body", "basic"]),
    ),
    setting(
        CALLBACK_HMAC,
        "Whether callbacks must carry an `hmac` by the client secret: `on` or `off` (oauth2; AfterShip sends one and does not document it)",
        Some("off"),
        Form::Choice(&["on", "off"]),
    ),
];

/// The app's id, which is no secret.
///
/// # Errors
/// `unauthenticated` without one.
pub(super) fn client_id(host: &dyn Host) -> Result<String, Error> {
    value(host, CLIENT_ID).ok_or_else(|| {
        Error::unauthenticated(
            "The setting `client-id` has no value, and the scheme `oauth2` needs it. Set it to \
             the client id of the app in the AfterShip Partner Dashboard, then connect again.",
        )
    })
}

/// Where to send people: a URL in printable ASCII without fragment (RFC 6749 section 3.1).
///
/// # Errors
/// `internal` when the setting is no URL that parameters can be added to.
pub(super) fn authorize_url(host: &dyn Host) -> Result<String, Error> {
    let url = value(host, AUTHORIZE_URL).unwrap_or_default();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    if rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed)) {
        Ok(url)
    } else {
        Err(Error::bad_setting(AUTHORIZE_URL, DEFAULT_AUTHORIZE_URL))
    }
}

/// Whether tokens can be revoked anywhere.
pub(super) fn has_revocation_url(host: &dyn Host) -> bool {
    value(host, REVOCATION_URL).is_some()
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

/// What stands between scopes: a space, unless told otherwise (RFC 6749 section 3.3).
pub(super) fn scope_separator(host: &dyn Host) -> String {
    value(host, SCOPE_SEPARATOR).unwrap_or_else(|| " ".to_owned())
}

/// How the client secret is sent.
///
/// # Errors
/// `internal` for an unknown way.
pub(super) fn client_authentication(host: &dyn Host) -> Result<ClientAuthentication, Error> {
    match value(host, CLIENT_AUTHENTICATION).as_deref() {
        Some("body") => Ok(ClientAuthentication::Body),
        Some("basic") => Ok(ClientAuthentication::Basic),
        _ => Err(Error::bad_setting(CLIENT_AUTHENTICATION, "body")),
    }
}

/// Whether callbacks must be signed.
///
/// # Errors
/// `internal` for anything but `on` and `off`: a slip must not switch a check off.
pub(super) fn callback_hmac(host: &dyn Host) -> Result<bool, Error> {
    match value(host, CALLBACK_HMAC).as_deref() {
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        _ => Err(Error::bad_setting(CALLBACK_HMAC, "on")),
    }
}

/// An empty value is none.
fn value(host: &dyn Host, name: &str) -> Option<String> {
    host.setting(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AfterShip;
    use crate::objects::REGISTRY;
    use connector_sdk::ErrorKind;
    use connector_sdk::FnHost;
    use std::collections::BTreeSet;

    #[test]
    fn all_scopes_are_asked_for() {
        let endpoints = REGISTRY.iter().flat_map(|object| object.descriptor().endpoints);
        let needed: BTreeSet<_> = endpoints.map(|endpoint| endpoint.scope).collect();
        assert_eq!(needed, DEFAULT_SCOPES.split(' ').map(Some).collect());
    }

    #[test]
    fn a_slip_in_a_setting_is_named() {
        for (name, value) in [
            (CALLBACK_HMAC, "true"),
            (CALLBACK_HMAC, "On"),
            (CLIENT_AUTHENTICATION, "post"),
            (AUTHORIZE_URL, "apps.aftership.com/authorize"),
            (AUTHORIZE_URL, "https://apps.aftership.com/authorize#a"),
            (AUTHORIZE_URL, "https://apps.aftership.com/an app"),
            (AUTHORIZE_URL, "https://"),
        ] {
            let host =
                FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).with_setting(name, value);
            let error = callback_hmac(&host).and(client_authentication(&host).map(drop));
            let error = error.and(authorize_url(&host).map(drop)).unwrap_err();
            assert!(
                matches!(&error, failure @ Error { kind: ErrorKind::Internal, .. } if failure.message.contains(name)),
                "{value}: {error:?}"
            );
        }
    }
}
