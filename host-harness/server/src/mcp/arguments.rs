//! What tools take. Their descriptions are what an agent reads.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListConnections {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeObjects {
    /// Tell all of this object: its schemas, filters and actions. Without it, all objects are told in short.
    pub object: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindRecords {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object [default: the one that people look for by number].
    pub object: Option<String>,
    /// The number by which a person knows the record, such as a tracking number.
    pub number: Option<String>,
    /// The number of the order that it belongs to.
    pub order: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRecord {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object [default: the one that people look for by number].
    pub object: Option<String>,
    /// Id of the record.
    pub id: String,
    /// Ask the provider, instead of what is kept.
    #[serde(default)]
    pub live: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordHistory {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object [default: the one that people look for by number].
    pub object: Option<String>,
    /// Id of the record.
    pub id: String,
    /// No more than so many changes [default: 20].
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTroubled {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object [default: the one that people look for by number].
    pub object: Option<String>,
    /// Goes on after the answer whose `next` this is.
    pub cursor: Option<String>,
    /// No more than so many [default: 20].
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListChanges {
    /// Name of the connection.
    pub connection: String,
    /// Only those of this object.
    pub object: Option<String>,
    /// Only those with a greater number: `positions` of an answer tells how far it was. 0: from the oldest.
    pub after: u64,
    /// No more than so many [default: 50].
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// Makes a record of `data`.
    Create,
    /// Changes the record by the JSON Merge Patch in `data`.
    Update,
    /// Removes the record.
    Delete,
    /// Runs an action with `data`.
    Invoke,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanWrite {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object.
    pub object: String,
    /// What is done.
    pub write: Write,
    /// Id of the record: of an update or a deletion, and of an action that works on a record.
    pub id: Option<String>,
    /// Name of the action, to invoke.
    pub action: Option<String>,
    /// What is written; describe_objects tells its schema.
    #[serde(default)]
    pub data: Map<String, Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarryOut {
    /// The confirmation that plan_write answered.
    pub confirmation: String,
}
