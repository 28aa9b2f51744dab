//! Webhooks: subscribed to by API, received, verified, applied.

use serde_json::{Value, json};
use shop_fake::Delivery;

use super::desk::Desk;
use super::values;
use crate::support::listener::{Listener, exchange, until};

/// Delivers; answers the status.
async fn deliver(to: &Listener, path: &str, delivery: &Delivery) -> String {
    let headers: String =
        delivery.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = String::from_utf8(delivery.body.clone()).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        to.authority,
        body.len()
    );
    let answer = exchange(&to.authority, &request).await.unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_become_changes_and_an_uninstalled_app_ends_the_connection() {
    let desk = Desk::connected().await;
    let ids: Vec<String> = (0..2).map(|_| desk.fake.shop().add_order(|_| {})).collect();
    desk.run(&["sync", "orders"]).quiet();
    for object in ["orders", "webhooks"] {
        let url = "https://hooks.example.com";
        let made = desk.run(&["subscribe", object, "--url", url, "--no-wait"]).quiet();
        assert!(made.contains("\"subscribed\""), "{made}");
    }
    let made = desk.fake.shop().webhooks.clone();
    assert_eq!(made.len(), 7);
    let uri = made[0]["uri"].as_str().unwrap().to_owned();
    let path = uri.strip_prefix("https://hooks.example.com").unwrap();
    let listener = Listener::start(&mut desk.command(&["listen", "--address", "127.0.0.1:0"]));
    let exported = || values(&desk.run(&["export", "orders"]).quiet());

    desk.fake.shop().change_order(&ids[0], |order| order["note"] = "by delivery".into());
    let deliveries = std::mem::take(&mut desk.fake.shop().outbox);
    assert_eq!(deliveries.len(), 1);
    let mut forged = deliveries[0].clone();
    forged.body.push(b' ');
    assert_eq!(deliver(&listener, path, &forged).await, "401");
    assert_eq!(deliver(&listener, path, &deliveries[0]).await, "200");
    let noted = |order: &Value| order["note"] == "by delivery";
    until(exported, |orders: &Vec<Value>| orders.iter().any(noted)).await;

    // A customer is to be forgotten: the shop has redacted the order, and says so only by this.
    desk.fake.shop().orders[1]["email"] = Value::Null;
    let number: u64 = ids[1].rsplit_once('/').unwrap().1.parse().unwrap();
    let redact = json!({ "shop_domain": "acme.myshopify.com", "orders_to_redact": [number] });
    let redact = desk.fake.shop().delivery("customers/redact", "", &redact);
    assert_eq!(deliver(&listener, path, &redact).await, "200");
    until(exported, |orders: &Vec<Value>| orders[1]["email"].is_null()).await;
    let asked = desk.fake.shop().delivery("customers/data_request", "", &json!({ "shop_id": 1 }));
    assert_eq!(deliver(&listener, path, &asked).await, "200");

    desk.fake.shop().uninstall();
    let gone = std::mem::take(&mut desk.fake.shop().outbox);
    assert_eq!(deliver(&listener, path, &gone[0]).await, "200");
    let ended = desk.run(&["check", "orders"]);
    assert_eq!(ended.code, Some(4), "{}{}", ended.out, ended.err);
}
