//! Earlier versions that are still served.

use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// A tracking with all that changed since 2025-07.
const NEW: &str = r#"{"tracking_number":"1234567890","slug":"dhl","shipment_direction":"return",
    "customers":[{"name":"A","id":"c1"}],
    "order_promised_delivery_date":{"promised_delivery_date":"2026-12-01"}}"#;

async fn send(client: &Client, method: &str, version: &str, rest: &str, body: &str) -> Answer {
    client.send(method, &format!("/tracking/{version}/{rest}"), body).await
}

#[tokio::test]
async fn an_expired_version_is_served_by_the_oldest_that_is_not() {
    let client = Client::new();
    for (asked, served) in [
        ("2026-07", "2026-07"),
        ("2026-01", "2026-01"),
        ("2025-07", "2025-07"),
        ("2025-04", "2025-07"),
        ("2023-10", "2025-07"),
    ] {
        for path in ["trackings", "couriers?active=true", "courier-connections"] {
            let answer = send(&client, "GET", asked, path, "").await;
            assert_eq!((answer.status, answer.header("as-api-version")), (200, served), "{asked}");
        }
    }
    for never in ["2025-10", "2027-01", "v4"] {
        assert_eq!(send(&client, "GET", never, "trackings", "").await.code(), 404, "{never}");
    }
}

#[tokio::test]
async fn answers_have_the_shape_of_their_version() {
    let client = Client::new();
    let id = client.created(NEW).await;
    client.simulator.scan(&id, "InTransit", "Departed").unwrap();
    for version in ["2025-07", "2026-01", "2026-07"] {
        let one = send(&client, "GET", version, &format!("trackings/{id}"), "").await;
        let list = send(&client, "GET", version, "trackings", "").await;
        let data = one.data();
        assert_eq!(data, &list.data()["trackings"][0]);
        let has = |name: &str| data.get(name).is_some();
        let checkpoint = &data["checkpoints"][0];
        let newest = version == "2026-07";
        assert_eq!(has("shipment_direction"), newest);
        assert_eq!(checkpoint.get("hash").is_some(), newest);
        assert_eq!(data["customers"][0].get("id").is_some(), newest);
        let promised = &data["order_promised_delivery_date"];
        let zip = checkpoint.get("zip").is_some();
        match version {
            "2025-07" => assert_eq!((promised, zip), (&json!("2026-12-01"), true)),
            _ => assert_eq!((promised.is_object(), zip), (true, false)),
        }
    }
    let cut = send(&client, "GET", "2025-07", "trackings?fields=title", "").await;
    assert_eq!(cut.data()["trackings"][0].get("order_promised_delivery_date"), None);
    let gone = send(&client, "DELETE", "2026-01", &format!("trackings/{id}"), "").await;
    assert_eq!(gone.data().get("forward_shipment"), None);
    let missing = send(&client, "GET", "2026-01", "courier-connections/x", "").await;
    assert_eq!(missing.data()["resource"], "/tracking/2026-01/courier-connections/x");
}

#[tokio::test]
async fn bodies_have_the_rules_of_their_version() {
    let client = Client::new();
    let body = |more: Value| {
        let mut body = json!({"tracking_number": "1234567890", "slug": "dhl"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let promised = |value: Value| body(json!({"order_promised_delivery_date": value}));
    for (version, body, code) in [
        ("2025-07", promised(json!({"promised_delivery_date": "2026-12-01"})), 4008),
        ("2025-07", promised(json!("soon")), 4008),
        ("2026-01", promised(json!("2026-12-01")), 4008),
        ("2026-01", body(json!({"shipment_direction": "return"})), 400),
        ("2026-01", body(json!({"customers": [{}, {"id": "c"}]})), 4008),
        ("2025-07", promised(json!("2026-12-01")), 201),
    ] {
        let answer = send(&client, "POST", version, "trackings", &body).await;
        assert_eq!(answer.code(), code, "{version} {body}");
    }
    let stored: Value = serde_json::from_str(&client.simulator.trackings()[0]).unwrap();
    assert_eq!(stored["order_promised_delivery_date"]["promised_delivery_date"], "2026-12-01");
}
