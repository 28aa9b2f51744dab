use super::super::OAuth2;
use crate::AfterShip;
use crate::auth::Scheme as _;
use crate::testing::kind_name;
use connector_sdk::ErrorKind;
use connector_sdk::{Error, FnHost, Level, Response, SendError};

/// An answer of which the host took the access token.
fn granted(body: &str) -> Response {
    Response::json(200, body).captured(&["access-token"])
}

/// What a refresh comes to with this answer.
fn refreshed(answer: &Result<Response, SendError>) -> Result<super::Grant, Error> {
    let host = FnHost::of::<AfterShip>(|_| answer.clone()).with_setting("client-id", "app-1");
    OAuth2.refresh(&host)
}

fn case(error: &Error) -> String {
    kind_name(error).split([' ', '(']).next().unwrap().to_owned()
}

#[test]
fn every_outcome_has_its_error() {
    let json = |status, body: &str| Ok(Response::json(status, body));
    // The host hands on nothing of a 2xx that is no JSON.
    let page = |status: u16| {
        let body = if status < 300 { "" } else { "<html>Access denied</html>" };
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Ok(Response { headers, ..Response::json(status, body) })
    };
    let to = "https://login.example.com/sign-in?ticket=1";
    let redirect = Ok(Response::json(302, "").header("location", to));
    for (answer, expected, words) in [
        (Err(SendError::NotSent("no route".into())), "Unavailable", "Nothing was changed"),
        (Err(SendError::Unanswered("reset".into())), "OutcomeUnknown", "may have been done"),
        (Err(SendError::Refused("no such endpoint".into())), "Internal", "no such endpoint"),
        (
            Err(SendError::NoSecret("client-secret".into())),
            "Unauthenticated",
            "no secret `client-secret`",
        ),
        (json(200, ""), "OutcomeUnknown", "no access token"),
        (json(200, "[]"), "OutcomeUnknown", "no access token"),
        (json(200, r#"{"token_type":"bearer"}"#), "OutcomeUnknown", "no access token"),
        (json(303, ""), "OutcomeUnknown", "303"),
        (redirect, "Unavailable", "to `https://login.example.com/sign-in`, which"),
        (page(401), "Unavailable", "a gateway, not AfterShip, answered HTTP 401"),
        (page(403), "Unavailable", "a gateway, not AfterShip"),
        (page(404), "Unavailable", "`token-url`"),
        (page(200), "OutcomeUnknown", "a gateway, not AfterShip"),
        (page(429), "RateLimited", "Nothing was changed"),
        // The server wrote null itself: the host took nothing.
        (
            json(200, r#"{"access_token":null,"token_type":"bearer"}"#),
            "OutcomeUnknown",
            "no access",
        ),
        (json(400, r#"{"error":"invalid_grant"}"#), "Unauthenticated", "connect again"),
        (
            json(400, r#"{"error":"invalid_grant","error_description":"Token is not active"}"#),
            "Unauthenticated",
            "says invalid_grant (\"Token is not active\")",
        ),
        (json(403, r#"{"error":"invalid_grant"}"#), "Unauthenticated", "connect again"),
        (json(401, r#"{"error":"invalid_client"}"#), "Forbidden", "`client-secret`"),
        (json(400, r#"{"error":"unauthorized_client"}"#), "Forbidden", "`client-id`"),
        (json(400, r#"{"error":"invalid_scope"}"#), "Forbidden", "invalid_scope"),
        (json(400, r#"{"error":"invalid_request"}"#), "Internal", "invalid_request"),
        (json(400, r#"{"error":"unsupported_grant_type"}"#), "Internal", "settings of `oauth2`"),
        (json(400, "Bad Request"), "Unavailable", "HTTP 400"),
        (json(401, ""), "Unavailable", "HTTP 401"),
        (json(401, "{}"), "Forbidden", "HTTP 401"),
        (json(404, "{}"), "Internal", "HTTP 404"),
        (json(408, ""), "OutcomeUnknown", "HTTP 408"),
        (json(429, ""), "RateLimited", "Nothing was changed"),
        (json(500, r#"{"error":"invalid_grant"}"#), "OutcomeUnknown", "may have been done"),
        (json(502, "Interal Error"), "OutcomeUnknown", "HTTP 502"),
        (json(503, ""), "OutcomeUnknown", "HTTP 503"),
    ] {
        let error = refreshed(&answer).unwrap_err();
        assert_eq!(case(&error), expected, "{answer:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
}

#[test]
fn what_support_asks_for_is_kept() {
    let answer = Response::json(400, r#"{"error":"invalid_grant"}"#).header("as-trace-id", "t-1");
    let error = refreshed(&Ok(answer)).unwrap_err();
    let failure = &error;
    assert_eq!(failure.http_status, Some(400));
    assert_eq!(failure.provider_code.as_deref(), Some("invalid_grant"));
    assert_eq!(failure.request_id.as_deref(), Some("t-1"));
}

#[test]
fn a_wait_is_handed_on() {
    let slow = Response::json(429, "").header("retry-after", "7");
    for (answer, expected) in [
        (Ok(slow), Some(7000)),
        (Err(SendError::Limited(40)), Some(40)),
        (Ok(Response::json(429, "")), None),
    ] {
        let error = refreshed(&answer).unwrap_err();
        assert!(
            matches!(error, Error { kind: ErrorKind::RateLimited(retry_after_ms), .. } if retry_after_ms == expected),
            "{error:?}"
        );
    }
}

#[test]
fn a_grant_says_until_when_and_for_what() {
    for (members, expires_at, scopes) in [
        (
            r#""expires_in":3600,"scope":"a:read b:write""#,
            Some("10:30:00"),
            &["a:read", "b:write"][..],
        ),
        (r#""expires_in":"3600","scope":"a:read""#, Some("10:30:00"), &["a:read"]),
        (r#""expires_in":3600.0,"scope":"""#, Some("10:30:00"), &[]),
        (r#""expires_in":0"#, Some("09:30:00"), &[]),
        (r#""expires_in":null,"more":[1]"#, None, &[]),
        (r#""refresh_token":null"#, None, &[]),
    ] {
        let body = format!(r#"{{"access_token":null,"token_type":"BEARER",{members}}}"#);
        let grant = refreshed(&Ok(granted(&body))).unwrap();
        let expected = expires_at.map(|time| format!("2026-11-22T{time}+00:00"));
        assert_eq!(grant.expires_at, expected, "{members}");
        assert_eq!(grant.scopes, scopes, "{members}");
    }
}

/// A token that came counts: the one before it may be used up.
#[test]
fn an_odd_type_of_token_is_logged_and_no_error() {
    for token_type in ["", r#","token_type":null"#, r#","token_type":"mac""#, r#","token_type":7"#]
    {
        let body = format!(r#"{{"access_token":null,"expires_in":3600{token_type}}}"#);
        let host = FnHost::of::<AfterShip>(|_| Ok(granted(&body)));
        let host = host.with_setting("client-id", "app-1");
        let grant = OAuth2.refresh(&host).unwrap();
        assert_eq!(grant.expires_at.as_deref(), Some("2026-11-22T10:30:00+00:00"), "{token_type}");
        assert!(matches!(host.logged().as_slice(), [(Level::Warn, _)]), "{token_type}");
    }
}

#[test]
fn scopes_may_stand_apart_otherwise() {
    let body = r#"{"access_token":null,"token_type":"bearer","scope":"a:read,b:write c:read"}"#;
    let host = FnHost::of::<AfterShip>(|_| Ok(granted(body))).with_setting("client-id", "app-1");
    let grant = OAuth2.refresh(&host.with_setting("scope-separator", ",")).unwrap();
    assert_eq!(grant.scopes, ["a:read", "b:write", "c:read"]);
}

#[test]
fn an_unreadable_end_is_no_end_and_is_logged() {
    for written in ["\"soon\"", "-1", "1e3", "[]"] {
        let body =
            format!(r#"{{"access_token":null,"token_type":"bearer","expires_in":{written}}}"#);
        let host = FnHost::of::<AfterShip>(|_| Ok(granted(&body)));
        let host = host.with_setting("client-id", "app-1");
        assert_eq!(OAuth2.refresh(&host).unwrap().expires_at, None, "{written}");
        assert!(matches!(host.logged().as_slice(), [(Level::Warn, _)]), "{written}");
    }
}
