//! A shop on loopback: the GraphQL admin API, OAuth and webhooks in Shopify's public shape.
//!
//! Strict: an unknown field, argument or variable is refused, the cost of each query is counted, and
//! what Shopify signs is signed. Time is the caller's. [`Fake::handle`] needs no network;
//! [`Fake::listen`] serves the same over TLS.

#![allow(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]

mod data;
mod graphql;
mod oauth;
mod server;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

pub use webhooks::{Delivery, hmac};

/// The shop, its app, and what is to go wrong next.
#[derive(Debug, Default)]
pub struct Shop {
    /// `acme` of `acme.myshopify.com`.
    pub name: String,
    /// The app's id.
    pub client_id: String,
    /// Signs callbacks and deliveries.
    pub client_secret: String,
    /// The shop's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// As the schema has them.
    pub orders: Vec<Value>,
    /// Likewise.
    pub webhooks: Vec<Value>,
    /// What is to be delivered.
    pub outbox: Vec<Delivery>,
    /// Kind and name, and the requested cost, of every query, e.g. `mutation EventCreate`.
    pub journal: Vec<(String, u64)>,
    /// So many of the next queries are throttled.
    pub throttle: u32,
    /// The answer of the next mutation is lost.
    pub lose: bool,
    /// Callbacks name this shop, duly signed, as those of the app's other customers do.
    pub callback_shop: Option<String>,
    bucket: graphql::Bucket,
    tokens: Vec<oauth::Token>,
    codes: Vec<(String, String)>,
    number: u64,
}

/// A shop that is shared: clones are the same.
#[derive(Clone, Debug)]
pub struct Fake(Arc<Mutex<Shop>>);

impl Default for Fake {
    /// An empty shop, at 2026-11-22T09:30:00Z.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Shop {
            name: "acme".to_owned(),
            client_id: "app-7".to_owned(),
            client_secret: "shpss_0123456789abcdef".to_owned(),
            now_ms: 1_795_339_800_000,
            ..Shop::default()
        })))
    }
}

impl Fake {
    /// The shop itself.
    pub fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request; `None`: the answer was lost.
    #[must_use]
    pub fn handle(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let mut shop = self.shop();
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let (status, body, location) = match (request.method(), path) {
            (&Method::POST, "/admin/api/2026-07/graphql.json") => {
                let scopes = shop.scopes(header("x-shopify-access-token"));
                graphql::answer(&mut shop, scopes, request.body())?
            }
            _ if header("host") != Some(&shop.domain()) => {
                (StatusCode::MISDIRECTED_REQUEST, Value::Null, None)
            }
            (&Method::GET, "/admin/oauth/authorize") => shop.authorize(query),
            (&Method::POST, "/admin/oauth/access_token") => shop.access_token(request.body()),
            _ => (StatusCode::NOT_FOUND, json!({ "errors": "Not Found" }), None),
        };
        let answer = Response::builder().status(status).header("x-request-id", "req-fake-1");
        let answer = location.into_iter().fold(answer, |answer, to| answer.header("location", to));
        answer.header("content-type", "application/json").body(body.to_string().into()).ok()
    }
}

impl Shop {
    /// `acme.myshopify.com`.
    #[must_use]
    pub fn domain(&self) -> String {
        format!("{}.myshopify.com", self.name)
    }

    /// Puts an order in, like the template but for what `change` does to it; answers its id.
    pub fn add_order(&mut self, change: impl FnOnce(&mut Value)) -> String {
        let number = self.next().to_string();
        let text = include_str!("order.json").replace("/0\"", &format!("/{number}\""));
        let mut order = serde_json::from_str(&text.replace("#0", &format!("#{number}")));
        if let Ok(order) = &mut order {
            change(order);
        }
        self.orders.extend(order);
        format!("gid://shopify/Order/{number}")
    }

    /// Changes an order now, and tells who has subscribed.
    pub fn change_order(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        let now = data::date(self.now_ms);
        let Some(order) = self.orders.iter_mut().find(|order| order["id"] == id) else { return };
        change(order);
        order["updatedAt"] = now.into();
        let body = webhooks::rest(order);
        self.publish("orders/updated", &body);
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

/// Status, body, and where to go.
type Told = (StatusCode, Value, Option<String>);

#[cfg(test)]
mod tests;
