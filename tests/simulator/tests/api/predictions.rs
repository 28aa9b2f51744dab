//! Predictions of delivery dates.

use serde_json::{Value, json};

use crate::client::{Answer, Client};

const PREDICT: &str = "/tracking/2026-07/estimated-delivery-date/predict";

/// A good request, picked up on a Monday.
fn request() -> Value {
    json!({
        "slug": "fedex",
        "service_type_name": "GROUND",
        "origin_address": {"country_region": "USA", "state": "WA", "postal_code": "98101"},
        "destination_address": {"country_region": "USA", "city": "Reno", "postal_code": "89501"},
        "weight": {"unit": "kg", "value": 2.5},
        "package_count": 2,
        "pickup_time": "2026-11-23 15:00:00",
    })
}

/// The same with the pickup to be found from an order.
fn ordered(estimated_pickup: &Value) -> Value {
    let mut request = request();
    request["pickup_time"] = Value::Null;
    request["estimated_pickup"] = estimated_pickup.clone();
    request
}

async fn predict(client: &Client, body: &Value) -> Answer {
    client.send("POST", PREDICT, &body.to_string()).await
}

#[tokio::test]
async fn the_pickup_follows_from_the_order() {
    let client = Client::new();
    // 2026-11-20 is a Friday.
    let rows = [
        (json!({"order_time": "2026-11-20 15:00:00"}), "2026-11-20 18:00:00"),
        (json!({"order_time": "2026-11-20 18:00:00"}), "2026-11-20 18:00:00"),
        (json!({"order_time": "2026-11-20 18:00:01"}), "2026-11-23 18:00:00"),
        (json!({"order_time": "2026-11-21 09:00:00"}), "2026-11-23 18:00:00"),
        (
            json!({"order_time": "2026-11-20 15:00:00", "order_cutoff_time": "12:30:00",
                   "business_days": [6, 7]}),
            "2026-11-21 12:30:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00",
                   "order_processing_time": {"unit": "day", "value": 6}}),
            "2026-11-30 18:00:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00", "business_days": [1, 2, 3, 4, 5, 6, 7],
                   "order_processing_time": {"unit": "day", "value": 1}}),
            "2026-11-21 18:00:00",
        ),
    ];
    for (order, pickup) in rows {
        let answer = predict(&client, &ordered(&order)).await;
        let shown = &answer.data()["estimated_pickup"];
        assert_eq!(shown["pickup_time"], pickup, "{order}: {}", answer.text);
        for (name, value) in order.as_object().unwrap() {
            assert_eq!(&shown[name], value);
        }
        assert_eq!(answer.data()["pickup_time"], Value::Null);
    }
    let answer = predict(&client, &ordered(&json!({"order_time": "2026-11-20 15:00:00"}))).await;
    assert_eq!(
        answer.data()["estimated_pickup"],
        json!({"order_time": "2026-11-20 15:00:00", "order_cutoff_time": "18:00:00",
               "business_days": [1, 2, 3, 4, 5],
               "order_processing_time": {"unit": "day", "value": 0},
               "pickup_time": "2026-11-20 18:00:00"})
    );
}

/// A good request with one member changed; the path is a JSON pointer.
fn changed(path: &str, value: Value) -> Value {
    let mut body = request();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::String(gone) if gone == "-" => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    body
}

#[tokio::test]
async fn each_rule_names_its_member() {
    let client = Client::new();
    let long = |length: usize| json!("x".repeat(length));
    let rows = [
        ("/slug", json!("-"), "`slug`"),
        ("/slug", json!("FedEx"), "`slug`"),
        ("/service_type_name", json!(7), "`service_type_name`"),
        ("/origin_address", json!("-"), "`origin_address`"),
        ("/origin_address", json!("WA"), "`origin_address`"),
        ("/origin_address/country_region", json!("-"), "`origin_address.country_region`"),
        ("/origin_address/country_region", json!("US"), "`origin_address.country_region`"),
        ("/origin_address/country", json!("USA"), "`origin_address.country`"),
        ("/destination_address/postal_code", json!("-"), "`destination_address.state`"),
        ("/destination_address/postal_code", json!(""), "`destination_address.state`"),
        ("/destination_address/postal_code", json!(89501), "`destination_address.postal_code`"),
        ("/destination_address/city", long(257), "`destination_address.city`"),
        ("/destination_address/raw_location", long(513), "`destination_address.raw_location`"),
        ("/weight", json!(2.5), "`weight`"),
        ("/weight/unit", json!("-"), "`weight.unit`"),
        ("/weight/value", json!("2"), "`weight.value`"),
        ("/weight/value", json!(-1), "`weight.value`"),
        ("/package_count", json!(0), "`package_count`"),
        ("/package_count", json!(1.5), "`package_count`"),
        ("/package_count", json!("1"), "`package_count`"),
        ("/pickup_time", json!("-"), "`pickup_time`"),
        ("/pickup_time", json!(""), "`pickup_time`"),
        ("/pickup_time", json!("tomorrow"), "`pickup_time`"),
        ("/pickup_time", json!("2026-02-30 15:00:00"), "`pickup_time`"),
        ("/pickup_time", json!("9999-12-31 15:00:00"), "`pickup_time`"),
        ("/estimated_pickup", json!("2026-11-23 15:00:00"), "`estimated_pickup`"),
        ("/confidence_code", json!(1), "`confidence_code`"),
    ];
    for (path, value, word) in rows {
        let answer = predict(&client, &changed(path, value)).await;
        assert_eq!((answer.status, answer.code()), (400, 400), "{path}: {}", answer.text);
        assert_eq!(answer.json["meta"]["type"], "BadRequest");
        assert_eq!(answer.data(), &json!({}));
        let message = answer.json["meta"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{path}: {message}");
    }
    let order = |name: &str, value: Value| {
        let mut order = json!({"order_time": "2026-11-20 15:00:00"});
        order[name] = value;
        ordered(&order)
    };
    for (name, value) in [
        ("order_time", Value::Null),
        ("order_time", json!("2026-11-20")),
        ("order_cutoff_time", json!("24:00:00")),
        ("business_days", json!([])),
        ("business_days", json!([8])),
        ("business_days", json!("1")),
        ("order_processing_time", json!(1)),
        ("order_processing_time", json!({"unit": 7, "value": 1})),
        ("order_processing_time", json!({"unit": "day", "value": -1})),
        ("pickup_time", json!("2026-11-20 18:00:00")),
    ] {
        let answer = predict(&client, &order(name, value.clone())).await;
        assert_eq!(answer.code(), 400, "{name}: {value}");
        assert!(answer.text.contains(&format!("estimated_pickup.{name}")), "{}", answer.text);
    }
    assert_eq!(client.send("POST", PREDICT, "[]").await.code(), 4001);
}

/// The service has answered so.
#[tokio::test]
async fn a_pickup_may_be_told_and_estimated() {
    let client = Client::new();
    let mut body = request();
    for (order, shown) in [
        (json!({"order_cutoff_time": "20:00"}), ""),
        (
            json!({"order_time": "2026-11-20 15:00:00", "business_days": [0, 6]}),
            "2026-11-21 18:00:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00",
                   "order_processing_time": {"unit": "hours", "value": 3}}),
            "2026-11-20 18:00:00",
        ),
    ] {
        body["estimated_pickup"] = order;
        let answer = predict(&client, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.data()["pickup_time"], "2026-11-23 15:00:00");
        assert_eq!(answer.data()["estimated_pickup"]["pickup_time"], shown);
        let alone = predict(&client, &ordered(&body["estimated_pickup"])).await;
        assert_eq!(alone.status, if shown.is_empty() { 400 } else { 200 }, "{}", alone.text);
    }
}
