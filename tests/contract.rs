//! What a host owes every connector (`wit/HOSTS.md`), shown by one that does as its provider says:
//! each test writes the provider's answers.

mod batches;
mod composed;
mod deliveries;
mod later;
mod learned;
mod pages;
mod program;
mod subscriptions;
mod versions;
mod views;

use std::sync::Arc;

use host_harness::retry::Policy;
use host_harness::runtime::Connection;
use host_harness::vault::Secret;
use serde_json::{Value, json};

use crate::support::wire::{Wire, answer};
use crate::support::{guest, runtime};

/// What the provider is asked: the path without its first part, as `tell/create`, and the
/// arguments.
pub struct Asked {
    pub path: String,
    pub input: Value,
}

impl Asked {
    fn of(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let path = head.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
        Self { path, input: serde_json::from_str(body).unwrap() }
    }
}

/// A provider that answers what `answers` says; `null` is an answer that says nothing.
pub fn provider(answers: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Wire {
    Wire::new(move |request| answer("200 OK", &answers(&Asked::of(request)).to_string()))
}

/// All that a provider was asked: path and arguments.
pub fn asked(sent: &Arc<std::sync::Mutex<Vec<String>>>) -> Vec<(String, Value)> {
    let sent = sent.lock().unwrap();
    let asked = sent.iter().map(|request| Asked::of(request));
    asked.map(|asked| (asked.path, asked.input)).collect()
}

/// As the connector's error of this kind.
pub fn fails(kind: &str) -> Value {
    json!({ "error": { "kind": kind } })
}

/// A connection in memory.
pub async fn connection(wire: Wire) -> Connection {
    Connection::builder(&guest(&runtime(), "scripted").await)
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secret("api-key", Secret::new("key-0123456789"))
        .network(Arc::new(wire))
        .policy(Policy::once())
        .build()
        .await
        .unwrap()
}
