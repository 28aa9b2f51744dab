//! Runs of pushes, and their items.

use connector_contract::hex;
use connector_state::Word as _;
use connector_state::push::{IntentRow, IntentState, PushRow};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::date;

/// A run of a push.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PushDocument {
    /// Names it.
    pub id: String,
    /// Of which object.
    pub object: String,
    /// What is asked of each item.
    pub mode: &'static str,
    /// When it was made.
    pub made: String,
    /// When the last of its items was done.
    pub ended: Option<String>,
    /// Items in all.
    pub items: u64,
    /// Items that are as wished.
    pub done: u64,
    /// Items that were not applied.
    pub failed: u64,
    /// Items of which it is not known, and those that wait for a decision.
    pub parked: u64,
    /// Items that have not ended.
    pub open: u64,
}

impl PushDocument {
    /// Of a row.
    #[must_use]
    pub fn of(row: &PushRow) -> Self {
        let counts = &row.counts;
        Self {
            id: row.id.clone(),
            object: row.object.clone(),
            mode: row.mode.word(),
            made: date(row.made_ms),
            ended: row.ended_ms.map(date),
            items: counts.all(),
            done: counts.done,
            failed: counts.failed,
            parked: counts.parked,
            open: counts.pending + counts.sending,
        }
    }
}

/// An item of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ItemDocument {
    /// Its place among the items of its source, from 0.
    pub index: u64,
    /// Its line in the source, from 1.
    pub line: u64,
    /// The record.
    pub id: Option<String>,
    /// How it ended, or where it stands.
    pub outcome: &'static str,
    /// Why it failed, or is parked.
    pub error: Option<String>,
}

impl ItemDocument {
    /// Of a row.
    #[must_use]
    pub fn of(row: &IntentRow) -> Self {
        let outcome = match (row.state, row.outcome) {
            (IntentState::Done, Some(outcome)) => outcome.word(),
            (state, _) => state.word(),
        };
        let (id, error) = (row.id.clone(), row.error.clone());
        Self { index: row.index, line: row.line, id, outcome, error }
    }
}

/// An item that waits for a decision about somebody else's change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConflictDocument {
    /// The run.
    pub run: String,
    /// Its place among the items of its source, from 0.
    pub index: u64,
    /// Its line in the source, from 1.
    pub line: u64,
    /// Of which object.
    pub object: String,
    /// What is asked of each item.
    pub mode: &'static str,
    /// The record.
    pub id: Option<String>,
    /// Since when it waits.
    pub since: Option<String>,
    /// Of each member what was seen, what stands there and what would be written.
    #[schemars(with = "Option<serde_json::Value>")]
    pub members: Option<Box<RawValue>>,
    /// Digest of the record as it stands there: names what is decided about.
    pub theirs: Option<String>,
}

impl ConflictDocument {
    /// Of an item of a run.
    #[must_use]
    pub fn of(run: &PushRow, item: &IntentRow) -> Self {
        let conflict = item.conflict.as_ref();
        let members = conflict.and_then(|conflict| serde_json::from_str(&conflict.members).ok());
        Self {
            run: item.run.clone(),
            index: item.index,
            line: item.line,
            object: run.object.clone(),
            mode: run.mode.word(),
            id: item.id.clone(),
            since: item.conflict_ms.map(date),
            members,
            theirs: conflict.map(|conflict| hex(&conflict.theirs)),
        }
    }
}
