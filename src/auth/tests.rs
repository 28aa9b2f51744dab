use super::*;
use crate::host::{FnHost, Response};

fn begin_with(scheme: &str) -> Result<Step, Error> {
    let host = FnHost::new(|_| panic!("nothing is sent"));
    begin(&host, &BeginRequest { scheme: scheme.into(), ..BeginRequest::default() })
}

#[test]
fn an_api_key_is_ready_at_once() {
    let scheme = SCHEMES[0].description();
    assert_eq!((scheme.name, scheme.interactive), ("api-key", false));
    assert_eq!(scheme.secrets[0].name, "api-key");
    assert!(scheme.secrets[0].required);
    let ready = Step::Ready(Grant { expires_at: None, scopes: Vec::new() });
    assert_eq!(begin_with("api-key"), Ok(ready));
}

#[test]
fn signed_keys_are_ready_at_once_too() {
    for (scheme, secret) in [("api-key-hmac", "api-secret"), ("api-key-rsa", "private-key")] {
        let description = super::scheme(scheme).unwrap().description();
        let names: Vec<_> = description.secrets.iter().map(|field| field.name).collect();
        assert_eq!(names, ["api-key", secret]);
        assert_eq!(begin_with(scheme), Ok(Step::Ready(Grant::default())));
    }
}

#[test]
fn an_unknown_scheme_names_those_that_exist() {
    let error = begin_with("telepathy").unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }));
    assert!(error.to_string().contains("api-key"), "{error}");
}

#[test]
fn an_api_key_has_no_callback_and_does_not_expire() {
    for scheme in ["api-key", "api-key-hmac", "api-key-rsa"] {
        let host = FnHost::new(|_| panic!("nothing is sent")).with_setting("scheme", scheme);
        assert!(matches!(complete(&host, "s", "code=1"), Err(Error::Unsupported(_))));
        assert!(matches!(refresh(&host), Err(Error::Unsupported(_))));
        assert!(matches!(revoke(&host), Err(Error::Unsupported(_))));
    }
}

#[test]
fn check_tries_one_cheap_request() {
    for (status, body, expected) in [
        (200, r#"{"meta":{"code":200},"data":{"trackings":[]}}"#, None),
        (401, r#"{"meta":{"code":401},"data":{}}"#, Some("Unauthenticated")),
        (403, r#"{"meta":{"code":403},"data":{}}"#, Some("Forbidden")),
    ] {
        let host = FnHost::new(|request: Request| {
            assert_eq!(request.endpoint, "trackings-list");
            assert_eq!(request.path_with_query, "/tracking/2026-07/trackings?limit=1");
            Ok(Response::json(status, body))
        });
        match (check(&host, "trackings"), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(case)) => {
                assert!(format!("{error:?}").starts_with(case), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = || FnHost::new(|_| Ok(Response::json(403, r#"{"meta":{"code":403},"data":{}}"#)));
    let scope = "aftership:tracking:read";
    let error = check(&refused().with_setting("scheme", "oauth2"), "trackings").unwrap_err();
    assert!(error.to_string().contains(scope), "{error}");
    assert!(!check(&refused(), "trackings").unwrap_err().to_string().contains(scope));
    let host = FnHost::new(|_| panic!("nothing is sent"));
    assert!(matches!(check(&host, "parcels"), Err(Error::NotFound(_))));
}
