use super::*;
use crate::AfterShip;
use crate::objects::trackings::endpoints::{CREATE, GET, LIST};
use crate::testing::kind_name;
use connector_sdk::{ErrorKind, FnHost, SendError};
use std::cell::RefCell;

fn get(host: &dyn Host) -> Result<Answer, Error> {
    Api::new(host)?.send(Call::new(GET, "get the tracking").id("a b"))
}

fn bytes(status: u16, body: Vec<u8>) -> Response {
    Response { status, headers: Vec::new(), body, captured: Vec::new() }
}

#[test]
fn a_request_is_what_aftership_documents() {
    let sent = RefCell::new(Vec::new());
    let host = FnHost::of::<AfterShip>(|request| {
        sent.borrow_mut().push(request);
        Ok(Response::json(200, r#"{"meta":{"code":200},"data":{"id":"x"}}"#))
    });
    get(&host).unwrap();
    let call = Call::new(CREATE, "create the tracking").body("{\"a\":1.0}");
    Api::new(&host).unwrap().send(call).unwrap();
    let sent = sent.borrow();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        sent[0],
        Request {
            endpoint: "trackings-get".into(),
            path_with_query: "/tracking/2026-07/trackings/a%20b".into(),
            headers: vec![header("accept", "application/json")],
            body: None,
            secret_uses: vec!["api-key".into()],
            cost: 1,
        }
    );
    assert_eq!(
        sent[1],
        Request {
            endpoint: "trackings-create".into(),
            path_with_query: "/tracking/2026-07/trackings".into(),
            headers: vec![
                header("accept", "application/json"),
                header("content-type", "application/json"),
            ],
            body: Some(b"{\"a\":1.0}".to_vec()),
            secret_uses: vec!["api-key".into()],
            cost: 1,
        }
    );
}

#[test]
fn the_version_is_part_of_every_path_and_cannot_change_it() {
    let host = FnHost::of::<AfterShip>(|request: Request| {
        assert_eq!(request.path_with_query, "/tracking/2026-01/trackings/a%20b");
        Err(SendError::NotSent("stop".into()))
    });
    assert!(matches!(
        get(&host.with_setting(API_VERSION, "2026-01")),
        Err(Error { kind: ErrorKind::Unavailable, .. })
    ));
    for value in ["", "../v4", "2026-07/x"] {
        let host =
            FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).with_setting(API_VERSION, value);
        let error = get(&host).unwrap_err();
        assert!(
            matches!(&error, f @ Error { kind: ErrorKind::Internal, .. } if f.message.contains(API_VERSION)),
            "{value} {error:?}"
        );
    }
}

#[test]
fn a_secret_that_is_missing_is_named_and_is_no_fault_of_ours() {
    let host = FnHost::of::<AfterShip>(|_| Err(SendError::NoSecret("api-key".into())));
    let error = get(&host).unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::Unauthenticated, .. } if f.message.contains("no secret `api-key`")),
        "{error:?}"
    );
}

#[test]
fn another_scheme_needs_another_connection() {
    let host =
        FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).with_setting("scheme", "telepathy");
    let error = get(&host).unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::Unauthenticated, .. } if f.message.contains("api-key")),
        "{error:?}"
    );
}

#[test]
fn another_version_than_asked_for_is_logged() {
    for (served, lines) in [("2026-07", 0), ("2025-07", 1)] {
        let host = FnHost::of::<AfterShip>(|_| {
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
    for body in [&b"<html>"[..], b"", b"{\"data\":{\"id\":\"\xff\"}}"] {
        let host = FnHost::of::<AfterShip>(|_| Ok(bytes(200, body.to_vec())));
        let api = Api::new(&host).unwrap();
        let list = Call::new(LIST, "list trackings");
        let read = api.send(list).and_then(|answer| answer.record()).unwrap_err();
        assert!(matches!(read, Error { kind: ErrorKind::Unavailable, .. }), "{read:?}");
        let create = Call::new(CREATE, "create").body("{}");
        let write = api.send(create).and_then(|answer| answer.record()).unwrap_err();
        assert!(matches!(write, Error { kind: ErrorKind::OutcomeUnknown, .. }), "{write:?}");
    }
}

#[test]
fn json_is_read_whatever_the_proxy_calls_it() {
    for (content_type, mark) in
        [("application/json", ""), ("text/plain", ""), ("text/html; charset=utf-8", "\u{feff}")]
    {
        let body = format!(r#"{mark}{{"meta":{{"code":200}},"data":{{"id":"x"}}}}"#);
        let host = FnHost::of::<AfterShip>(|_| {
            Ok(bytes(200, body.clone().into_bytes()).header("content-type", content_type))
        });
        assert_eq!(get(&host).unwrap().record().unwrap().data, r#"{"id":"x"}"#);
    }
}

#[test]
fn a_success_may_wrap_an_error() {
    for (code, read, write) in [
        (401, "Unauthenticated", "Unauthenticated"),
        (4004, "NotFound", "NotFound"),
        (404, "Internal", "Internal"),
        (429, "RateLimited", "RateLimited"),
        (500, "Unavailable", "OutcomeUnknown"),
        (777, "Internal", "OutcomeUnknown"),
    ] {
        let body = format!(r#"{{"meta":{{"code":{code},"message":"No."}},"data":{{"id":"x"}}}}"#);
        let host = FnHost::of::<AfterShip>(|_| Ok(Response::json(200, &body)));
        let api = Api::new(&host).unwrap();
        let error = get(&host).unwrap().record().unwrap_err();
        assert!(kind_name(&error).starts_with(read), "{code} {error:?}");
        let create = || api.send(Call::new(CREATE, "create").body("{}")).unwrap();
        let list = create().listing("trackings").unwrap_err();
        for error in [create().record().unwrap_err(), create().done().unwrap_err(), list] {
            assert!(kind_name(&error).starts_with(write), "{code} {error:?}");
        }
    }
}

#[test]
fn nothing_is_what_some_answers_hold() {
    for (status, body, is_done) in [(204, "", true), (205, "", true), (200, "", false)] {
        let host = FnHost::of::<AfterShip>(|_| Ok(bytes(status, body.into())));
        let answer = get(&host).unwrap();
        assert_eq!(answer.done().is_ok(), is_done, "{status}");
        assert!(answer.record().is_err(), "{status}");
    }
}

#[test]
fn a_byte_order_mark_is_not_sent_on() {
    let host = FnHost::of::<AfterShip>(|request: Request| {
        assert_eq!(request.body.as_deref(), Some(&b"{\"a\":1}"[..]));
        Err(SendError::NotSent("stop".into()))
    });
    let call = Call::new(CREATE, "create").body("\u{feff}{\"a\":1}");
    Api::new(&host).unwrap().send(call).unwrap_err();
}
