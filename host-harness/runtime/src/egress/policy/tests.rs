use connector_contract::permissions::{Capture, HeaderPlace, KeyUse};
use connector_contract::setup::Setter;

use super::*;

fn header(name: &str, prefix: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
}

fn endpoint(name: &str, method: &str, origin: &str, path: &str, uses: &[&str]) -> Endpoint {
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

fn secret_use(name: &str, secret: &str, place: Place) -> SecretUse {
    SecretUse { name: name.to_owned(), secret: secret.to_owned(), place }
}

/// A manifest with one API, one token endpoint, and one endpoint for each place of a secret.
pub(in crate::egress) fn manifest() -> Manifest {
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

pub(in crate::egress) fn settings(base: &str) -> Arc<Settings> {
    let given = [("base", base), ("shop", "acme")];
    let given = given.map(|(name, value)| (name.to_owned(), (value.to_owned(), Setter::Operator)));
    Arc::new(Settings::new(given.into()))
}

pub(in crate::egress) fn policy() -> EgressPolicy {
    EgressPolicy::compile(&manifest(), settings("https://api.example.com"), AddressSpace::Public)
        .unwrap()
}

pub(in crate::egress) fn request(endpoint: &str, path_with_query: &str) -> Request {
    Request {
        endpoint: endpoint.to_owned(),
        path_with_query: path_with_query.to_owned(),
        headers: vec![],
        body: None,
        secret_uses: vec![],
        cost: 0,
    }
}

pub(in crate::egress) fn with_secret(mut request: Request, secret_use: &str) -> Request {
    request.secret_uses.push(secret_use.to_owned());
    request
}

#[test]
fn only_declared_requests_are_admitted() {
    let policy = policy();
    for (endpoint, path, origin) in [
        ("things", "/v1/things", "https://api.example.com"),
        ("things", "/v1/things?limit=1&at=a%2Bb", "https://api.example.com"),
        ("thing", "/v1/things/7", "https://api.example.com"),
        ("token", "/token", "https://login.example.com"),
        ("shops", "/v1/things", "https://acme.example.com"),
    ] {
        let asked = request(endpoint, path);
        let admitted = policy.admit(&asked).unwrap();
        assert_eq!(admitted.origin.to_string(), origin);
    }
    for (endpoint, path) in [
        ("none", "/v1/things"),
        ("", "/v1/things"),
        ("Things", "/v1/things"),
        // Another one's path.
        ("things", "/v1/things/7"),
        ("thing", "/v1/things"),
        ("token", "/v1/things"),
        ("things", "/v1/other"),
        ("things", "https://evil.example.com/v1/things"),
        ("things", "//evil.example.com/v1/things"),
        ("things", "@evil.example.com/v1/things"),
        ("things", "/v1/other/../things"),
        ("thing", "/v1/things/%2e%2e"),
        ("thing", "/v1/things/a%2Fb"),
        ("things", "/v1/things#f"),
        ("things", ""),
        ("unset", "/v1/things"),
    ] {
        assert!(policy.admit(&request(endpoint, path)).is_err(), "{endpoint} {path}");
    }
    let why = policy.admit(&request("unset", "/v1/things")).err();
    let Some(SendError::Refused(why)) = why else { panic!("{why:?}") };
    assert!(why.contains("setting \"unset\""), "{why}");
}

#[test]
fn headers_of_the_host_and_of_secrets_are_refused() {
    let mut manifest = manifest();
    let key_use = |role| {
        let (secret, algorithm) = ("api-key".to_owned(), "hmac-sha256".to_owned());
        vec![KeyUse { secret, algorithm, role }]
    };
    for (name, value, endpoint, signs, allowed) in [
        ("accept", "application/json", "things", false, true),
        ("x-key", "stolen", "things", false, false),
        ("X-KEY", "stolen", "things", false, false),
        ("x-key", "not declared there", "shops", false, true),
        ("Authorization", "Bearer x", "things", false, false),
        ("Authorization", "AWS4-HMAC-SHA256 x", "things", true, true),
        ("Authorization", "in the place of a secret", "token", true, false),
        ("host", "evil.example.com", "things", true, false),
        ("content-length", "0", "things", true, false),
        ("Proxy-Anything", "x", "things", true, false),
        ("cookie", "a=b", "things", true, false),
        ("bad name", "x", "things", false, false),
        ("x-note", "two\r\nlines: yes", "things", false, false),
    ] {
        manifest.key_uses = key_use(if signs { KeyRole::Sign } else { KeyRole::Verify });
        let policy = EgressPolicy::compile(
            &manifest,
            settings("https://api.example.com"),
            AddressSpace::Public,
        );
        let path = if endpoint == "token" { "/token" } else { "/v1/things" };
        let mut asked = request(endpoint, path);
        asked.headers.push((name.to_owned(), value.to_owned()));
        let admitted = policy.unwrap().admit(&asked).is_ok();
        assert_eq!(admitted, allowed, "{name}: {value} to {endpoint}");
    }
}

#[test]
fn a_url_in_a_setting_is_one_endpoint() {
    let mut manifest = manifest();
    manifest.endpoints = vec![endpoint("token", "POST", "{base}", "", &["form"])];
    let policy =
        |url: &str| EgressPolicy::compile(&manifest, settings(url), AddressSpace::Public).unwrap();
    let realm = policy("https://login.example.com/realms/a/token");
    for (path, sent, query) in
        [("", "/realms/a/token", None), ("?a=b", "/realms/a/token", Some("a=b"))]
    {
        let asked = request("token", path);
        let admitted = realm.admit(&asked).unwrap();
        assert_eq!(
            (admitted.path.as_str(), admitted.query.as_ref().map(|query| query.as_str())),
            (sent, query)
        );
    }
    for elsewhere in ["/realms/a/token", "/realms/b/token", "/"] {
        assert!(realm.admit(&request("token", elsewhere)).is_err(), "{elsewhere}");
    }
}

/// Off limits are for a provider on this machine; where its tokens come from is judged when a
/// request goes there.
#[test]
fn an_origin_counts_as_remote_when_no_other_is_near() {
    for (base, expected) in [
        ("https://api.example.com", Some("https://api.example.com")),
        ("http://127.0.0.1:8080", None),
    ] {
        let mut manifest = manifest();
        manifest.endpoints.truncate(2);
        let policy =
            EgressPolicy::compile(&manifest, settings(base), AddressSpace::Private).unwrap();
        let remote = policy.remote_origin().map(|origin| origin.to_string());
        assert_eq!(remote.as_deref(), expected, "{base}");
    }
}

/// What is learned while connecting serves from the next request on.
#[test]
fn a_learned_origin_is_followed() {
    let policy = policy();
    policy.settings.learn(&[("unset".to_owned(), "https://eu1.example.com".to_owned())].into());
    let asked = request("unset", "/v1/things");
    assert_eq!(policy.admit(&asked).unwrap().origin.to_string(), "https://eu1.example.com");
    let settings = settings("http://127.0.0.1:8080");
    settings.learn(&[("base".to_owned(), "http://127.0.0.1:8080".to_owned())].into());
    let learned = EgressPolicy::compile(&manifest(), settings, AddressSpace::Private);
    assert!(learned.is_err(), "what is not the operator's opens no private origin");
}
