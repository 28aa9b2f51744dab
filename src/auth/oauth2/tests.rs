use super::*;
use crate::AfterShip;
use crate::testing::kind_name;
use connector_sdk::Connector as _;
use connector_sdk::{ErrorKind, FnHost, Request, Response, SendError};
use std::cell::RefCell;

const ANSWER: &str =
    r#"{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":3600}"#;
const TOKENS: &[&str] = &["access-token", "refresh-token"];

fn request() -> BeginRequest {
    BeginRequest {
        scheme: "oauth2".into(),
        callback_url: "https://host.example/callback?a=1".into(),
        scopes: Vec::new(),
        state: "kq0f".into(),
        code_challenge: "E9Me-_".into(),
    }
}

fn silent() -> FnHost<impl FnMut(Request) -> Result<Response, SendError>> {
    FnHost::of::<AfterShip>(|_| panic!("nothing is sent"))
        .with_setting("scheme", "oauth2")
        .with_setting("client-id", "app 1")
}

fn redirect(step: Step) -> (String, String) {
    match step {
        Step::Redirect(Redirect { url, session }) => (url, session),
        Step::Ready(_) => panic!("ready"),
    }
}

/// What `call` sends, and what it comes to.
fn sent<R>(settings: &[(&str, &str)], call: impl Fn(&dyn Host) -> R) -> (Request, R) {
    let seen = RefCell::new(None);
    let mut host = FnHost::of::<AfterShip>(|request| {
        assert!(seen.replace(Some(request)).is_none(), "one request");
        Ok(Response::json(200, ANSWER).captured(TOKENS))
    })
    .with_setting("scheme", "oauth2")
    .with_setting("client-id", "app 1");
    for (name, value) in settings {
        host = host.with_setting(name, value);
    }
    let result = call(&host);
    (seen.take().unwrap(), result)
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
}

#[test]
fn begin_sends_people_to_aftership() {
    let (url, session) = redirect(AfterShip::begin(&silent(), &request()).unwrap());
    assert_eq!(
        url,
        "https://apps.aftership.com/oauth/authorize?response_type=code&client_id=app%201\
         &redirect_uri=https%3A%2F%2Fhost.example%2Fcallback%3Fa%3D1\
         &scope=aftership%3Atracking%3Aread%20aftership%3Atracking%3Awrite%20\
         aftership%3Acourier%3Aread%20aftership%3Acourier%3Awrite%20\
         aftership%3Aestimated_delivery_date%3Awrite%20aftership%3Acarrier_connection%3Aread%20\
         aftership%3Acarrier_connection%3Awrite\
         &state=kq0f&code_challenge=E9Me-_&code_challenge_method=S256"
    );
    for hidden in ["kq0f", "E9Me", "app 1"] {
        assert!(!session.contains(hidden), "{session}");
    }
}

#[test]
fn settings_and_wishes_shape_the_redirect() {
    let url = |name, value, scopes: &[&str]| {
        let host = silent().with_setting(name, value);
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        redirect(AfterShip::begin(&host, &BeginRequest { scopes, ..request() }).unwrap()).0
    };
    for (base, begins) in [
        ("https://a.example/x", "https://a.example/x?response_type="),
        ("https://a.example/x?", "https://a.example/x?response_type="),
        ("https://a.example/x?tenant=1", "https://a.example/x?tenant=1&response_type="),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x?response_type="),
    ] {
        assert!(url("authorize-url", base, &[]).starts_with(begins), "{base}");
    }
    assert!(url("scopes", " a:read  b:write ", &[]).contains("&scope=a%3Aread%20b%3Awrite&"));
    assert!(url("scopes", "a:read", &["c:read", "d"]).contains("&scope=c%3Aread%20d&"));
    assert!(url("scope-separator", ",", &["c", "d"]).contains("&scope=c%2Cd&"));
}

#[test]
fn begin_refuses_what_would_be_unsafe_or_lost() {
    for (request, name) in [
        (BeginRequest { state: String::new(), ..request() }, "state"),
        (BeginRequest { code_challenge: String::new(), ..request() }, "code-challenge"),
        (BeginRequest { callback_url: String::new(), ..request() }, "callback-url"),
    ] {
        let error = AfterShip::begin(&silent(), &request).unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }), "{error:?}");
        assert!(error.message.contains(name), "{error:?}");
    }
    let error = AfterShip::begin(&silent().with_setting("client-id", ""), &request()).unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::Unauthenticated, .. }), "{error:?}");
    assert!(error.message.contains("`client-id`"), "{error:?}");
    for url in ["apps.aftership.com", "https://a.example/x#y", "javascript:alert(1)"] {
        let host = silent().with_setting("authorize-url", url);
        let error = AfterShip::begin(&host, &request()).unwrap_err();
        assert!(matches!(&error, Error { kind: ErrorKind::Internal, .. }), "{error:?}");
        assert!(error.message.contains("`authorize-url`"), "{error:?}");
    }
}

#[test]
fn complete_trades_the_code_for_a_grant() {
    let (_, session) = redirect(AfterShip::begin(&silent(), &request()).unwrap());
    let (request, grant) =
        sent(&[], |host| AfterShip::complete(host, &session, "code=a%2Bb&state=kq0f").unwrap());
    assert_eq!((request.endpoint.as_str(), request.path_with_query.as_str()), ("token", ""));
    assert_eq!(
        request.headers[1],
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())
    );
    assert_eq!(
        body(&request),
        "grant_type=authorization_code&code=a%2Bb\
         &redirect_uri=https%3A%2F%2Fhost.example%2Fcallback%3Fa%3D1&client_id=app%201"
    );
    assert_eq!(request.secret_uses, ["code-verifier", "client-secret-form"]);
    assert_eq!(grant.expires_at.as_deref(), Some("2026-11-22T10:30:00+00:00"));
    assert_eq!(grant.scopes.len(), 7, "those asked for, as the answer names none");
}

#[test]
fn a_session_of_somebody_else_sends_nothing() {
    for session in ["", "v1", r#"{"v":2,"redirect_uri":"x","scopes":""}"#] {
        let error = AfterShip::complete(&silent(), session, "code=1").unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }), "{error:?}");
    }
}

#[test]
fn refresh_names_the_token_and_never_holds_it() {
    let settings = [("client-authentication", "basic")];
    let (request, grant) = sent(&settings, |host| AfterShip::refresh(host).unwrap());
    assert_eq!(body(&request), "grant_type=refresh_token");
    assert_eq!(request.secret_uses, ["refresh-token", "client-secret-basic"]);
    assert!(grant.scopes.is_empty(), "as before");
}

#[test]
fn revoke_needs_an_endpoint() {
    let error = AfterShip::revoke(&silent()).unwrap_err();
    assert!(
        matches!(&error, Error { kind: ErrorKind::Unsupported, message: text, .. } if text.contains("Remove the app")),
        "{error:?}"
    );
    let settings = [("revocation-url", "https://a.example/revoke")];
    let (request, revoked) = sent(&settings, AfterShip::revoke);
    assert_eq!(revoked, Ok(()));
    assert_eq!((request.endpoint.as_str(), request.path_with_query.as_str()), ("revocation", ""));
    assert_eq!(body(&request), "token_type_hint=refresh_token&client_id=app%201");
    assert_eq!(request.secret_uses, ["revoke-token", "client-secret-form"]);
    for (status, body, case) in [
        (401, r#"{"error":"invalid_client"}"#, "Forbidden"),
        (400, r#"{"error":"unsupported_token_type"}"#, "Unsupported"),
        (503, "", "OutcomeUnknown"),
    ] {
        let host = FnHost::of::<AfterShip>(|_| Ok(Response::json(status, body)))
            .with_setting("scheme", "oauth2")
            .with_setting("client-id", "app-1")
            .with_setting("revocation-url", "https://a.example/revoke");
        let error = AfterShip::revoke(&host).unwrap_err();
        assert!(kind_name(&error).starts_with(case), "{error:?}");
    }
}

/// Every request that is sent is one that the manifest declares, with secrets that it declares.
#[test]
fn what_is_sent_is_declared() {
    let endpoints = AfterShip::manifest().endpoints;
    let begun = redirect(AfterShip::begin(&silent(), &request()).unwrap()).1;
    for authentication in ["body", "basic"] {
        let settings =
            [("revocation-url", "https://a.example/"), ("client-authentication", authentication)];
        let requests = [
            sent(&settings, |host| AfterShip::complete(host, &begun, "code=1").map(drop)),
            sent(&settings, |host| AfterShip::refresh(host).map(drop)),
            sent(&settings, AfterShip::revoke),
        ];
        for (request, result) in requests {
            assert_eq!(result, Ok(()));
            let endpoint = endpoints.iter().find(|it| it.name == request.endpoint).unwrap();
            for name in request.secret_uses {
                assert!(endpoint.secret_uses.contains(&name), "{name}");
            }
        }
    }
}

#[test]
fn requests_to_the_api_carry_the_token() {
    let (request, _) = sent(&[], |host| AfterShip::check(host, "trackings"));
    assert_eq!(request.secret_uses, ["access-token"]);
}
