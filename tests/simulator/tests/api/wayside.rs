//! What stands between the API and its clients: clocks, caches, gateways, quotas.

use aftership_simulator::{Answer, DateSkew, Fault, Matcher};

use crate::client::{Client, NOON, TRACKINGS};

const RIGHT: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

#[tokio::test]
async fn the_date_may_be_off_for_a_while_or_for_good() {
    let client = Client::with(|options| options.date_skew = "864000:2".parse().unwrap());
    for date in ["Wed, 02 Dec 2026 12:00:00 GMT", "Wed, 02 Dec 2026 12:00:00 GMT", RIGHT] {
        assert_eq!(client.list("").await.header("date"), date);
    }
    let behind = DateSkew { seconds: -1_800, answers: None };
    client.simulator.configure(|options| options.date_skew = behind);
    client.simulator.answer_next(Matcher::any(), Fault::BadGateway.into());
    for status in [502, 200, 200] {
        let answer = client.list("").await;
        assert_eq!(
            (answer.status, answer.header("date")),
            (status, "Sun, 22 Nov 2026 11:30:00 GMT")
        );
        assert_eq!(answer.header("x-ratelimit-reset").is_empty(), status == 502);
    }
    client.created(r#"{"tracking_number":"1234567890"}"#).await;
    assert!(client.simulator.trackings()[0].contains("2026-11-22T12:00:00"), "its clock is right");
    for bad in ["", "x", "5:", "5:x", ":5"] {
        assert!(bad.parse::<DateSkew>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_cache_answers_as_before_with_an_age() {
    let client = Client::with(|options| options.cache_seconds = 60);
    let first = client.list("").await;
    assert_eq!(first.header("age"), "");
    client.created(r#"{"tracking_number":"1234567890"}"#).await;
    client.clock.advance(59_000);
    let aged = client.list("").await;
    assert_eq!((aged.header("age"), aged.header("date"), &aged.text), ("59", RIGHT, &first.text));
    assert_eq!(client.list("limit=5").await.ids().len(), 1, "another page is another answer");
    client.clock.advance(1_000);
    let fresh = client.list("").await;
    assert_eq!((fresh.ids().len(), fresh.header("age")), (1, ""));
    assert_eq!(client.list("limit=0").await.status, 400);
}

#[tokio::test]
async fn gateways_and_quotas_answer_as_they_do() {
    let client = Client::new();
    for (fault, status, kind, retry_after) in [
        (Fault::GatewayUnauthorized, 401, "text/html; charset=utf-8", ""),
        (Fault::GatewayForbidden, 403, "text/html; charset=utf-8", ""),
        (Fault::GatewayNotFound, 404, "text/html; charset=utf-8", ""),
        (Fault::GatewayPage, 200, "text/html; charset=utf-8", ""),
        (Fault::UnknownUri, 404, "application/json", ""),
        (Fault::TooManyUntilDate, 429, "application/json", "Sun, 22 Nov 2026 12:00:02 GMT"),
        (Fault::TooManyDecimal, 429, "application/json", "1.5"),
        (Fault::DailyQuota, 429, "application/json", "21600"),
    ] {
        assert!(Fault::STANDING.contains(&fault) && !Fault::PASSING.contains(&fault));
        client.simulator.answer_next(Matcher::any(), fault.into());
        let answer = client.create(r#"{"tracking_number":"1234567890"}"#).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, kind), "{fault:?}");
        assert_eq!(answer.header("retry-after"), retry_after, "{fault:?}");
        let reset = if fault == Fault::DailyQuota {
            (NOON / 1000 + 21_600).to_string()
        } else {
            String::new()
        };
        assert_eq!(answer.header("x-ratelimit-reset"), reset);
        assert_eq!(answer.text.starts_with("<html>"), kind.starts_with("text/html"));
        if fault == Fault::UnknownUri {
            assert_eq!(
                (answer.code(), answer.json["meta"]["type"].as_str()),
                (404, Some("NotFound"))
            );
        }
    }
    assert_eq!(client.simulator.count(), 0);
}

#[tokio::test]
async fn a_firewall_refuses_until_it_is_taken_away() {
    let client = Client::new();
    let wall = Answer::from(Fault::GatewayForbidden).lasting();
    client.simulator.answer_next(Matcher::path("/oauth/token"), wall.clone());
    assert_eq!(client.list("").await.status, 200);
    client.simulator.answer_next(Matcher::path(TRACKINGS), wall);
    for _ in 0..3 {
        assert_eq!(client.list("").await.status, 403);
    }
    client.simulator.clear_answers();
    assert_eq!(client.list("").await.status, 200);
}

#[tokio::test]
async fn a_true_answer_may_come_with_other_headers() {
    let client = Client::new();
    let answer = Answer::real().header("age", "600").header_date("date", -600);
    client.simulator.answer_next(Matcher::any(), answer);
    let answer = client.list("").await;
    assert_eq!(
        (answer.header("age"), answer.header("date")),
        ("600", "Sun, 22 Nov 2026 11:50:00 GMT")
    );
    assert_eq!(answer.headers.get_all("date").iter().count(), 1);
}

#[tokio::test]
async fn a_daily_quota_ends_at_midnight() {
    let client = Client::with(|options| options.daily_quota = Some(2));
    for status in [200, 200, 429, 429] {
        assert_eq!(client.list("").await.status, status);
    }
    let answer = client.create("{}").await;
    assert_eq!((answer.code(), answer.header("x-ratelimit-limit")), (429, "2"));
    assert_eq!(answer.header("x-ratelimit-reset"), (NOON / 1000 + 43_200).to_string());
    assert!(answer.text.contains("2026-11-23T00:00:00+00:00"), "{}", answer.text);
    client.clock.advance(43_200_000);
    assert_eq!(client.list("").await.status, 200);
}
