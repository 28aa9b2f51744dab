//! Creation: every rule, one row each.

use aftership_simulator::Unrecognized;
use serde_json::{Value, json};

use crate::client::Client;

/// A good body with one member changed.
fn body(name: &str, value: Value) -> String {
    let mut body = json!({"tracking_number": "1234567890", "slug": "dhl"});
    body[name] = value;
    body.to_string()
}

#[tokio::test]
async fn each_rule_has_its_code() {
    let long = |length: usize| "X".repeat(length);
    let many = |count: usize| {
        (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>()
    };
    let fields = |name: String, value: Value| Value::Object([(name, value)].into_iter().collect());
    let rows = [
        ("tracking_number", Value::Null, 4007),
        ("tracking_number", json!(""), 4005),
        ("tracking_number", json!("ABC"), 4005),
        ("tracking_number", json!(long(101)), 4005),
        ("tracking_number", json!(1234567890), 4005),
        ("tracking_number", json!("1234 5678"), 4017),
        ("tracking_number", json!("ABCDé"), 4017),
        ("tracking_number", json!("abcd1234"), 4017),
        ("id", json!(""), 4015),
        ("id", json!("a b"), 4015),
        ("id", json!(long(129)), 4015),
        ("id", json!(7), 4015),
        ("slug", json!("DHL"), 4010),
        ("slug", json!(""), 4010),
        ("slug", json!(["dhl"]), 4010),
        ("slug", Value::Null, 4010),
        ("slug_group", json!("dhl-group"), 4008),
        ("slug_group", json!(7), 4008),
        ("title", json!(""), 4008),
        ("title", json!(7), 4008),
        ("title", Value::Null, 4008),
        ("order_id", json!(""), 4008),
        ("order_id_path", json!(""), 4008),
        ("order_number", json!(1234), 4008),
        ("order_date", json!("2026-01-01"), 4008),
        ("order_date", json!("2026-01-01T00:00:00"), 4008),
        ("language", json!(""), 4008),
        ("language", json!(["en"]), 4008),
        ("custom_fields", json!("x"), 4008),
        ("custom_fields", json!({"a": 1}), 4008),
        ("custom_fields", Value::Object(many(26)), 4008),
        ("custom_fields", fields(long(31), json!("v")), 4008),
        ("custom_fields", fields("k".to_owned(), json!(long(513))), 4008),
        ("order_promised_delivery_date", json!("2026-01-01"), 4008),
        ("order_promised_delivery_date", json!({"promised_delivery_date": "soon"}), 4008),
        ("order_promised_delivery_date", json!({"date": null}), 4008),
        ("delivery_type", json!("drone"), 4008),
        ("pickup_location", json!(""), 4008),
        ("pickup_note", json!(""), 4008),
        ("tracking_ship_date", json!("20260132"), 4008),
        ("origin_country_region", json!(7), 4008),
        ("destination_country_region", Value::Null, 4008),
        ("destination_city", json!(5), 4008),
        ("note", json!(false), 4008),
        ("shipment_tags", json!("vip"), 4008),
        ("shipment_tags", json!(vec!["t"; 51]), 4008),
        ("shipment_tags", json!([long(33)]), 4008),
        ("last_mile", json!("ups"), 4008),
        ("last_mile", json!({"slug": "ups"}), 4009),
        ("last_mile", json!({"tracking_number": "1234"}), 4009),
        ("last_mile", json!({"tracking_number": "1234", "slug": "UPS"}), 4008),
        ("last_mile", json!({"tracking_number": "1234", "slug": "ups", "x": 1}), 4008),
        ("customers", json!({}), 4008),
        ("customers", json!([{}, {}, {}, {}]), 4008),
        ("customers", json!([{"name": ""}]), 4008),
        ("customers", json!([{"role": 1}]), 4008),
        ("customers", json!([{"phone_number": "18555072501"}]), 4008),
        ("customers", json!([{"email": "nobody"}]), 4008),
        ("customers", json!([{"nickname": "x"}]), 4008),
        ("shipment_direction", json!("sideways"), 4008),
        ("shipment_weight", json!({"unit": "kg", "value": 1}), 400),
    ];
    let client = Client::new();
    for (name, value, code) in rows {
        let answer = client.create(&body(name, value.clone())).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{name}: {value}");
        assert_eq!(answer.json["meta"]["type"], "BadRequest");
        assert_eq!(answer.data(), &json!({}));
    }
    assert_eq!(client.simulator.count(), 0, "a refusal leaves nothing behind");
}

#[tokio::test]
async fn the_edges_of_the_rules_are_taken() {
    let client = Client::new();
    let rows = [
        ("tracking_number", json!("AB1-._/Z")),
        ("tracking_number", json!("X".repeat(100))),
        ("id", json!("a-Z_".repeat(32))),
        ("note", json!("")),
        ("custom_fields", json!({"ä".repeat(30): "ü".repeat(512)})),
        ("order_date", json!("2026-01-01T00:00:00Z")),
        ("order_promised_delivery_date", json!({"promised_delivery_date": "2026-01-01T00:00:00"})),
        ("tracking_ship_date", json!("2026-01-01T00:00:00+08:00")),
        ("shipment_tags", json!(vec!["t".repeat(32); 50])),
        ("customers", json!([{"name": "é", "phone_number": "+1"}, {"id": "x"}, {}])),
        ("slug", json!("some-courier-nobody-knows")),
        ("tracking_ship_date", json!("20220101")),
        ("origin_country_region", json!("US")),
        ("destination_country_region", json!("Germany")),
        ("language", json!("zh-Hant")),
    ];
    for (name, value) in rows {
        let answer = client.create(&body(name, value)).await;
        assert_eq!(answer.status, 201, "{name}: {}", answer.text);
        client.simulator.remove(answer.data()["id"].as_str().unwrap()).unwrap();
    }
}

#[tokio::test]
async fn the_courier_is_found_by_the_number() {
    let client = Client::new();
    let number = |number: &str| json!({"tracking_number": number}).to_string();
    for (given, slug) in [
        ("1Z999AA10123456784", "ups"),
        ("123456789012", "fedex"),
        ("9400111899223197428490", "usps"),
        ("1234567890", "dhl"),
        ("ITD-0-12345678", "testing-courier"),
    ] {
        assert_eq!(client.create(&number(given)).await.data()["slug"], slug);
    }
    assert_eq!(client.create(&number("NOBODY-KNOWS")).await.code(), 4012);
    let group = json!({"tracking_number": "1234567891", "slug_group": "dhl-group"});
    let found = client.create(&group.to_string()).await;
    assert_eq!(found.data()["slug"], "dhl");
    assert_eq!(found.data().get("slug_group"), None);
    for group in ["fedex-group", "a-group-of-tomorrow"] {
        let group = json!({"tracking_number": "1234567891", "slug_group": group});
        assert_eq!(client.create(&group.to_string()).await.code(), 4012);
    }

    client.simulator.configure(|options| options.unrecognized = Unrecognized::Store);
    assert_eq!(client.create(&number("NOBODY-KNOWS")).await.data()["slug"], "unrecognized");
}

#[tokio::test]
async fn a_courier_may_require_more() {
    let client = Client::new();
    let mut given = json!({"tracking_number": "3SABCD1234567"});
    let answer = client.create(&given.to_string()).await;
    assert_eq!(answer.code(), 4011);
    let message = answer.json["meta"]["message"].as_str().unwrap();
    assert!(message.contains("also required: destination_postal_code, destination_country_region"));
    given["destination_postal_code"] = json!("1000AA");
    given["destination_country_region"] = json!("NLD");
    assert_eq!(client.create(&given.to_string()).await.status, 201);

    let mut given = json!({"tracking_number": "SF1234567890123", "slug": "sf-express"});
    for (customers, code) in [
        (json!([]), 4011),
        (json!([{"name": "A"}]), 4011),
        (json!([{"name": "A"}, {"phone_number": "+8613800138000"}]), 201),
    ] {
        given["customers"] = customers;
        let answer = client.create(&given.to_string()).await;
        assert_eq!(answer.code(), code, "{given}");
        let named = answer.text.contains("also required: customers[x].phone_number.");
        assert_eq!(named, code == 4011, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_location_stands_for_the_origin() {
    let client = Client::new();
    let both = r#"{"tracking_number":"1234567890","location_id":"x","origin_city":"y"}"#;
    assert_eq!(client.create(both).await.code(), 4008);
}
