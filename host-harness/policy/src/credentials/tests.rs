use super::*;
use crate::samples::{policy, request, with_secret};

fn secrets() -> Secrets {
    let secrets = Secrets::default();
    secrets.set("api-key", Secret::new("key-value"));
    secrets.set("client-secret", Secret::new("s&cret v\"lue"));
    secrets
}

fn filled(request: &Request) -> Result<FilledRequest, SendError> {
    let policy = policy();
    let admitted = policy.admit(request)?;
    fill(&admitted, request, &policy.settings, &secrets())
}

fn with_body(endpoint: &str, path: &str, kind: &str, body: &str) -> Request {
    let mut asked = request(endpoint, path);
    asked.headers.push(("content-type".to_owned(), kind.to_owned()));
    asked.body = Some(body.as_bytes().to_vec());
    asked
}

fn form(body: &str) -> Request {
    with_body("token", "/token", "application/x-www-form-urlencoded", body)
}

fn json(body: &str) -> Request {
    with_body("json", "/j", "application/json", body)
}

#[test]
fn a_header_carries_the_secret_and_hides_it_from_debug() {
    let filled = filled(&with_secret(request("things", "/v1/things"), "key")).unwrap();
    assert_eq!(filled.headers["x-key"], "key-value");
    assert!(!format!("{:?}", filled.headers).contains("key-value"));
}

/// Each place, encoded as it has to be there, and nothing else of the request touched.
#[test]
fn a_secret_is_encoded_for_its_place() {
    let form = filled(&with_secret(form("grant_type=code"), "form")).unwrap();
    assert_eq!(&*form.body, b"grant_type=code&client_secret=s%26cret+v%22lue");
    let basic = |name| {
        let filled = filled(&with_secret(self::form("a=b"), name)).unwrap();
        let value = filled.headers["authorization"].to_str().unwrap().to_owned();
        let plain = BASE64.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
        String::from_utf8(plain).unwrap()
    };
    assert_eq!(basic("basic"), "me-acme:s&cret v\"lue", "RFC 7617");
    assert_eq!(basic("basic-user"), "key-value:");
    let query = filled(&with_secret(request("query", "/q?limit=1"), "query")).unwrap();
    assert_eq!(query.target.as_str(), "/q?limit=1&token=s%26cret%20v%22lue");
    let query = filled(&with_secret(request("query", "/q"), "query")).unwrap();
    assert_eq!(query.target.as_str(), "/q?token=s%26cret%20v%22lue");
    let path = filled(&with_secret(request("path", "/{path}/send?a=b"), "path")).unwrap();
    assert_eq!(path.target.as_str(), "/bots&cret%20v%22lue/send?a=b");
    let text = r#"{"n":1.50, "auth":{"secret": null ,"x":1}}"#;
    let body = filled(&with_secret(json(text), "json")).unwrap().body;
    assert_eq!(&*body, r#"{"n":1.50, "auth":{"secret": "s&cret v\"lue" ,"x":1}}"#.as_bytes());
}

/// A value of the connector's own in the place of a secret could have another account used.
#[test]
fn nothing_stands_in_a_secrets_place_but_the_secret() {
    let own_header = |name: &str, value: &str| {
        let mut asked = request("things", "/v1/things");
        asked.headers.push((name.to_owned(), value.to_owned()));
        asked
    };
    for refused in [
        with_secret(request("things", "/v1/things"), "form"),
        with_secret(request("things", "/v1/things"), "none"),
        with_secret(request("shops", "/v1/things"), "key"),
        own_header("x-key", "own"),
        with_secret(form("client_secret=own"), "form"),
        form("client%5Fsecret=own"),
        with_body("token", "/token", "Application/X-WWW-Form-URLEncoded", "client_secret=own"),
        with_body("token", "/token", "text/plain", "client_secret=own"),
        with_body("token", "/token", "multipart/form-data; boundary=x", "--x--"),
        with_secret(with_body("token", "/token", "application/json", "{}"), "form"),
        with_secret(with_secret(form("a=b"), "basic"), "basic-user"),
        request("query", "/q?token=own"),
        request("query", "/q?%74oken=own"),
        with_secret(request("query", "/q?token=own"), "query"),
        request("path", "/{path}/send"),
        request("path", "/botown/send"),
        json(r#"{"auth":{"secret":"own"}}"#),
        json(r#"{"auth":{"secret":"own","secret":null}}"#),
        with_secret(json(r#"{"auth":{"secret":"own"}}"#), "json"),
        with_secret(json(r#"{"auth":{}}"#), "json"),
        with_secret(json(r#"{"auth":null}"#), "json"),
        with_secret(json("no JSON"), "json"),
        with_body("json", "/j", "application/x-www-form-urlencoded", "auth=own"),
    ] {
        let Err(SendError::Refused(why)) = filled(&refused) else { panic!("{refused:?}") };
        assert!(!why.contains("key-value") && !why.contains("s&cret"), "{why}");
    }
    filled(&json(r#"{"auth":{"secret":null}}"#)).unwrap();
    filled(&request("token", "/token")).unwrap();
}

#[test]
fn a_missing_secret_is_told_by_name() {
    let policy = policy();
    let asked = with_secret(request("things", "/v1/things"), "key");
    let admitted = policy.admit(&asked).unwrap();
    let missing = fill(&admitted, &asked, &policy.settings, &Secrets::default()).err().unwrap();
    let SendError::NoSecret(why) = missing else { panic!("{missing:?}") };
    assert!(why.contains("\"api-key\""), "{why}");
}

#[test]
fn a_captured_token_never_goes_on() {
    let policy = policy();
    let asked = form("grant_type=code");
    let admitted = policy.admit(&asked).unwrap();
    let taken = |headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (mut headers, mut body) = (headers.collect(), body.as_bytes().to_vec());
        let taken = capture(admitted.rule, &mut headers, &mut body);
        let taken: Vec<String> = taken
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value.expose())))
            .collect();
        (taken.join(","), String::from_utf8(body).unwrap(), headers.len())
    };
    let (secret, rest, _) = taken(&[], r#"{"access_token":"tok-123456","n":1.50}"#);
    assert_eq!(
        (secret.as_str(), rest.as_str()),
        ("access-token=tok-123456", r#"{"access_token":null,"n":1.50}"#)
    );
    let marked = taken(&[], "\u{feff}{\"access_token\":\"tok-123456\"}");
    assert_eq!(marked.1, r#"{"access_token":null}"#);
    let (secret, _, headers) = taken(&[("x-auth-token", "Token tok-123456"), ("a", "b")], "{}");
    assert_eq!((secret.as_str(), headers), ("access-token=tok-123456", 1));
    assert_eq!(taken(&[], r#"{"access_token":""}"#).0, "", "an empty text is no secret");
    assert_eq!(taken(&[], r#"{"access_token":{"a":"tok-123456"}}"#).1, r#"{"access_token":null}"#);
    for unreadable in
        ["access_token=tok-123456", r#"{"access_token":1,"access_token":"tok-123456"}"#]
    {
        assert_eq!(taken(&[], unreadable).1, "", "it may hold the token anywhere");
    }
}
