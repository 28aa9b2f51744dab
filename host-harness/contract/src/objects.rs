//! What an object is and offers: types that `catalog` and `discovery` share.

use serde::Serialize;

/// An object in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ObjectSummary {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Operations offered, an open set of words: `list`, `get`, `find`,
    /// `create`, `update`, `delete`, `subscribe`.
    pub operations: Vec<String>,
}

/// A verb of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Action {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// True when the action works on one record and needs its id.
    pub on_record: bool,
    /// False when it changes nothing at the provider.
    pub writes: bool,
    /// JSON Schema (2020-12) of the input.
    pub input_schema: String,
    /// JSON Schema (2020-12) of the output.
    pub output_schema: String,
}

/// Schemas, actions and rules of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Descriptor {
    /// Name, title and operations.
    pub summary: ObjectSummary,
    /// Provider documentation for this object.
    pub doc_url: String,
    /// The object that holds these records: `derived.derive` finds them in
    /// its records. `None` when this object has an endpoint of its own.
    pub derived_from: Option<String>,
    /// Lists forget a record this many days after its creation although it was
    /// not deleted. `None`: they do not forget.
    pub retention_days: Option<u32>,
    /// JSON Schema (2020-12) of `data-record.data`; unknown members are allowed.
    pub record_schema: String,
    /// Schema of `create` input; `None` if not offered. Likewise `update-schema`.
    pub create_schema: Option<String>,
    /// Schema of `update` patches; `None` if not offered.
    pub update_schema: Option<String>,
    /// Which records `list` answers, as the schema of one JSON object.
    pub filter_schema: Option<String>,
    /// Schema of `view.options`, likewise.
    pub options_schema: Option<String>,
    /// Other verbs of the object.
    pub actions: Vec<Action>,
    /// Event names that `subscriptions.subscribe` accepts for this object.
    pub events: Vec<String>,
    /// What later versions add.
    pub more: Vec<(String, String)>,
}
