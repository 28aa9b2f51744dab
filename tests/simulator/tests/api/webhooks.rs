//! What is sent where, and how often.

use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{
    Options, Simulator, TokioClock, Webhook, WebhookId, WebhookVersion, webhook_signature,
};

use crate::client::{Client, NOON, tracking};
use crate::receiver::Receiver;

const URL: &str = "http://host.example:8080/hooks?x=1";
const SECRET: &str = "95f35e6b3dbc26527029cbd9cfa51b80";

fn listening() -> (Client, WebhookId) {
    let client = Client::new();
    let id = client.simulator.add_webhook(Webhook::new(URL, SECRET)).unwrap();
    (client, id)
}

#[tokio::test]
async fn a_delivery_is_signed_and_looks_like_the_apis() {
    let receiver = Receiver::default();
    let (client, _) = listening();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    client.simulator.scan("a", "InTransit", "On the way \u{2615}").unwrap();
    assert_eq!(client.simulator.send_due_webhooks(&receiver.dialer()).await, 1);
    let [got] = &receiver.take()[..] else { panic!() };
    assert_eq!(got.target, "/hooks?x=1");
    assert_eq!(got.header("host"), "host.example:8080");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("as-webhook-version"), "2026-07");
    assert_eq!(
        got.header("user-agent"),
        "AfterShipTrackingWebhook/4.0.0 (https://www.aftership.com)"
    );
    assert_eq!(got.header("accept-encoding"), "gzip");
    assert_eq!(got.header("aftership-hmac-sha256"), webhook_signature(SECRET, &got.body));
    assert_eq!(got.header("content-length"), got.body.len().to_string());

    let json = got.json();
    assert_eq!(json["event"], "tracking_update");
    assert_eq!(json["is_tracking_first_tag"], true);
    assert_eq!(json["ts"], NOON / 1000);
    assert_eq!(json["event_id"].as_str().unwrap().len(), 36);
    let stored = client.simulator.tracking("a").unwrap();
    assert!(String::from_utf8_lossy(&got.body).contains(&format!("\"msg\":{stored}")));

    let [attempt] = &client.simulator.webhook_journal()[..] else { panic!() };
    assert_eq!((attempt.status, attempt.attempt), (Some(200), 1));
    assert_eq!(attempt.body, got.body);
    assert_eq!(attempt.header("aftership-hmac-sha256"), Some(got.header("aftership-hmac-sha256")));
    assert_eq!(attempt.tracking_id.as_deref(), Some("a"));
    assert_eq!(client.simulator.webhooks_open(), 0);
}

/// A simulator that sends in virtual time.
fn sending(receiver: &Receiver) -> Simulator {
    let clock = Arc::new(TokioClock::new(NOON));
    let simulator = Simulator::new(Options { clock, ..Options::default() });
    simulator.add_webhook(Webhook::new(URL, SECRET)).unwrap();
    let (sender, dialer) = (simulator.clone(), receiver.dialer());
    tokio::spawn(async move { sender.send_webhooks(dialer).await });
    simulator
}

#[tokio::test(start_paused = true)]
async fn fourteen_attempts_and_no_more() {
    let receiver = Receiver::default();
    receiver.always(500);
    let simulator = sending(&receiver);
    simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    simulator.scan("a", "InTransit", "x").unwrap();
    tokio::time::sleep(Duration::from_secs(245_730 + 60)).await;
    let attempts = simulator.webhook_journal();
    let waits: Vec<_> =
        attempts.windows(2).map(|pair| (pair[1].at_ms - pair[0].ended_ms) / 1000).collect();
    let expected: Vec<u64> = (0..13).map(|n| 30 << n).collect();
    assert_eq!(waits, expected);
    assert_eq!(waits.iter().sum::<u64>(), 245_730);
    let got = receiver.take();
    assert_eq!((attempts.len(), got.len()), (14, 14));
    assert!(got.iter().all(|one| one.body == got[0].body), "the same bytes each time");
    assert_eq!(
        attempts.iter().map(|one| one.attempt).collect::<Vec<_>>(),
        (1..=14).collect::<Vec<_>>()
    );
    let counts = simulator.webhook_counts();
    assert_eq!((counts.events, counts.attempts, counts.taken, counts.lost), (1, 14, 0, 1));
    assert_eq!(simulator.webhooks_open(), 0);
    tokio::time::sleep(Duration::from_secs(1_000_000)).await;
    assert_eq!(simulator.webhook_journal().len(), 14);
}

#[tokio::test(start_paused = true)]
async fn stages_and_pending_times_wake_the_sender() {
    let receiver = Receiver::default();
    let simulator = sending(&receiver);
    let create = |number: &str| {
        let body = format!(r#"{{"tracking_number":"{number}"}}"#);
        http::Request::post(crate::client::TRACKINGS)
            .header("as-api-key", "asat_simulator")
            .body(body.into())
            .unwrap()
    };
    tokio::time::sleep(Duration::from_secs(60)).await;
    simulator.handle(create("ITD-1")).await;
    simulator.handle(create("1234567890")).await;
    tokio::time::sleep(Duration::from_secs(2 * 86_400)).await;
    let sent_ms: Vec<_> =
        simulator.webhook_journal().iter().map(|one| (one.at_ms - NOON) / 1000 - 60).collect();
    assert_eq!(sent_ms, [3, 6, 9, 86_400]);
}

#[tokio::test]
async fn a_rotated_secret_signs_what_happens_from_then_on() {
    let receiver = Receiver::default();
    let (client, id) = listening();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    receiver.reply(&[503]);
    client.simulator.scan("a", "InTransit", "x").unwrap();
    client.simulator.send_due_webhooks(&receiver.dialer()).await;
    client.simulator.rotate_webhook_secret(id, "new").unwrap();
    client.simulator.scan("a", "Delivered", "y").unwrap();
    client.clock.advance(30_000);
    receiver.take();
    assert_eq!(client.simulator.send_due_webhooks(&receiver.dialer()).await, 2);
    for got in receiver.take() {
        let secret = if got.json()["msg"]["tag"] == "Delivered" { "new" } else { SECRET };
        assert_eq!(got.header("aftership-hmac-sha256"), webhook_signature(secret, &got.body));
    }
}

#[test]
fn what_the_dashboard_would_refuse_is_refused() {
    let client = Client::new();
    let bad = |webhook: Webhook| client.simulator.add_webhook(webhook).unwrap_err().to_string();
    assert!(bad(Webhook::new("https://host.example", SECRET)).contains("http://"));
    assert!(bad(Webhook::new("hooks", SECRET)).contains("URL"));
    assert!(bad(Webhook::new("http://user@host.example", SECRET)).contains("user"));
    let mut many = Webhook::new(URL, SECRET).header("bad header", "x");
    assert!(bad(many.clone()).contains("header"));
    for _ in 0..5 {
        many = many.header("x", "y");
    }
    assert!(bad(many).contains("five"));
    for _ in 0..10 {
        client.simulator.add_webhook(Webhook::new(URL, SECRET)).unwrap();
    }
    assert!(bad(Webhook::new(URL, SECRET)).contains("ten"));
    let shown = format!("{:?} {:?}", client.simulator, Webhook::new(URL, SECRET));
    assert!(!shown.contains(SECRET), "{shown}");
    for version in WebhookVersion::ALL {
        assert_eq!(version.name().parse(), Ok(version));
    }
    assert!("2025-10".parse::<WebhookVersion>().is_err());
}
