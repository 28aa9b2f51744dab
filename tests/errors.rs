//! Every row of the error table, from the wire to the host (AfterShip API 2026-07, "Request
//! errors"). What the host does then is proven in `operations.rs`.

use aftership_simulator::{Answer, Matcher};
use host_harness::contract::types::{Error, ErrorKind};
use host_harness::runtime::CallError;

use crate::support::world::{World, list};

/// The name of the case, whatever it holds.
fn case(error: &Error) -> String {
    let shown = format!("{:?}", error.kind);
    let name = shown.rsplit("::").next().unwrap_or_default();
    name.split('(').next().unwrap_or_default().to_owned()
}

fn json(status: u16, code: u32, kind: &str) -> Answer {
    let body = format!(
        r#"{{"meta":{{"code":{code},"message":"Said by the API.","type":"{kind}"}},"data":{{}}}}"#
    );
    Answer::new(status, body)
        .header("content-type", "application/json")
        .header("as-trace-id", "trace-7")
}

async fn error(world: &World, answer: &Answer, operation: &str) -> Error {
    let connection = world.once();
    // Many failures in a row would pause the connection.
    connection.check("trackings").await.unwrap();
    world.simulator.answer_next(Matcher::any(), answer.clone());
    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    let result = match operation {
        "list" => connection.list(&list(None, None)).await.map(drop),
        "get" => connection.get("trackings", "0b02015f").await.map(drop),
        "create" => connection.create("trackings", wish).await.map(drop),
        "update" => connection.update("trackings", "0b02015f", r#"{"note":"x"}"#).await.map(drop),
        _ => connection.delete("trackings", "0b02015f").await,
    };
    match result {
        Err(CallError::Connector(error)) => error,
        other => panic!("{operation} {answer:?}: {other:?}"),
    }
}

const ALL: [&str; 5] = ["list", "get", "create", "update", "delete"];

#[tokio::test(start_paused = true)]
async fn every_code_becomes_its_case_for_every_operation() {
    let world = World::new().await;
    for (status, code, kind, expected) in [
        (400, 400, "BadRequest", "InvalidInput"),
        (400, 4001, "BadRequest", "InvalidInput"),
        (400, 4003, "BadRequest", "Conflict"),
        (404, 4004, "BadRequest", "NotFound"),
        (400, 4005, "BadRequest", "InvalidInput"),
        (400, 4006, "BadRequest", "InvalidInput"),
        (400, 4007, "BadRequest", "InvalidInput"),
        (400, 4008, "BadRequest", "InvalidInput"),
        (400, 4009, "BadRequest", "InvalidInput"),
        (400, 4010, "BadRequest", "InvalidInput"),
        (400, 4011, "BadRequest", "InvalidInput"),
        (400, 4012, "BadRequest", "InvalidInput"),
        (400, 4013, "BadRequest", "Conflict"),
        (400, 4014, "BadRequest", "InvalidInput"),
        (400, 4015, "BadRequest", "InvalidInput"),
        (400, 4016, "BadRequest", "Conflict"),
        (400, 4017, "BadRequest", "InvalidInput"),
        (400, 4999, "BadRequest", "InvalidInput"),
        (401, 401, "Unauthorized", "Unauthenticated"),
        (403, 403, "Forbidden", "Forbidden"),
        // The address is unknown, not the record.
        (404, 404, "NotFound", "Internal"),
        (429, 429, "TooManyRequests", "RateLimited"),
        (429, 4008, "TooManyRequests", "RateLimited"),
        // A success that wraps an error.
        (200, 401, "Unauthorized", "Unauthenticated"),
        (200, 4004, "BadRequest", "NotFound"),
        (302, 302, "Found", "Internal"),
    ] {
        for operation in ALL {
            let error = error(&world, &json(status, code, kind), operation).await;
            assert_eq!(case(&error), expected, "{code}, {operation}: {error:?}");
            assert_eq!(error.http_status, Some(status));
            assert_eq!(error.provider_code.as_deref(), Some(code.to_string().as_str()));
            assert_eq!(error.request_id.as_deref(), Some("trace-7"));
            assert!(
                error.message.contains("Said by the API") || expected == "Internal",
                "{error:?}"
            );
        }
    }
}

/// A firewall, a proxy or a sign-in page says nothing of keys, plans and records.
#[tokio::test(start_paused = true)]
async fn a_gateway_is_not_taken_for_the_api() {
    let world = World::new().await;
    for (status, content_type, body) in [
        (400, "text/html", "<html>Bad Request"),
        (401, "text/html", "<html>Sign in"),
        (403, "text/html", "<html>Access denied"),
        (403, "application/json", "{\"message\":\"Forbidden\"}"),
        (404, "text/html", "<html>Not Found"),
        (407, "text/plain", ""),
        (410, "text/html", "<html>Gone"),
    ] {
        for operation in ALL {
            let answer = Answer::new(status, body).header("content-type", content_type);
            let error = error(&world, &answer, operation).await;
            assert_eq!(case(&error), "Unavailable", "{operation} {status}: {error:?}");
            assert!(error.message.contains("a gateway, not AfterShip"), "{error:?}");
        }
    }
    let moved = Answer::new(301, "").header("location", "https://elsewhere.example/x?ticket=1");
    let error = error(&world, &moved, "get").await;
    assert_eq!(case(&error), "Unavailable", "{error:?}");
    assert!(error.message.contains("https://elsewhere.example/x`"), "{error:?}");
    assert!(error.message.contains("`base-url`"), "{error:?}");
}

/// A read that failed left nothing; a write whose answer was lost may have been applied.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_open_for_writes_only() {
    let world = World::new().await;
    let plain = |status| Answer::new(status, "Interal Error").header("content-type", "text/plain");
    for answer in [
        plain(500),
        plain(502),
        plain(503),
        plain(504),
        plain(408),
        json(500, 500, "InternalError"),
        json(500, 4008, "BadRequest"),
        json(502, 4004, "BadRequest"),
        json(200, 500, "InternalError"),
        Answer::reset(),
        Answer::hang(),
        json(200, 200, "OK").truncated(10),
        Answer::new(200, "{\"meta\":{\"code\":200},\"data\":")
            .header("content-type", "application/json"),
        Answer::new(200, "<html>").header("content-type", "text/html"),
        Answer::new(200, vec![b'"', 0xff, b'"']).header("content-type", "application/json"),
    ] {
        for operation in ALL {
            let read = matches!(operation, "list" | "get");
            let expected = if read { "Unavailable" } else { "OutcomeUnknown" };
            let error = error(&world, &answer, operation).await;
            assert_eq!(case(&error), expected, "{operation} {answer:?}: {error:?}");
        }
    }
}

/// Nobody documents such a code, so nobody knows what was done.
#[tokio::test(start_paused = true)]
async fn a_success_with_an_unknown_code_is_open_for_writes() {
    let world = World::new().await;
    for operation in ALL {
        let read = matches!(operation, "list" | "get");
        let error = error(&world, &json(200, 777, "Odd"), operation).await;
        let expected = if read { "Internal" } else { "OutcomeUnknown" };
        assert_eq!(case(&error), expected, "{operation}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn json_is_read_whatever_it_is_called() {
    let world = World::new().await;
    let body = "\u{feff}{\"meta\":{\"code\":200},\"data\":{\"id\":\"t1\"}}";
    let answer = Answer::new(200, body).header("content-type", "text/plain");
    world.simulator.answer_next(Matcher::any(), answer);
    let record = world.once().get("trackings", "t1").await.unwrap();
    assert_eq!((record.id.as_str(), record.data.as_str()), ("t1", r#"{"id":"t1"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_told_where_the_answer_tells_it() {
    let world = World::new().await;
    // Each pause holds the limit, so the last one comes last.
    let reset = (world.simulator.now_ms() / 1_000 + 7).to_string();
    for (name, value, bounds) in [
        ("x-ratelimit-reset", reset.as_str(), Some((6_000, 8_000))),
        ("retry-after", "3", Some((3_000, 3_000))),
        ("retry-after", "1.5", Some((1_500, 1_500))),
        ("x-ratelimit-reset", "1", None),
        ("x-ratelimit-reset", "99999999999", None),
        ("retry-after", "later", None),
        ("retry-after", "40000", Some((40_000_000, 40_000_000))),
    ] {
        let answer = json(429, 429, "TooManyRequests").header(name, value);
        let error = error(&world, &answer, "get").await;
        // The hours of a daily quota are no pause between two tries.
        let quota = value.parse().is_ok_and(|seconds: u64| (3_600..=2_678_400).contains(&seconds));
        let wait = match error.kind {
            ErrorKind::QuotaExhausted(wait) if quota => wait,
            ErrorKind::RateLimited(wait) if !quota => wait,
            _ => panic!("{error:?}"),
        };
        match bounds {
            None => assert_eq!(wait, None, "{name}: {value}"),
            Some((least, most)) => {
                assert!((least..=most).contains(&wait.unwrap()), "{name}: {wait:?}");
            }
        }
    }
}

/// 4011 and 4012 say which members are wanted; the violations point to them.
#[tokio::test(start_paused = true)]
async fn violations_point_to_what_is_wanted() {
    let world = World::new().await;
    let body = r#"{"meta":{"code":4011,"message":"Additional fields are also required: destination_postal_code, tracking_ship_date","type":"BadRequest"},"data":{}}"#;
    let answer = Answer::new(400, body).header("content-type", "application/json");
    let ErrorKind::InvalidInput(violations) = error(&world, &answer, "create").await.kind else {
        panic!()
    };
    let pointers: Vec<&str> =
        violations.iter().map(|violation| violation.pointer.as_str()).collect();
    assert!(
        pointers.contains(&"/destination_postal_code") && pointers.contains(&"/tracking_ship_date"),
        "{pointers:?}"
    );
}
