//! Limits per endpoint and second.

use crate::client::{Answer, Client};

async fn call(client: &Client, endpoint: &str) -> Answer {
    let (method, rest) = endpoint.split_once(' ').unwrap();
    client.send(method, &format!("/tracking/2026-07{rest}"), "").await
}

#[tokio::test]
async fn each_endpoint_takes_so_many_requests_in_a_second() {
    for (endpoint, limit) in [
        ("GET /trackings", 6),
        ("POST /trackings", 20),
        ("GET /trackings/x", 5),
        ("PUT /trackings/x", 5),
        ("DELETE /trackings/x", 5),
        ("POST /trackings/x/retrack", 5),
        ("POST /trackings/x/mark-as-completed", 5),
        ("GET /couriers", 5),
        ("POST /couriers/detect", 3),
        ("GET /courier-connections", 5),
        ("POST /courier-connections", 5),
        ("GET /courier-connections/x", 5),
        ("PATCH /courier-connections/x", 5),
        ("DELETE /courier-connections/x", 5),
        ("POST /estimated-delivery-date/predict", 5),
        ("POST /estimated-delivery-date/predict-batch", 20),
    ] {
        let client = Client::with(|options| options.limits = true);
        client.clock.advance(700);
        for used in 1..=limit {
            let answer = call(&client, endpoint).await;
            assert_ne!(answer.status, 429, "{endpoint} {used}");
            assert_eq!(answer.header("x-ratelimit-limit"), limit.to_string());
            assert_eq!(answer.header("x-ratelimit-remaining"), (limit - used).to_string());
        }
        let refused = call(&client, endpoint).await;
        assert_eq!((refused.status, refused.code()), (429, 429), "{endpoint}");
        assert_eq!(refused.header("x-ratelimit-remaining"), "0");
        assert_eq!(refused.header("x-ratelimit-reset"), "1795348801");
        assert_eq!(refused.header("retry-after"), "");
        assert_eq!(
            refused.text,
            r#"{"meta":{"code":429,"message":"You have exceeded the API call rate limit. Default limit is 10 requests per second.","type":"TooManyRequests"},"data":{}}"#
        );
        client.clock.advance(299);
        assert_eq!(call(&client, endpoint).await.status, 429, "{endpoint}");
        client.clock.advance(1);
        assert_ne!(call(&client, endpoint).await.status, 429, "{endpoint}");
    }
}

#[tokio::test]
async fn a_refused_request_changes_nothing() {
    let client = Client::with(|options| options.limits = true);
    for number in 0..25 {
        client.create(&format!(r#"{{"tracking_number":"NUM-{number}","slug":"dhl"}}"#)).await;
    }
    assert_eq!(client.simulator.count(), 20);
}

#[tokio::test]
async fn limits_can_be_off() {
    let client = Client::new();
    for _ in 0..50 {
        let answer = client.list("").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, "6"));
    }
}
