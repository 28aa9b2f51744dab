//! Keys, the plan, unknown paths, headers and the envelope.

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::client::{Client, TRACKINGS};

#[tokio::test]
async fn every_answer_carries_the_gateway_headers() {
    let client = Client::new();
    let good = client.list("").await;
    let bad = client.list("limit=0").await;
    for answer in [&good, &bad] {
        assert_eq!(answer.header("as-api-version"), "2026-07");
        assert_eq!(answer.header("as-req-source"), "gateway");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("date"), "Sun, 22 Nov 2026 12:00:00 GMT");
        assert_eq!(answer.header("x-ratelimit-limit"), "6");
        assert_eq!(answer.header("x-ratelimit-reset"), "1795348801");
        assert_eq!(answer.header("as-trace-id").len(), 32);
        assert_eq!(answer.header("retry-after"), "");
    }
    assert_ne!(good.header("as-trace-id"), bad.header("as-trace-id"));
    assert_eq!(good.header("as-trace-id"), Client::new().list("").await.header("as-trace-id"));
}

#[tokio::test]
async fn a_good_answer_has_the_code_alone_in_meta() {
    let answer = Client::new().list("").await;
    assert_eq!(
        answer.text,
        r#"{"meta":{"code":200},"data":{"pagination":{"total":0,"next_cursor":"","has_next_page":false},"trackings":[]}}"#
    );
}

#[tokio::test]
async fn keys_decide() {
    let client = Client::with(|options| options.api_keys = vec!["a".to_owned(), "b".to_owned()]);
    let rows: &[(&[(&str, &str)], u16)] = &[
        (&[], 401),
        (&[("as-api-key", "")], 401),
        (&[("as-api-key", "c")], 401),
        (&[("as-api-key", "A")], 401),
        (&[("aftership-api-key", "a")], 401),
        (&[("as-api-key", "a"), ("as-api-key", "b")], 401),
        (&[("as-api-key", "a")], 200),
        (&[("AS-API-KEY", "b")], 200),
        (&[("as-api-key", "a"), ("aftership-api-key", "a")], 200),
    ];
    for (headers, status) in rows {
        let mut request = Request::builder().uri(TRACKINGS);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = client.raw(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.status, *status, "{headers:?}");
        if *status == 401 {
            assert_eq!(
                answer.text,
                r#"{"data":{},"meta":{"type":"Unauthorized","code":401,"errors":[],"message":"The API key is invalid."}}"#
            );
        }
    }
}

#[tokio::test]
async fn a_plan_without_the_api_is_forbidden() {
    let client = Client::with(|options| options.forbidden = true);
    let answer = client.list("").await;
    assert_eq!((answer.status, answer.code()), (403, 403));
    assert_eq!(answer.json["meta"]["type"], "Forbidden");
    assert!(answer.json["meta"]["message"].as_str().unwrap().contains("Select a plan"));
    client.simulator.configure(|options| options.forbidden = false);
    assert_eq!(client.list("").await.status, 200);
}

#[tokio::test]
async fn unknown_paths_methods_and_versions_are_unknown_uris() {
    let client = Client::new();
    for (method, path) in [
        ("GET", "/v4/couriers"),
        ("GET", "/tracking/2025-10/trackings"),
        ("GET", "/tracking/2026-07/shipments"),
        ("GET", "/tracking/2026-07/trackings/"),
        ("PATCH", TRACKINGS),
        ("DELETE", TRACKINGS),
        ("GET", "/"),
    ] {
        let answer = client.send(method, path, "").await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(
            answer.json,
            json!({
                "meta": {
                    "code": 404,
                    "message": "The URI requested is invalid or the resource requested does not exist.",
                    "type": "NotFound",
                },
                "data": {"resource": path},
            })
        );
    }
}
