//! `oauth2`: the authorization code grant of each shop.
//!
//! Shopify, "Authorization code grant" and "Offline access tokens": the customer names the shop, is
//! sent to it, and comes back with its name, signed by the app's secret over the other parameters in
//! their order. That secret is the same for all shops, so a genuine callback may be another shop's.
//! Tokens end after an hour and are renewed by a refresh token that is used up by it.

use connector_sdk::callback::{self, Parameters};
use connector_sdk::declare::{self, Capture, Endpoint, Form, KeyUse, Limit, Place, SecretField};
use connector_sdk::declare::{SecretUse, Setting, WRITE};
use connector_sdk::json::{self, Writer};
use connector_sdk::signing::{HMAC_SHA256, decode_hex, key_error};
use connector_sdk::{
    Account, BeginRequest, Error, ErrorKind, Grant, Host, Query, Redirect, Request, Scheme, Setter,
    Step, contract::KeyRole, dates, fault,
};

use crate::api::ORIGIN;

/// The app's secret: it signs callbacks and deliveries.
pub const CLIENT_SECRET: &str = "client-secret";
const ACCESS_TOKEN: &str = "access-token";
const REFRESH_TOKEN: &str = "refresh-token";
const TOKEN_PATH: &str = "/admin/oauth/access_token";

const SECRET_MEMBER: SecretUse = SecretUse {
    name: "client-secret",
    secret: CLIENT_SECRET,
    place: Place::Json("/client_secret"),
};
const REFRESH_MEMBER: SecretUse = SecretUse {
    name: "refresh-token",
    secret: REFRESH_TOKEN,
    place: Place::Json("/refresh_token"),
};

/// Codes and refresh tokens become access tokens, each once.
const TOKEN: Endpoint = Endpoint {
    name: "token",
    origin: ORIGIN,
    path: TOKEN_PATH,
    // Shopify documents none; a host in trouble must not hammer it.
    limits: &[Limit::requests("token", 5, 1_000)],
    secret_uses: &[SECRET_MEMBER, REFRESH_MEMBER],
    captures: &[
        Capture { secret: ACCESS_TOKEN, place: Place::Json("/access_token") },
        Capture { secret: REFRESH_TOKEN, place: Place::Json("/refresh_token") },
    ],
    ..WRITE
};

const fn setting(name: &'static str, title: &'static str, setter: Setter, form: Form) -> Setting {
    Setting { name, title, default: None, setter, form, required_by: &["oauth2"] }
}

const SETTINGS: &[Setting] = &[
    setting("shop", "The shop: `acme` of acme.myshopify.com", Setter::Customer, Form::Label),
    setting("client-id", "Client id of the app, from the dashboard", Setter::Operator, Form::Text),
    Setting {
        default: Some("read_orders,write_fulfillments"),
        required_by: &[],
        ..setting("scopes", "Scopes to ask for, with commas", Setter::Operator, Form::Text)
    },
];

const FIELDS: &[SecretField] = &[SecretField {
    name: CLIENT_SECRET,
    title: "Client secret of the app, from the dashboard",
    required: true,
    setter: Setter::Operator,
}];

/// The scheme.
#[derive(Debug)]
pub struct OAuth2;

impl Scheme for OAuth2 {
    fn description(&self) -> declare::Scheme {
        let title = "OAuth 2.0, for one shop";
        declare::Scheme { name: "oauth2", title, secrets: FIELDS, interactive: true }
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[TOKEN]
    }

    fn key_uses(&self) -> &'static [KeyUse] {
        &[KeyUse { secret: CLIENT_SECRET, algorithm: HMAC_SHA256, role: KeyRole::Verify }]
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn begin(&self, host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
        let shop = domain(host)?;
        let scopes = match request.scopes.as_slice() {
            [] => host.setting("scopes").unwrap_or_default(),
            scopes => scopes.join(","),
        };
        let mut query = Query::new();
        query.add("client_id", needed(host, "client-id")?);
        query.add("scope", scopes);
        query.add("redirect_uri", request.callback_url.clone());
        query.add("state", request.state.clone());
        let url = format!("https://{shop}/admin/oauth/authorize?{}", query.encode());
        let mut session = Writer::new();
        session.text("shop", &shop);
        Ok(Step::Redirect(Redirect { url, session: session.finish() }))
    }

    fn complete(&self, host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        let shop = json::text_member(session, "shop").ok_or_else(|| {
            let text = "The session is not one that this connector began. Connect again.";
            Error::invalid(text, Vec::new())
        })?;
        if shop != domain(host)? {
            let text = "The setting `shop` was changed meanwhile. Nothing was sent; connect again.";
            return Err(Error::invalid(text, Vec::new()));
        }
        let code = json::quoted(&code(host, &shop, query)?);
        let members = [("code", code.as_str()), ("expiring", "\"1\"")];
        let refused = ErrorKind::InvalidInput(Vec::new());
        grant(host, "finish connecting", &members, &[SECRET_MEMBER], refused)
    }

    fn refresh(&self, host: &dyn Host) -> Result<Grant, Error> {
        let members = [("grant_type", "\"refresh_token\""), ("refresh_token", "null")];
        let uses = [SECRET_MEMBER, REFRESH_MEMBER];
        grant(host, "renew the grant", &members, &uses, ErrorKind::Unauthenticated)
    }
}

/// `acme.myshopify.com`.
pub fn domain(host: &dyn Host) -> Result<String, Error> {
    Ok(format!("{}.myshopify.com", needed(host, "shop")?.to_ascii_lowercase()))
}

fn needed(host: &dyn Host, name: &str) -> Result<String, Error> {
    host.setting(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        let text = format!("The setting `{name}` has no value. Set it, then connect again.");
        Error::unauthenticated(text)
    })
}

/// The code of a callback that is genuine, and this shop's.
fn code(host: &dyn Host, shop: &str, query: &str) -> Result<String, Error> {
    let (mut given, mut signed) = (Vec::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match callback::split(pair) {
            ("hmac", hex) => given.push(hex),
            _ => signed.push(pair),
        }
    }
    signed.sort_unstable();
    let signature = match given.as_slice() {
        [hex] => decode_hex(hex),
        _ => None,
    };
    let signature = signature.ok_or_else(|| callback::unusable("holds no readable `hmac`"))?;
    let message = signed.join("&");
    let genuine = host.verify(CLIENT_SECRET, HMAC_SHA256, message.as_bytes(), &signature);
    if !genuine.map_err(|why| key_error(CLIENT_SECRET, HMAC_SHA256, why))? {
        return Err(callback::unusable("carries a wrong `hmac`"));
    }
    let parameters = Parameters::read(query)?;
    match parameters.get("shop") {
        Some(named) if named.eq_ignore_ascii_case(shop) => {}
        Some(named) => {
            let named = fault::quote(named);
            let why = format!("is of the shop {named}, and this connection is of {shop}");
            return Err(callback::unusable(&why));
        }
        None => return Err(callback::unusable("names no shop")),
    }
    match parameters.get("code") {
        Some(code) if !code.is_empty() => Ok(code.to_owned()),
        _ => Err(callback::unusable("holds no code")),
    }
}

/// Asks for tokens, with these members as JSON. The host puts secrets in where null stands. `refused`:
/// the kind of a code or refresh token that the shop does not take.
fn grant(
    host: &dyn Host,
    what: &str,
    members: &[(&str, &str)],
    uses: &[SecretUse],
    refused: ErrorKind,
) -> Result<Grant, Error> {
    let mut body = Writer::new();
    body.text("client_id", &needed(host, "client-id")?);
    body.raw("client_secret", "null");
    for (name, value) in members {
        body.raw(name, value);
    }
    let request = Request::new(TOKEN.name, TOKEN_PATH).header("accept", "application/json");
    let request = request.body("application/json", body.finish());
    let request = uses.iter().fold(request, |request, it| request.secret(it.name));
    let response = host.send(request);
    let response = response.map_err(|why| fault::unsent(what, true, why))?;
    let text = String::from_utf8_lossy(&response.body);
    let shop = domain(host)?;
    if response.status == 200 && response.captured.iter().any(|name| name == ACCESS_TOKEN) {
        let seconds = json::member(&text, "expires_in").and_then(|text| text.parse::<i64>().ok());
        let now = i64::try_from(host.now_ms() / 1_000).unwrap_or(i64::MAX);
        let scopes = json::text_member(&text, "scope").unwrap_or_default();
        return Ok(Grant {
            expires_at: seconds.map(|seconds| dates::format(now.saturating_add(seconds))),
            scopes: scopes.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
            settings: Vec::new(),
            account: Some(Account { id: shop.clone(), title: shop }),
        });
    }
    let code = json::text_member(&text, "error");
    let kind = match (response.status, code.as_deref()) {
        (400, Some("invalid_client")) => ErrorKind::Forbidden,
        (400, _) => refused,
        (status, _) => fault::status_kind(status, true, None),
    };
    let next = match kind {
        ErrorKind::Forbidden => "Check the setting `client-id` and the secret `client-secret`.",
        ErrorKind::OutcomeUnknown => fault::next_step(&kind),
        _ => "Connect again.",
    };
    let why = match &code {
        Some(code) => format!("the shop says {}", fault::quote(code)),
        None => format!("the shop answers {} without a token", response.status),
    };
    let request_id = response.first("x-request-id").map(str::to_owned);
    let error = Error::new(kind, fault::message(what, &why, next));
    Err(error.answered(response.status, code, request_id))
}
