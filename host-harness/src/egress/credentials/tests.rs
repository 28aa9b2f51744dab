use super::*;
use crate::egress::policy::tests::{policy, request, with_secret};
use crate::runtime::bindings::http::HeaderPlace;

fn secrets() -> Secrets {
    let secrets = Secrets::default();
    secrets.set("api-key", Secret::new("key-value"));
    secrets.set("client-secret", Secret::new("s&cret value"));
    secrets
}

fn header(name: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: String::new() })
}

fn filled(request: &Request) -> Result<Filled, Refused> {
    let policy = policy();
    let admitted = policy.admit(request)?;
    fill(&policy, &admitted, request, &secrets())
}

fn form(body: &str) -> Request {
    let mut form = request("POST", "https://login.example.com/token");
    form.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    form.body = Some(body.as_bytes().to_vec());
    form
}

#[test]
fn a_header_carries_the_secret_and_hides_it_from_debug() {
    let asked = with_secret(
        request("GET", "https://api.example.com/v1/things"),
        "api-key",
        header("x-key"),
    );
    let filled = filled(&asked).unwrap();
    assert_eq!(filled.headers["x-key"], "key-value");
    assert!(!format!("{:?}", filled.headers).contains("key-value"));
}

#[test]
fn a_form_field_is_appended_and_encoded() {
    let field = Place::FormField("client_secret".to_owned());
    let filled = filled(&with_secret(form("grant_type=code"), "client-secret", field)).unwrap();
    assert_eq!(&*filled.body, b"grant_type=code&client_secret=s%26cret+value");
}

#[test]
fn basic_authentication_is_rfc_7617() {
    let asked =
        with_secret(form("grant_type=code"), "client-secret", Place::Basic("me".to_owned()));
    let filled = filled(&asked).unwrap();
    assert_eq!(filled.headers["authorization"], "Basic bWU6cyZjcmV0IHZhbHVl");
}

#[test]
fn nothing_is_filled_in_an_undeclared_place_or_twice() {
    let things = || request("GET", "https://api.example.com/v1/things");
    let field = || Place::FormField("client_secret".to_owned());
    for refused in [
        with_secret(things(), "api-key", header("x-note")),
        with_secret(things(), "client-secret", header("x-key")),
        with_secret(things(), "access-token", header("x-key")),
        with_secret(form("client_secret=own"), "client-secret", field()),
        form("client%5Fsecret=own"),
        with_secret(request("POST", "https://login.example.com/token"), "client-secret", field()),
    ] {
        let why = filled(&refused).err().unwrap().0;
        assert!(!why.contains("key-value") && !why.contains("s&cret"), "{why}");
    }
}

#[test]
fn a_captured_token_never_goes_on() {
    let policy = policy();
    let asked = form("grant_type=code");
    let admitted = policy.admit(&asked).unwrap();
    let secrets = secrets();
    let capture = |body: &str| {
        let progress = Progress::default();
        let rest = capture(&policy, &admitted, &secrets, body.into(), &progress);
        let captured = progress.captured().into_values().map(|it| it.expose().to_vec());
        (String::from_utf8(rest).unwrap(), captured.collect::<Vec<_>>())
    };
    let taken = |rest: &str| (rest.to_owned(), vec![b"tok-123456".to_vec()]);
    let token = r#"{"access_token":"tok-123456","expires_in":3600}"#;
    let rest = r#"{"access_token":null,"expires_in":3600}"#;
    assert_eq!(capture(token), taken(rest));
    assert_eq!(capture(token), taken(rest), "the same token again is captured all the same");
    assert_eq!(capture(&format!("\u{feff}{token}")), taken(rest));
    for no_token in ["null", "\"\"", "17", "{\"value\":\"x\"}"] {
        let body = format!(r#"{{"access_token":{no_token},"expires_in":3600}}"#);
        let rest = r#"{"expires_in":3600}"#.to_owned();
        assert_eq!(capture(&body), (rest, vec![]), "{no_token}: `null` would say that one came");
    }
    assert_eq!(secrets.get("access-token").unwrap().expose(), b"tok-123456", "no secret came");
    let unreadable = capture("access_token=tok-123456");
    assert_eq!(unreadable, (String::new(), vec![]), "it may hold the token anywhere");
}
