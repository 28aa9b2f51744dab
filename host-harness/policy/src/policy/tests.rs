use connector_contract::permissions::KeyUse;

use super::*;
use crate::samples::*;

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
