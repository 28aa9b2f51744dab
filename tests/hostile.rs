//! Connectors that misbehave: each is refused or stopped with a typed error, and the
//! next call, of the same and of another connection, works.

mod bounds;
mod origins;
mod requests;
mod secrets;

use std::sync::Arc;

use host_harness::contract::records::ListRequest;
use host_harness::retry::Policy;
use host_harness::runtime::{Connection, Connector};
use host_harness::vault::Secret;

use crate::support::Watch;
use crate::support::wire::{Wire, answer};

const KEY: &str = "canary-0123456789";

async fn connection(connector: &Connector, wire: Wire, watch: &Arc<Watch>) -> Connection {
    Connection::builder(connector)
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire))
        .policy(Policy::once())
        .observer(watch.clone())
        .build()
        .await
        .unwrap()
}

fn fine() -> Wire {
    Wire::new(|_| answer("200 OK", "{}"))
}

fn things() -> ListRequest {
    ListRequest::all("things")
}
