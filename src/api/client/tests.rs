use super::*;
use crate::api::endpoints::{TRACKINGS_CREATE, TRACKINGS_GET, TRACKINGS_LIST};
use crate::host::{FnHost, Place, SecretPart, SendError};
use std::cell::RefCell;

fn get(host: &dyn Host) -> Result<Answer, Error> {
    Api::new(host)?.send(Call::new(TRACKINGS_GET, "get the tracking").id("a b"))
}

#[test]
fn a_request_is_what_aftership_documents() {
    let sent = RefCell::new(Vec::new());
    let host = FnHost::new(|request| {
        sent.borrow_mut().push(request);
        Ok(Response::json(200, r#"{"meta":{"code":200},"data":{"id":"x"}}"#))
    });
    get(&host).unwrap();
    let call = Call::new(TRACKINGS_CREATE, "create the tracking").body("{\"a\":1.0}");
    Api::new(&host).unwrap().send(call).unwrap();
    let sent = sent.borrow();
    let key =
        SecretPart { secret: "api-key", place: Place::Header { name: "as-api-key", prefix: "" } };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        sent[0],
        Request {
            method: "GET",
            url: "https://api.aftership.com/tracking/2026-07/trackings/a%20b".into(),
            headers: vec![header("accept", "application/json")],
            body: None,
            secrets: vec![key.clone()],
        }
    );
    assert_eq!(
        sent[1],
        Request {
            method: "POST",
            url: "https://api.aftership.com/tracking/2026-07/trackings".into(),
            headers: vec![
                header("accept", "application/json"),
                header("content-type", "application/json"),
            ],
            body: Some(b"{\"a\":1.0}".to_vec()),
            secrets: vec![key],
        }
    );
}

#[test]
fn settings_move_the_api() {
    let host = FnHost::new(|request: Request| {
        assert_eq!(request.url, "http://127.0.0.1:8080/tracking/2026-01/trackings/a%20b");
        Err(SendError::NotSent("stop".into()))
    });
    let host =
        host.with_setting(BASE_URL, "http://127.0.0.1:8080/").with_setting(API_VERSION, "2026-01");
    assert!(matches!(get(&host), Err(Error::Unavailable(_))));
}

#[test]
fn settings_that_could_move_a_request_elsewhere_are_refused() {
    for (name, value) in [
        (BASE_URL, ""),
        (BASE_URL, "api.aftership.com"),
        (BASE_URL, "ftp://api.aftership.com"),
        (BASE_URL, "https://"),
        (BASE_URL, "https://api.aftership.com/x"),
        (BASE_URL, "https://api.aftership.com?x"),
        (BASE_URL, "https://user@evil.example"),
        (BASE_URL, "https://api.aftership.com\n"),
        (API_VERSION, ""),
        (API_VERSION, "../v4"),
        (API_VERSION, "2026-07/x"),
    ] {
        let host = FnHost::new(|_| panic!("nothing is sent")).with_setting(name, value);
        let error = get(&host).unwrap_err();
        assert!(
            matches!(&error, Error::Internal(f) if f.message.contains(name)),
            "{value} {error}"
        );
    }
}

#[test]
fn another_scheme_needs_another_connection() {
    let host = FnHost::new(|_| panic!("nothing is sent")).with_setting("scheme", "telepathy");
    let error = get(&host).unwrap_err();
    assert!(
        matches!(&error, Error::Unauthenticated(f) if f.message.contains("api-key")),
        "{error}"
    );
}

#[test]
fn another_version_than_asked_for_is_logged() {
    for (served, lines) in [("2026-07", 0), ("2025-07", 1)] {
        let host = FnHost::new(|_| {
            let response = Response::json(200, r#"{"data":{"id":"x"}}"#);
            Ok(response.header("as-api-version", served))
        });
        get(&host).unwrap();
        assert_eq!(host.logged().len(), lines);
        assert!(
            host.logged()
                .iter()
                .all(|(level, text)| *level == Level::Warn && text.contains(served))
        );
    }
}

#[test]
fn a_2xx_that_is_no_json_was_lost() {
    for (content_type, body) in [
        (Some("text/html"), &b"<html>"[..]),
        (Some("text/plain"), br#"{"data":{"id":"x"}}"#),
        (None, b"{\"data\":{\"id\":\"\xff\"}}"),
    ] {
        let headers = content_type.map(|value| ("content-type".to_owned(), value.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        let host = FnHost::new(|_| {
            Ok(Response { status: 200, headers: headers.clone(), body: body.to_vec() })
        });
        let api = Api::new(&host).unwrap();
        let read = api.send(Call::new(TRACKINGS_LIST, "list trackings")).unwrap_err();
        assert!(matches!(read, Error::Unavailable(_)), "{read:?}");
        let write = api.send(Call::new(TRACKINGS_CREATE, "create").body("{}")).unwrap_err();
        assert!(matches!(write, Error::OutcomeUnknown(_)), "{write:?}");
    }
}

#[test]
fn json_has_several_content_types() {
    for (content_type, expected) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/problem+json", true),
        ("text/json", false),
        ("", false),
    ] {
        assert_eq!(is_json(content_type), expected, "{content_type}");
    }
}
