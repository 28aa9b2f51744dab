//! The outline of a JSON Schema: types and members, as far as it says them outright.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::schema::Schema;

/// Deeper than this a schema says nothing here; one that refers to itself has no end.
const DEPTH: usize = 16;

/// What may stand at one place.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Names of the allowed types; empty: any.
    types: Vec<String>,
    /// Members with a name.
    pub(super) members: BTreeMap<String, Outline>,
    /// What all other members are, where that is said.
    pub(super) others: Option<Box<Outline>>,
    /// There may be members of which nothing is said.
    pub(super) is_open: bool,
    /// Items of a list; `None`: anything.
    pub(super) items: Option<Box<Outline>>,
}

impl Outline {
    /// The outline of a whole schema.
    pub fn of(schema: &Value) -> Self {
        Self::at(&Schema::of(schema), 0)
    }

    fn at(schema: &Schema<'_>, depth: usize) -> Self {
        if depth > DEPTH {
            return Self { is_open: true, ..Self::default() };
        }
        let below = |schema: Schema<'_>| Self::at(&schema, depth + 1);
        let members = schema.properties().into_iter();
        Self {
            types: schema.types().into_iter().map(str::to_owned).collect(),
            members: members.map(|(name, member)| (name.to_owned(), below(member))).collect(),
            others: schema.others().map(below).map(Box::new),
            is_open: schema.is_open(),
            items: schema.items().map(below).map(Box::new),
        }
    }

    /// Whether a value of this type may stand here.
    pub fn allows(&self, found: &str) -> bool {
        let covers =
            |allowed: &String| allowed == found || (allowed == "number" && found == "integer");
        self.types.is_empty() || self.types.iter().any(covers)
    }
}
