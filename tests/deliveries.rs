//! Deliveries of AfterShip's webhooks, from their bytes to records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{Dialer, Webhook, WebhookVersion};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host_harness::contract::subscriptions::{Delivery, Effect, Event, Refusal};
use host_harness::contract::types::DataRecord;
use host_harness::runtime::{Connection, Connector};
use host_harness::vault::{self, Secret, Secrets};
use serde_json::{Value, json};

use crate::support::world::{KEY, NOW_MS, World, connecting};
use crate::support::{component, runtime};

const SECRET: &str = "95f35e6b3dbc26527029cbd9cfa51b80";

/// The size that a receiver takes at most.
const MIB: usize = 1024 * 1024;

/// A whole tracking, and its signature by another program:
/// `openssl dgst -sha256 -hmac SECRET -binary BODY | openssl base64`.
const GOLDEN: (&str, &str) = (
    r#"{"event":"tracking_update","event_id":"94dadd60-ed26-46d0-aa52-3ced925a50ff","is_tracking_first_tag":true,"msg":{"id":"0b02015fc7fd4f3c8d5490cece4d124d","legacy_id":"k5lh7dy7vvqeck71p5loe011","created_at":"2026-11-18T08:47:10+00:00","updated_at":"2026-11-21T17:47:10+00:00","tracking_number":"61293150000079650811","slug":"dhl","active":true,"tag":"InTransit","title":"Café ☕ und \ud83d\ude9a","shipment_weight":{"unit":"kg","value":0.70},"checkpoints":[{"hash":"a1b2","slug":"dhl"}],"new_member":[1e2]},"ts":1795283230}"#,
    "FIPYZR5GgB3dNBA+9ogPEkNgosrLNSaywHhr9Yzn7D0=",
);

/// A connection with these versions of the webhook secret, the newest first, each with its end.
async fn connection(world: &World, versions: &[(&str, Option<u64>)]) -> Connection {
    let connector: Connector = runtime().load(&component()).await.unwrap();
    let kept = Secrets::default();
    let versions: Vec<_> =
        versions.iter().map(|(value, ends)| (Secret::new(*value), *ends)).collect();
    if !versions.is_empty() {
        kept.set_versions(BTreeMap::from([("webhook-secret".to_owned(), versions)]));
    }
    let builder = connecting(&connector, &world.simulator, &world.watch, KEY);
    builder.secrets(Arc::new(kept)).build().await.unwrap()
}

fn delivery(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Delivery {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: "https://host.example/hooks/k3".to_owned(),
        headers: headers.collect(),
        body: body.into(),
        received_at: "2026-11-22T12:00:00+00:00".to_owned(),
    }
}

fn signed_with(secret: &str, version: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let signature = vault::sign("hmac-sha256", &Secret::new(secret), &body).unwrap();
    let signature = STANDARD.encode(signature);
    let list = [("AfterShip-Hmac-SHA256", &*signature), ("as-webhook-version", version)];
    delivery(&list, body)
}

/// What the one event of a genuine delivery says.
async fn event(connection: &Connection, delivery: Delivery) -> Event {
    let mut reception = connection.receive(delivery).await.unwrap().unwrap();
    assert!(reception.answer.is_none());
    assert_eq!(reception.events.len(), 1);
    reception.events.remove(0)
}

async fn refusal(connection: &Connection, delivery: Delivery) -> Refusal {
    connection.receive(delivery).await.unwrap().unwrap_err()
}

fn upserted(event: Event) -> DataRecord {
    match event.effect {
        Effect::Upserted(record) => record,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_program_signed_becomes_a_record_and_its_checkpoints() {
    let world = World::new().await;
    let connection = connection(&world, &[(SECRET, None)]).await;
    let (body, signature) = GOLDEN;
    let list = [("aftership-hmac-sha256", signature), ("as-webhook-version", "2026-07")];
    let event = event(&connection, delivery(&list, body)).await;
    assert_eq!((event.object.as_str(), event.name.as_str()), ("trackings", "tracking_update"));
    assert_eq!(event.id.as_deref(), Some("94dadd60-ed26-46d0-aa52-3ced925a50ff"));
    assert_eq!(event.occurred_at.as_deref(), Some("2026-11-21T17:47:10+00:00"));
    let record = upserted(event);
    assert!(body.contains(&format!("\"msg\":{},\"ts\"", record.data)));
    let derived = connection.derive(&["checkpoints".to_owned()], vec![record]).await.unwrap();
    assert_eq!(derived[0][0][0].id, "0b02015fc7fd4f3c8d5490cece4d124d/a1b2");
    assert!(world.requests().is_empty(), "{:?}", world.requests());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_of_a_mebibyte_is_read_whole() {
    let world = World::new().await;
    let connection = connection(&world, &[(SECRET, None)]).await;
    let mut tracking: Value = serde_json::from_str(GOLDEN.0).unwrap();
    let tracking = tracking["msg"].take();
    let mut checkpoints = Vec::new();
    let mut body = String::new();
    while body.len() < MIB - 400 {
        for _ in 0..50 {
            let number = checkpoints.len();
            checkpoints.push(json!({
                "hash": format!("{number:040x}"),
                "message": "Arrived at the \"sorting\" centre of K\u{f6}ln",
                "checkpoint_time": "2026-11-21T17:47:10",
            }));
        }
        let mut tracking = tracking.clone();
        tracking["checkpoints"] = checkpoints.clone().into();
        let larger = json!({"event": "tracking_update", "event_id": "e", "msg": tracking, "ts": 1});
        let larger = larger.to_string();
        if larger.len() > MIB {
            break;
        }
        body = larger;
    }
    body.push_str(&" ".repeat(MIB - body.len()));
    assert_eq!(body.len(), MIB);
    let record = upserted(event(&connection, signed_with(SECRET, "2026-07", body)).await);
    let derived = connection.derive(&["checkpoints".to_owned()], vec![record]).await.unwrap();
    let derived = &derived[0][0];
    assert!(derived.len() > 5_000, "{}", derived.len());

    let nested = format!("{{\"msg\":{}", "[".repeat(MIB - 7));
    let noise = "\u{1}".repeat(MIB);
    for body in [nested, noise] {
        let refused = refusal(&connection, signed_with(SECRET, "2026-07", body)).await;
        assert!(matches!(refused, Refusal::Unreadable(_)), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_rotated_without_a_loss() {
    let world = World::new().await;
    let hour = Duration::from_secs(3600);
    let ends_ms = NOW_MS + 3_600_000;
    let connection = connection(&world, &[("new", None), ("old", Some(ends_ms))]).await;
    let by = |secret| signed_with(secret, "2026-07", GOLDEN.0);
    for secret in ["new", "old"] {
        upserted(event(&connection, by(secret)).await);
    }
    assert_eq!(refusal(&connection, by("older")).await, Refusal::Unverified);
    tokio::time::sleep(hour).await;
    upserted(event(&connection, by("new")).await);
    assert_eq!(refusal(&connection, by("old")).await, Refusal::Unverified);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_not_genuine_passes() {
    let world = World::new().await;
    let known = connection(&world, &[(SECRET, None)]).await;
    let good = || signed_with(SECRET, "2026-07", GOLDEN.0);
    let mut tampered = good();
    tampered.body[100] ^= 1;
    let mut longer = good();
    longer.body.push(b' ');
    let mut twice = good();
    twice.headers.push(twice.headers[0].clone());
    let mut unsigned = good();
    unsigned.headers.remove(0);
    let mut garbled = good();
    garbled.headers[0].1 = vec![0xff; 44];
    for forged in [tampered, longer, twice, unsigned, garbled] {
        assert_eq!(refusal(&known, forged).await, Refusal::Unverified);
    }
    upserted(event(&known, good()).await);

    let without = connection(&world, &[]).await;
    let refused = refusal(&without, good()).await;
    assert!(
        matches!(&refused, Refusal::TryAgain(why) if why.contains("webhook-secret")),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_event_in_every_version_leads_to_the_record() {
    for version in WebhookVersion::ALL {
        for partial in [false, true] {
            let world = World::with(|options| {
                options.webhooks.partial = partial;
                // Each is delivered once.
                options.limits = false;
            })
            .await;
            let connection = connection(&world, &[(SECRET, None)]).await;
            let webhook = Webhook::new("http://host.example/hooks", SECRET).version(version);
            let webhook = world.simulator.add_webhook(webhook).unwrap();
            let id = world.create("ITD-1", "testing-courier").await;
            let other = world.create("1Z12345E0205271688", "ups").await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            let estimate = json!({"aftership_estimated_delivery_date": {"estimated_delivery_date": "2026-12-09"}});
            world.simulator.update(&id, &estimate.to_string()).unwrap();
            tokio::time::sleep(Duration::from_secs(86_400)).await;
            world.simulator.send_test_webhook(webhook).unwrap();
            // Nobody has to be there: the journal holds what was sent.
            let refusing = Dialer::new(async |_| {
                Err::<tokio::net::TcpStream, _>(std::io::Error::other("nobody is there"))
            });
            world.simulator.send_due_webhooks(&refusing).await;
            let mut attempts = world.simulator.webhook_journal();
            attempts.sort_by_key(|attempt| attempt.delivery);
            let mut told = Vec::new();
            for attempt in attempts {
                let headers: Vec<_> =
                    attempt.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                let event = event(&connection, delivery(&headers, attempt.body.to_vec())).await;
                assert_eq!(event.id.as_deref(), Some(&*attempt.event_id));
                told.push(event.name);
                let records = match event.effect {
                    Effect::Upserted(record) => {
                        assert_eq!(version, WebhookVersion::V2026_07);
                        vec![record]
                    }
                    Effect::Changed(wanted) => {
                        world.connection.find("trackings", &wanted).await.unwrap()
                    }
                    other => {
                        assert_eq!((other, attempt.tracking_id), (Effect::Nothing, None));
                        continue;
                    }
                };
                let [record] = &records[..] else { panic!("{version:?} {records:?}") };
                assert_eq!(Some(&record.id), attempt.tracking_id.as_ref());
            }
            let [info, transit, delivered, edd, pending, test] = &told[..] else {
                panic!("{told:?}")
            };
            for update in [info, transit, delivered, test] {
                assert_eq!(update, "tracking_update");
            }
            assert_eq!((&**edd, &**pending), ("edd_revise", "tracking_pending_time"));
            assert_eq!(world.stored(&other)["tag"], "Pending");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_whole_is_found_by_what_it_is_known_by() {
    let world = World::new().await;
    let connection = connection(&world, &[(SECRET, None)]).await;
    let id = world.create("1Z12345E0205271688", "ups").await;
    let stored = world.stored(&id);
    let message = |msg: Value| json!({"event": "edd_revise", "event_id": "e", "msg": msg});
    let by_number =
        json!({"tracking_number": "1Z12345E0205271688", "slug": "ups", "tag": "Pending"});
    for (version, msg) in [
        ("2026-01", stored.clone()),
        ("v4", json!({"id": stored["legacy_id"], "tracking_number": "1Z12345E0205271688"})),
        ("2026-07", by_number),
    ] {
        let delivery = signed_with(SECRET, version, message(msg).to_string());
        let Effect::Changed(wanted) = event(&connection, delivery).await.effect else {
            panic!("{version}");
        };
        let found = world.connection.find("trackings", &wanted).await.unwrap();
        assert_eq!(found.len(), 1, "{wanted}");
        assert_eq!(serde_json::from_str::<Value>(&found[0].data).unwrap(), stored);
    }
    world.simulator.remove(&id).unwrap();
    let gone = json!({"id": id}).to_string();
    assert!(world.connection.find("trackings", &gone).await.unwrap().is_empty());

    let test = json!({"event": "tracking_update", "msg": {}}).to_string();
    let event = event(&connection, signed_with(SECRET, "2026-07", test)).await;
    assert_eq!(event.effect, Effect::Nothing);
    // Some tracking changed, and nobody can tell which: not to be passed over.
    let odd = json!({"event": "tracking_update", "msg": {"id": 7, "title": "x"}}).to_string();
    let refused = refusal(&connection, signed_with(SECRET, "2026-07", odd)).await;
    assert!(matches!(refused, Refusal::Unreadable(_)), "{refused:?}");
}
