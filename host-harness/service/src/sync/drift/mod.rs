//! Where records differ from the schema that the connector gives: new members, other types.
//!
//! A record is read once, in a stream, against the outline of its schema; nothing is built of it.
//! That is all that drift means here: whether values are valid is no matter.

mod outline;
mod walk;

use std::collections::BTreeSet;

use connector_contract::types::DataRecord;

pub use self::outline::Outline;

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
            walk::differences(outline, &record.data, &mut found);
        }
        found.retain(|pointer| !self.told.contains(pointer));
        self.told.extend(found.iter().cloned());
        found.into_iter().collect()
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
