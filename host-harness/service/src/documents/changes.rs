//! Entries of the change log.

use std::collections::BTreeMap;

use connector_contract::hex;
use connector_state::Word;
use connector_state::mirror::{ChangeRow, RuleTold};
use schemars::JsonSchema;
use serde::Serialize;

use super::date;

/// A change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangeDocument {
    /// Counts up for each connection, in the order of commits; some are skipped.
    pub number: u64,
    /// Name of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record; empty for a drift.
    pub id: String,
    /// `created`, `updated`, `deleted`, `aged-out`, `drift`, `reset` or `rule`.
    #[schemars(extend("enum" = ["created", "updated", "deleted", "aged-out", "drift", "reset", "rule"]))]
    pub kind: &'static str,
    /// True when it was a write of our own.
    pub ours: bool,
    /// What brought it; null of a whole object, and of a rule.
    pub source: Option<&'static str>,
    /// Number of the delivery that told of it.
    pub delivery: Option<u64>,
    /// When it was noticed.
    pub at: String,
    /// The provider's time of the change.
    pub updated_at: Option<String>,
    /// SHA-256 of what the record was before.
    pub previous: Option<String>,
    /// SHA-256 of what it is now.
    pub hash: Option<String>,
    /// Top-level members that differ; of a drift, JSON Pointers.
    pub members: Vec<String>,
    /// Of a rule over time, what became of it; the record stayed as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleDocument>,
}

/// What became of a rule over time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RuleDocument {
    /// Its name.
    pub name: String,
    /// `raised` or `cleared`.
    #[schemars(extend("enum" = ["raised", "cleared"]))]
    pub state: &'static str,
    /// When it was due.
    pub due: String,
}

impl RuleDocument {
    /// Of what was told.
    #[must_use]
    pub fn of(told: &RuleTold) -> Self {
        Self { name: told.rule.clone(), state: told.word(), due: date(told.due_ms) }
    }
}

impl ChangeDocument {
    /// Of a row; `names` are those of connections by their ids.
    #[must_use]
    pub fn of(row: &ChangeRow, names: &BTreeMap<String, String>) -> Self {
        let hash = |hash: Option<[u8; 32]>| hash.map(|hash| hex(&hash));
        Self {
            number: row.number,
            connection: names.get(&row.connection).unwrap_or(&row.connection).clone(),
            object: row.object.clone(),
            id: row.id.clone(),
            kind: row.kind.word(),
            ours: row.ours,
            source: row.source.map(Word::word),
            delivery: row.delivery,
            at: date(row.at_ms),
            updated_at: row.updated_at.clone(),
            previous: hash(row.previous),
            hash: hash(row.hash),
            members: row.members.clone(),
            rule: row.rule.as_ref().map(RuleDocument::of),
        }
    }
}
