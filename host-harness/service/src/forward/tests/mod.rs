mod failing;
mod handing_on;
mod running;
mod world;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::TokioClock;
use connector_contract::types::DataRecord;
use connector_runtime::AddressSpace::{Private, Public};
use connector_runtime::egress::{
    Connect, EgressOptions, HttpClient, Origin, Pending, Resolve, Stream,
};
use connector_state::memory::{Halt, Memory};
use connector_state::mirror::{Batch, ChangeKind, ChangeRow, Mirror as _, Source};
use connector_state::outbox::plan::MOST_UNDELIVERED;
use connector_state::outbox::{
    ForwardLag, ForwardRow, Outbox, Outgoing, SettledWork, Undelivered, WhichParked,
};
use connector_state::{Change, ConnectionRow, LeaseHolder, Sealed, Store as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::forwarder::Forwarder;
use super::message::Signer;
use super::target::ForwardTarget;
use super::*;
use crate::jobs::{Shutdown, Supervisor};
use crate::vault::{Key, MasterKey, Secret, Vault};
use crate::webhooks::{Note, Notes};

const SHOP: &str = "id-of-shop";
/// 2026-11-22T12:00:00Z.
const NOW_MS: u64 = 1_795_348_800_000;

pub fn outgoing(
    number: u64,
    object: &str,
    id: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Outgoing {
    Outgoing {
        change: ChangeRow {
            number,
            connection: SHOP.to_owned(),
            object: object.to_owned(),
            id: id.to_owned(),
            kind: ChangeKind::Updated,
            ours: false,
            source: None,
            delivery: None,
            at_ms: NOW_MS,
            updated_at: None,
            previous: None,
            hash: Some([1; 32]),
            members: vec![],
            rule: None,
        },
        connection: "shop".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}
