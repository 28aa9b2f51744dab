//! Deliveries: made and signed here, sent by whoever takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Shop;
use crate::data::{date, number};

/// One delivery, to be sent by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where to; empty for topics that an app sets for all shops.
    pub uri: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// What the signature covers.
    pub body: Vec<u8>,
}

impl Shop {
    /// A delivery of any topic, such as `customers/redact`, for which no subscription is made.
    pub fn delivery(&mut self, topic: &str, uri: &str, body: &Value) -> Delivery {
        let body = body.to_string().into_bytes();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-shopify-topic", topic.to_owned()),
            ("x-shopify-hmac-sha256", STANDARD.encode(hmac(&self.client_secret, &body))),
            ("x-shopify-shop-domain", self.domain()),
            ("x-shopify-api-version", "2026-07".to_owned()),
            ("x-shopify-webhook-id", format!("00000000-0000-4000-8000-{:012}", self.next())),
            ("x-shopify-triggered-at", date(self.now_ms)),
        ];
        Delivery { uri: uri.to_owned(), headers, body }
    }

    pub(crate) fn publish(&mut self, topic: &str, body: &Value) {
        let name = topic.to_uppercase().replace('/', "_");
        for webhook in self.webhooks.clone().iter().filter(|one| one["topic"] == name) {
            let delivery = self.delivery(topic, webhook["uri"].as_str().unwrap_or_default(), body);
            self.outbox.push(delivery);
        }
    }
}

/// HMAC-SHA256.
#[must_use]
pub fn hmac(secret: &str, message: &[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, message).as_ref().to_vec()
}

/// An order as webhooks have it: in the shape of the REST API.
pub(crate) fn rest(order: &Value) -> Value {
    json!({
        "id": number(order), "admin_graphql_api_id": order["id"], "name": order["name"],
        "created_at": order["createdAt"], "updated_at": order["updatedAt"],
    })
}
