//! The shape of a tracking in each version of webhooks.

use aftership_simulator::{Webhook, WebhookVersion};
use serde_json::{Value, json};

use crate::client::{Client, tracking};
use crate::receiver::Receiver;

const SECRET: &str = "secret";

const RICH: &str = r#","legacy_id":"k5lh7dy7vvqeck71p5loe011","tag":"Pending","custom_fields":null,"big":12345678901234567890.50,"shipment_weight":{"unit":"kg","value":1.50},"transit_time":3,"origin_country_region":"DEU","customers":[{"role":"buyer","name":"Ann","phone_number":"+49","email":"a@b.example","language":null,"id":"c1"},{"name":null,"phone_number":null,"email":"c@d.example"}],"order_promised_delivery_date":{"promised_delivery_date":"2026-12-01","promised_delivery_date_min":null,"promised_delivery_date_max":null},"courier_estimated_delivery_date":{"estimated_delivery_date":"2026-12-02"},"latest_estimated_delivery":{"type":"specific","revise_reason":"heavy_rain"},"aftership_estimated_delivery_date":{"estimated_delivery_date":"2026-12-03"},"first_mile":null,"last_mile":{"slug":"ups","tracking_number":"1Z"},"aftership_tracking_url":null,"shipment_dimensions":null,"proof_of_delivery":[],"multi_piece_info":null,"shipment_direction":null,"return_shipment":null,"forward_shipment":null,"checkpoints":[]"#;

/// What one version tells of the same scan.
async fn told(version: WebhookVersion, partial: bool) -> (String, Value, String) {
    let client = Client::with(|options| options.webhooks.partial = partial);
    let receiver = Receiver::default();
    let webhook = Webhook::new("http://host.example:8080", SECRET).version(version);
    client.simulator.add_webhook(webhook).unwrap();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", RICH)).unwrap();
    client.simulator.scan("a", "InTransit", "x").unwrap();
    client.simulator.send_due_webhooks(&receiver.dialer()).await;
    let [got] = &receiver.take()[..] else { panic!() };
    let text = String::from_utf8(got.body.to_vec()).unwrap();
    (got.header("as-webhook-version").to_owned(), got.json()["msg"].clone(), text)
}

#[tokio::test]
async fn every_version_has_its_own_shape() {
    let newest_only = [
        "shipment_dimensions",
        "proof_of_delivery",
        "multi_piece_info",
        "shipment_direction",
        "return_shipment",
        "forward_shipment",
    ];
    for version in WebhookVersion::ALL {
        let (header, msg, text) = told(version, false).await;
        let has = |name: &str| msg.get(name).is_some();
        let since = |first: WebhookVersion| version >= first;
        let checkpoint = &msg["checkpoints"][0];
        assert_eq!(header, version.name());
        assert!(text.contains("12345678901234567890.50"), "numbers keep their digits: {text}");

        let is_newest = since(WebhookVersion::V2026_07);
        assert!(newest_only.iter().all(|name| has(name) == is_newest), "{version:?}");
        assert_eq!(checkpoint.get("hash").is_some(), is_newest);

        let is_object = since(WebhookVersion::V2026_01);
        assert_eq!(msg["order_promised_delivery_date"].is_object(), is_object, "{version:?}");
        assert_eq!(checkpoint.get("postal_code").is_some(), is_object);
        assert_eq!(checkpoint.get("zip").is_some(), !is_object);

        assert_eq!(msg["custom_fields"].is_null(), since(WebhookVersion::V2025_07));
        let reason = msg["latest_estimated_delivery"].get("revise_reason");
        assert_eq!(reason.is_some(), since(WebhookVersion::V2025_04), "{version:?}");
    }
}

#[tokio::test]
async fn illustrations_hold_a_few_members() {
    let client = Client::with(|options| options.webhooks.partial = true);
    let receiver = Receiver::default();
    client.simulator.add_webhook(Webhook::new("http://host.example:8080", SECRET)).unwrap();
    client.simulator.insert(&tracking("a", "2026-11-22T12:00:00+00:00", RICH)).unwrap();
    let estimate =
        r#"{"aftership_estimated_delivery_date":{"estimated_delivery_date":"2026-12-09"}}"#;
    client.simulator.update("a", estimate).unwrap();
    client.clock.advance(86_400_000);
    client.simulator.send_due_webhooks(&receiver.dialer()).await;
    let mut told: Vec<_> = receiver.take().iter().map(crate::receiver::Got::json).collect();
    told.sort_by_key(|json| json["event"].to_string());
    let [edd, pending] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        edd["msg"],
        json!({
            "tracking_number": "N-a",
            "slug": "dhl",
            "tag": "Pending",
            "aftership_estimated_delivery_date": {"estimated_delivery_date": "2026-12-09"},
        })
    );
    let known = json!({"tracking_number": "N-a", "slug": "dhl", "tag": "Pending"});
    assert_eq!((&pending["event"], &pending["msg"]), (&json!("tracking_pending_time"), &known));
    assert!(told_whole().await);
}

/// Updates stay whole.
async fn told_whole() -> bool {
    told(WebhookVersion::V2026_07, true).await.1.get("id").is_some()
}

#[test]
fn an_ended_version_is_lifted() {
    assert_eq!("2024-07".parse(), Ok(WebhookVersion::V2025_01));
    for unknown in ["v4", "2025-10", "2027-01"] {
        assert!(unknown.parse::<WebhookVersion>().is_err(), "{unknown}");
    }
}
