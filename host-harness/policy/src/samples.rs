//! A manifest and requests for tests, of this crate and of those above it.

use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::http::Request;
use connector_contract::permissions::{Capture, Endpoint, HeaderPlace, Place, SecretUse};
use connector_contract::setup::Setter;
use connector_policy::policy::EgressPolicy;
use connector_policy::setting::{AddressSpace, Settings};

pub fn header(name: &str, prefix: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
}

pub fn endpoint(name: &str, method: &str, origin: &str, path: &str, uses: &[&str]) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        method: method.to_owned(),
        origin: origin.to_owned(),
        path: path.to_owned(),
        writes: false,
        limits: vec![],
        secret_uses: uses.iter().map(|name| (*name).to_owned()).collect(),
        captures: vec![],
    }
}

pub fn secret_use(name: &str, secret: &str, place: Place) -> SecretUse {
    SecretUse { name: name.to_owned(), secret: secret.to_owned(), place }
}

/// A manifest with one API, one token endpoint, and one endpoint for each place of a secret.
pub fn manifest() -> Manifest {
    let login = "https://login.example.com";
    let capture = |place| Capture { secret: "access-token".to_owned(), place };
    let mut token = endpoint("token", "POST", login, "/token", &["form", "basic", "basic-user"]);
    token.captures = vec![
        capture(Place::Json("/access_token".to_owned())),
        capture(header("x-auth-token", "Token ")),
    ];
    Manifest {
        name: "sample".to_owned(),
        title: "Sample".to_owned(),
        version: "0.2.0".to_owned(),
        provider_api_version: "1".to_owned(),
        schemes: vec![],
        settings: vec![],
        endpoints: vec![
            endpoint("things", "GET", "{base}", "/v1/things", &["key"]),
            endpoint("thing", "GET", "{base}", "/v1/things/*", &["key"]),
            token,
            endpoint("unset", "GET", "{unset}", "/v1/things", &[]),
            endpoint("shops", "GET", "https://{shop}.example.com", "/v1/things", &[]),
            endpoint("query", "GET", "{base}", "/q", &["query"]),
            endpoint("path", "GET", "{base}", "/{path}/send", &["path"]),
            endpoint("json", "POST", "{base}", "/j", &["json"]),
        ],
        limits: vec![],
        secret_uses: vec![
            secret_use("key", "api-key", header("x-key", "")),
            secret_use("form", "client-secret", Place::FormField("client_secret".to_owned())),
            secret_use("basic", "client-secret", Place::BasicPassword("me-{shop}".to_owned())),
            secret_use("basic-user", "api-key", Place::BasicUser(String::new())),
            secret_use("query", "client-secret", Place::Query("token".to_owned())),
            secret_use("path", "client-secret", Place::Path("bot".to_owned())),
            secret_use("json", "client-secret", Place::Json("/auth/secret".to_owned())),
        ],
        delivery_secrets: vec![],
        key_uses: vec![],
        objects: vec![],
        more: vec![],
    }
}

pub fn settings(base: &str) -> Arc<Settings> {
    let given = [("base", base), ("shop", "acme")];
    let given = given.map(|(name, value)| (name.to_owned(), (value.to_owned(), Setter::Operator)));
    Arc::new(Settings::new(given.into()))
}

pub fn policy() -> EgressPolicy {
    EgressPolicy::compile(&manifest(), settings("https://api.example.com"), AddressSpace::Public)
        .unwrap()
}

pub fn request(endpoint: &str, path_with_query: &str) -> Request {
    Request {
        endpoint: endpoint.to_owned(),
        path_with_query: path_with_query.to_owned(),
        headers: vec![],
        body: None,
        secret_uses: vec![],
        cost: 0,
    }
}

pub fn with_secret(mut request: Request, secret_use: &str) -> Request {
    request.secret_uses.push(secret_use.to_owned());
    request
}
