use super::*;
use crate::host::{FnHost, Response};

fn begin_with(scheme: &str) -> Result<Step, Error> {
    begin(&BeginRequest { scheme: scheme.into(), ..BeginRequest::default() })
}

#[test]
fn an_api_key_is_ready_at_once() {
    let scheme = SCHEMES[0].description();
    assert_eq!((scheme.name, scheme.interactive), ("api-key", false));
    assert_eq!(scheme.fields[0].name, "api-key");
    assert!(scheme.fields[0].required);
    let ready = Step::Ready(Grant { expires_at: None, scopes: Vec::new() });
    assert_eq!(begin_with("api-key"), Ok(ready));
}

#[test]
fn an_unknown_scheme_names_those_that_exist() {
    let error = begin_with("telepathy").unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }));
    assert!(error.to_string().contains("api-key"), "{error}");
}

#[test]
fn an_api_key_has_no_callback_and_does_not_expire() {
    let host = FnHost::new(|_| panic!("nothing is sent"));
    assert!(matches!(complete(&host, "s", "code=1"), Err(Error::Unsupported(_))));
    assert!(matches!(refresh(&host), Err(Error::Unsupported(_))));
}

#[test]
fn check_tries_one_cheap_request() {
    for (status, body, expected) in [
        (200, r#"{"meta":{"code":200},"data":{"trackings":[]}}"#, None),
        (401, r#"{"meta":{"code":401},"data":{}}"#, Some("Unauthenticated")),
        (403, r#"{"meta":{"code":403},"data":{}}"#, Some("Forbidden")),
    ] {
        let host = FnHost::new(|request: Request| {
            assert_eq!(request.url, "https://api.aftership.com/tracking/2026-07/trackings?limit=1");
            Ok(Response::json(status, body))
        });
        match (check(&host, "trackings"), expected) {
            (Ok(account), None) => assert_eq!(account, None),
            (Err(error), Some(case)) => {
                assert!(format!("{error:?}").starts_with(case), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let host = FnHost::new(|_| panic!("nothing is sent"));
    assert!(matches!(check(&host, "parcels"), Err(Error::NotFound(_))));
}
