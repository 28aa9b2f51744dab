use super::*;
use crate::runtime::bindings::http::{HeaderPlace, SecretPart};

fn header(name: &str, prefix: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
}

fn endpoint(method: &str, origin: &str, path: &str) -> Endpoint {
    Endpoint {
        method: method.to_owned(),
        origin: origin.to_owned(),
        path: path.to_owned(),
        effect: Effect::Read,
        limits: vec![],
    }
}

fn secret_use(secret: &str, origin: &str, path: &str, place: Place) -> SecretUse {
    SecretUse { secret: secret.to_owned(), origin: origin.to_owned(), path: path.to_owned(), place }
}

/// A manifest with one API and one token endpoint.
pub(in crate::egress) fn manifest() -> Manifest {
    Manifest {
        name: "sample".to_owned(),
        title: "Sample".to_owned(),
        version: "0.1.0".to_owned(),
        provider_api_version: "1".to_owned(),
        endpoints: vec![
            endpoint("GET", "{base}", "/v1/things"),
            endpoint("GET", "{base}", "/v1/things/*"),
            endpoint("POST", "https://login.example.com", "/token"),
            endpoint("GET", "{unset}", "/v1/things"),
        ],
        limits: vec![],
        secret_uses: vec![
            secret_use("api-key", "{base}", "/**", header("x-key", "")),
            secret_use(
                "client-secret",
                "https://login.example.com",
                "/token",
                Place::FormField("client_secret".to_owned()),
            ),
            secret_use(
                "client-secret",
                "https://login.example.com",
                "/token",
                Place::Basic(String::new()),
            ),
        ],
        key_uses: vec![],
        captures: vec![Capture {
            origin: "https://login.example.com".to_owned(),
            path: "/token".to_owned(),
            pointer: "/access_token".to_owned(),
            secret: "access-token".to_owned(),
        }],
        settings: vec![],
        objects: vec![],
        more: vec![],
    }
}

pub(in crate::egress) fn policy() -> Policy {
    let settings = BTreeMap::from([("base".to_owned(), "https://api.example.com".to_owned())]);
    Policy::compile(&manifest(), &settings, false).unwrap()
}

pub(in crate::egress) fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: vec![],
        body: None,
        secrets: vec![],
    }
}

pub(in crate::egress) fn with_secret(mut request: Request, secret: &str, place: Place) -> Request {
    request.secrets.push(SecretPart { secret: secret.to_owned(), place });
    request
}

#[test]
fn only_declared_requests_are_admitted() {
    let policy = policy();
    for (method, url) in [
        ("GET", "https://api.example.com/v1/things"),
        ("GET", "https://api.example.com/v1/things?limit=1&at=a%2Bb"),
        ("GET", "https://api.example.com/v1/things/7"),
        ("POST", "https://login.example.com/token"),
    ] {
        policy.admit(&request(method, url)).unwrap();
    }
    for (method, url) in [
        ("POST", "https://api.example.com/v1/things"),
        ("get", "https://api.example.com/v1/things"),
        ("GET", "https://api.example.com/v1/other"),
        ("GET", "https://api.example.com/v1/things/7/8"),
        ("GET", "http://api.example.com/v1/things"),
        ("GET", "https://api.example.com:8443/v1/things"),
        ("GET", "https://evil.example.com/v1/things"),
        ("GET", "https://api.example.com.evil.example/v1/things"),
        ("GET", "https://user@api.example.com/v1/things"),
        ("GET", "https://api.example.com/v1/other/../things"),
        ("GET", "https://api.example.com/v1/things/%2e%2e"),
        ("GET", "https://api.example.com/v1/things/a%2Fb"),
        ("GET", "https://api.example.com/v1/things#f"),
        ("GET", "HTTPS://api.example.com/v1/things"),
        ("GET", "https://127.0.0.1/v1/things"),
        ("GET", "file:///etc/passwd"),
        ("GET", "no url"),
    ] {
        assert!(policy.admit(&request(method, url)).is_err(), "{method} {url}");
    }
}

#[test]
fn headers_of_the_host_and_of_secrets_are_refused() {
    let policy = policy();
    for (name, value, allowed) in [
        ("accept", "application/json", true),
        ("x-key", "stolen", false),
        ("X-KEY", "stolen", false),
        ("Authorization", "Bearer x", false),
        ("host", "evil.example.com", false),
        ("content-length", "0", false),
        ("bad name", "x", false),
        ("x-note", "two\r\nlines: yes", false),
    ] {
        let mut asked = request("GET", "https://api.example.com/v1/things");
        asked.headers.push((name.to_owned(), value.to_owned()));
        assert_eq!(policy.admit(&asked).is_ok(), allowed, "{name}: {value}");
    }
}

#[test]
fn a_secret_goes_only_where_it_is_declared() {
    let policy = policy();
    let api = Origin::of_url(&Url::parse("https://api.example.com").unwrap(), false).unwrap();
    let login = Origin::of_url(&Url::parse("https://login.example.com").unwrap(), false).unwrap();
    let field = || Place::FormField("client_secret".to_owned());
    for (secret, place, origin, path, allowed) in [
        ("api-key", header("X-Key", ""), &api, "/v1/things", true),
        ("api-key", header("x-key", "Bearer "), &api, "/v1/things", false),
        ("api-key", header("x-note", ""), &api, "/v1/things", false),
        ("api-key", field(), &api, "/v1/things", false),
        ("api-key", header("x-key", ""), &login, "/token", false),
        ("client-secret", field(), &login, "/token", true),
        ("client-secret", Place::Basic("me".to_owned()), &login, "/token", true),
        ("client-secret", field(), &login, "/other", false),
        ("other", header("x-key", ""), &api, "/v1/things", false),
    ] {
        assert_eq!(
            policy.allows_secret(secret, &place, origin, path),
            allowed,
            "{secret} {place:?} {path}"
        );
    }
}

#[test]
fn a_url_in_a_setting_is_one_endpoint() {
    let mut manifest = manifest();
    manifest.endpoints = vec![endpoint("POST", "{token-url}", "")];
    let field = || Place::FormField("client_secret".to_owned());
    manifest.secret_uses = vec![secret_use("client-secret", "{token-url}", "", field())];
    manifest.captures = vec![Capture {
        origin: "{token-url}".to_owned(),
        path: String::new(),
        pointer: "/access_token".to_owned(),
        secret: "access-token".to_owned(),
    }];
    let url = "https://login.example.com/realms/a/token";
    let settings = BTreeMap::from([("token-url".to_owned(), url.to_owned())]);
    let policy = Policy::compile(&manifest, &settings, false).unwrap();
    let admitted = policy.admit(&request("POST", url)).unwrap();
    let path = admitted.url.path();
    assert!(policy.allows_secret("client-secret", &field(), admitted.origin, path));
    assert_eq!(policy.captures(admitted.origin, path).count(), 1);
    let other = "/realms/b/token";
    assert!(!policy.allows_secret("client-secret", &field(), admitted.origin, other));
    assert_eq!(policy.captures(admitted.origin, other).count(), 0);
    for elsewhere in [
        "https://login.example.com/realms/b/token",
        "https://login.example.com/realms/a/token/x",
        "https://login.example.com/",
    ] {
        assert!(policy.admit(&request("POST", elsewhere)).is_err(), "{elsewhere}");
    }
    let unset = Policy::compile(&manifest, &BTreeMap::new(), false).unwrap();
    assert!(unset.admit(&request("POST", url)).is_err());
}

/// Off limits are for a provider on this machine; where its tokens come from is judged when a
/// request goes there.
#[test]
fn an_origin_counts_as_remote_when_no_other_is_near() {
    let mut manifest = manifest();
    manifest.endpoints.truncate(3);
    for (base, expected) in [
        ("https://api.example.com", Some("https://api.example.com")),
        ("http://127.0.0.1:8080", None),
    ] {
        let settings = BTreeMap::from([("base".to_owned(), base.to_owned())]);
        let policy = Policy::compile(&manifest, &settings, true).unwrap();
        assert_eq!(policy.remote_origin().map(ToString::to_string).as_deref(), expected, "{base}");
    }
}
