use super::*;
use crate::AfterShip;
use crate::testing::kind_name;
use connector_sdk::BeginRequest;
use connector_sdk::Connector as _;
use connector_sdk::Error;
use connector_sdk::Grant;
use connector_sdk::Request;
use connector_sdk::Step;
use connector_sdk::scheme;
use connector_sdk::{ErrorKind, FnHost, Response};

fn request(scheme: &str) -> BeginRequest {
    BeginRequest {
        scheme: scheme.into(),
        callback_url: String::new(),
        scopes: Vec::new(),
        state: String::new(),
        code_challenge: String::new(),
    }
}

fn begin_with(scheme: &str) -> Result<Step, Error> {
    let host = FnHost::of::<AfterShip>(|_| panic!("nothing is sent"));
    AfterShip::begin(&host, &request(scheme))
}

#[test]
fn an_api_key_is_ready_at_once() {
    let scheme = SCHEMES[0].description();
    assert_eq!((scheme.name, scheme.interactive), ("api-key", false));
    assert_eq!(scheme.secrets[0].name, "api-key");
    assert!(scheme.secrets[0].required);
    let ready = Step::Ready(Grant::unlimited());
    assert_eq!(begin_with("api-key"), Ok(ready));
}

#[test]
fn signed_keys_are_ready_at_once_too() {
    for (scheme, secret) in [("api-key-hmac", "api-secret"), ("api-key-rsa", "private-key")] {
        let description = scheme::find_named(SCHEMES, scheme).unwrap().description();
        let names: Vec<_> = description.secrets.iter().map(|field| field.name).collect();
        assert_eq!(names, ["api-key", secret]);
        assert_eq!(begin_with(scheme), Ok(Step::Ready(Grant::unlimited())));
    }
}

#[test]
fn an_unknown_scheme_names_those_that_exist() {
    let error = begin_with("telepathy").unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }));
    assert!(error.message.contains("api-key"), "{error:?}");
}

#[test]
fn an_api_key_has_no_callback_and_does_not_expire() {
    for scheme in ["api-key", "api-key-hmac", "api-key-rsa"] {
        let host =
            FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).with_setting("scheme", scheme);
        assert!(matches!(
            AfterShip::complete(&host, "s", "code=1"),
            Err(Error { kind: ErrorKind::Unsupported, .. })
        ));
        assert!(matches!(
            AfterShip::refresh(&host),
            Err(Error { kind: ErrorKind::Unsupported, .. })
        ));
        assert!(matches!(
            AfterShip::revoke(&host),
            Err(Error { kind: ErrorKind::Unsupported, .. })
        ));
    }
}

#[test]
fn check_tries_one_cheap_request() {
    for (status, body, expected) in [
        (200, r#"{"meta":{"code":200},"data":{"trackings":[]}}"#, None),
        (401, r#"{"meta":{"code":401},"data":{}}"#, Some("Unauthenticated")),
        (403, r#"{"meta":{"code":403},"data":{}}"#, Some("Forbidden")),
    ] {
        let host = FnHost::of::<AfterShip>(|request: Request| {
            assert_eq!(request.endpoint, "trackings-list");
            assert_eq!(request.path_with_query, "/tracking/2026-07/trackings?limit=1");
            Ok(Response::json(status, body))
        });
        match (AfterShip::check(&host, "trackings"), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(case)) => {
                assert!(kind_name(&error).starts_with(case), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = || {
        FnHost::of::<AfterShip>(|_| Ok(Response::json(403, r#"{"meta":{"code":403},"data":{}}"#)))
    };
    let scope = "aftership:tracking:read";
    let error =
        AfterShip::check(&refused().with_setting("scheme", "oauth2"), "trackings").unwrap_err();
    assert!(error.message.contains(scope), "{error:?}");
    assert!(!AfterShip::check(&refused(), "trackings").unwrap_err().message.contains(scope));
    let host = FnHost::of::<AfterShip>(|_| panic!("nothing is sent"));
    assert!(matches!(
        AfterShip::check(&host, "parcels"),
        Err(Error { kind: ErrorKind::NotFound, .. })
    ));
}
