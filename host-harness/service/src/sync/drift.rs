//! Where records differ from the schema that the connector gives: new members, other types.
//! Whether values are valid is no matter.

use std::collections::{BTreeMap, BTreeSet};

use connector_contract::types::DataRecord;
use serde_json::Value;

use crate::schema::{Schema, escaped, type_of};

/// Deeper than this a schema says nothing here; one that refers to itself has no end.
const DEPTH: usize = 16;

/// What one scan has found of one object.
#[derive(Debug, Default)]
pub struct Drift {
    told: BTreeSet<String>,
}

impl Drift {
    /// JSON Pointers (RFC 6901) without indexes of arrays, where the records differ from their
    /// schema in a way that was not answered before; sorted.
    pub fn new_in(&mut self, outline: &Outline, records: &[DataRecord]) -> Vec<String> {
        let mut found = BTreeSet::new();
        for record in records {
            // The connector has read it already, so what is wrong with it is told elsewhere.
            if let Ok(value) = serde_json::from_str(&record.data) {
                outline.compare(&value, "", &mut found);
            }
        }
        found.retain(|pointer| !self.told.contains(pointer));
        self.told.extend(found.iter().cloned());
        found.into_iter().collect()
    }
}

/// The outline of a JSON Schema: what may stand at one place, as far as it is said outright.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Names of the allowed types; empty: any.
    types: Vec<String>,
    /// Members with a name.
    members: BTreeMap<String, Outline>,
    /// What all other members are, where that is said.
    others: Option<Box<Outline>>,
    /// There may be members of which nothing is said.
    is_open: bool,
    /// Items of a list; `None`: anything.
    items: Option<Box<Outline>>,
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

    /// Adds to `found` where a value, which stands at `pointer`, differs.
    fn compare(&self, value: &Value, pointer: &str, found: &mut BTreeSet<String>) {
        let kind = type_of(value);
        let covers =
            |allowed: &String| allowed == kind || (allowed == "number" && kind == "integer");
        if !self.types.is_empty() && !self.types.iter().any(covers) {
            found.insert(pointer.to_owned());
            return;
        }
        if let (Value::Array(items), Some(outline)) = (value, &self.items) {
            items.iter().for_each(|item| outline.compare(item, pointer, found));
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/{}", escaped(name));
            match self.members.get(name).or(self.others.as_deref()) {
                Some(outline) => outline.compare(member, &pointer, found),
                None if self.is_open => {}
                None => {
                    found.insert(pointer);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(schema: &serde_json::Value, records: &[&str]) -> Vec<String> {
        let record = |data: &&str| DataRecord {
            id: "1".to_owned(),
            updated_at: None,
            created_at: None,
            version: None,
            data: (*data).to_owned(),
        };
        let records: Vec<DataRecord> = records.iter().map(record).collect();
        Drift::default().new_in(&Outline::of(schema), &records)
    }

    #[test]
    fn new_members_and_other_types_are_told_once_by_their_place() {
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "string"},
            "n": {"type": ["integer", "null"]},
            "x": {"type": "number"},
            "list": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object"},
            "any": {},
            "word": {"enum": ["a", null]}
        }, "$defs": {"item": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        let none: [&str; 0] = [];
        assert_eq!(
            found(
                &schema,
                &[
                    r#"{"id":"1","n":null,"x":1,"list":[{"a":"b"}],"open":{"q":"r"},"free":{"z":{"y":[1]}},
                      "any":[1,{}],"word":null}"#
                ]
            ),
            none
        );
        assert_eq!(found(&schema, &["{}", "no JSON", ""]), none);
        assert_eq!(
            found(
                &schema,
                &[
                    r#"{"id":7,"n":1.5,"x":12345678901234567890123,"new":{"deep":1}}"#,
                    r#"{"list":[{"a":"b"},{"a":1,"c~/d":2},3],"open":{"q":5},"word":"c"}"#,
                    r#"{"id":8,"list":{},"free":[]}"#,
                ]
            ),
            ["/free", "/id", "/list", "/list/a", "/list/c~0~1d", "/n", "/new", "/open/q"]
        );
    }

    /// What a number too large for the machine is, is a number.
    #[test]
    fn alternatives_are_taken_together() {
        let schema = json!({"anyOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "integer"}}}
        ]});
        let none: [&str; 0] = [];
        assert_eq!(found(&schema, &[r#"{"a":null,"b":2}"#, r#"{"a":"x"}"#]), none);
        assert_eq!(found(&schema, &[r#"{"a":1,"b":true}"#]), ["/a", "/b"]);
    }

    #[test]
    fn an_answer_does_not_repeat_itself() {
        let outline = Outline::of(&json!({"type": "object", "properties": {}}));
        let record = DataRecord {
            id: "1".to_owned(),
            updated_at: None,
            created_at: None,
            version: None,
            data: r#"{"a":1}"#.to_owned(),
        };
        let mut drift = Drift::default();
        assert_eq!(drift.new_in(&outline, std::slice::from_ref(&record)), ["/a"]);
        assert!(drift.new_in(&outline, std::slice::from_ref(&record)).is_empty());
    }
}
