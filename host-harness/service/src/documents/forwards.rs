//! Forwards, and changes that their targets did not take.

use std::collections::BTreeMap;

use connector_state::Word as _;
use connector_state::mirror::ChangeRow;
use connector_state::outbox::{ForwardLag, ForwardRow, Undelivered};
use schemars::JsonSchema;
use serde::Serialize;

use super::date;

/// A forward, and how far it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForwardDocument {
    /// Its name.
    pub name: String,
    /// Of whose connections changes are handed on.
    pub connector: String,
    /// Name of the one connection whose changes are; null: all of the connector.
    pub connection: Option<String>,
    /// Scheme, host and port of the target. The rest of its URL may be secret.
    pub target: String,
    /// A change is handed on that one of these takes; without any, every one.
    pub only: Vec<String>,
    /// Whether a template makes its messages.
    pub template: bool,
    /// Whether messages are signed.
    pub signed: bool,
    /// Whether changes are handed on now; else they wait.
    pub enabled: bool,
    /// Changes that it has not looked at, at most.
    pub behind: u64,
    /// Changes that wait for their next try.
    pub waiting: u64,
    /// Changes that are parked.
    pub parked: u64,
    /// When the oldest change was noticed that it has not looked at or that waits.
    pub since: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When that was.
    pub failed: Option<String>,
    /// When it was made.
    pub made: String,
}

impl ForwardDocument {
    /// Of a row; `names` are those of connections by their ids.
    #[must_use]
    pub fn of(row: &ForwardRow, lag: &ForwardLag, names: &BTreeMap<String, String>) -> Self {
        Self {
            name: row.name.clone(),
            connector: row.connector.clone(),
            connection: row.connection.as_ref().map(|id| names.get(id).unwrap_or(id).clone()),
            target: row.origin.clone(),
            only: row.filters.clone(),
            template: row.template.is_some(),
            signed: row.is_signed,
            enabled: row.enabled,
            behind: lag.behind,
            waiting: lag.waiting,
            parked: lag.parked,
            since: lag.since_ms.map(date),
            error: lag.error.clone(),
            failed: lag.error_ms.map(date),
            made: date(row.made_ms),
        }
    }
}

/// A change that a target did not take.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ParkedDocument {
    /// Name of its connection.
    pub connection: String,
    /// Its number.
    pub number: u64,
    /// Of which object.
    pub object: String,
    /// Which record.
    pub id: String,
    /// What happened.
    pub kind: &'static str,
    /// When it was noticed.
    pub at: String,
    /// Failed tries.
    pub attempts: u32,
    /// What the target said.
    pub reason: String,
}

impl ParkedDocument {
    /// Of rows; `names` are those of connections by their ids.
    #[must_use]
    pub fn of(parked: &Undelivered, change: &ChangeRow, names: &BTreeMap<String, String>) -> Self {
        Self {
            connection: names.get(&parked.connection).unwrap_or(&parked.connection).clone(),
            number: parked.change,
            object: change.object.clone(),
            id: change.id.clone(),
            kind: change.kind.word(),
            at: date(change.at_ms),
            attempts: parked.attempts,
            reason: parked.reason.clone(),
        }
    }
}
