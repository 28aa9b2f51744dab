//! Reads JSON Schemas (2020-12) for people: which members, of which types.
//!
//! Validation is the connector's; this only looks at what a schema says outright.

use host_harness::schema::Schema;
use serde_json::Value;

/// A member of an object, as its schema describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaMember {
    /// Its name.
    pub name: String,
    /// Its type in words.
    pub kind: String,
    /// It may not be left out.
    pub required: bool,
    /// It is a secret: taken in and never handed out.
    pub write_only: bool,
    /// The schema's description; empty when there is none.
    pub about: String,
}

/// The members of an object's schema, in its order.
#[must_use]
pub fn members(schema: &Value) -> Vec<SchemaMember> {
    let schema = Schema::of(schema);
    let required = schema.required();
    let member = |(name, property): (&str, Schema<'_>)| SchemaMember {
        name: name.to_owned(),
        kind: kind(&property),
        required: required.contains(&name),
        write_only: property.is_write_only(),
        about: property.text("description").or(property.text("title")).unwrap_or_default().into(),
    };
    schema.properties().into_iter().map(member).collect()
}

/// A schema's type in words: `array of string, or string`.
#[must_use]
pub fn kind(schema: &Schema<'_>) -> String {
    let choices = schema.choices().into_iter();
    let choices =
        choices.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let choices: Vec<String> = choices.collect();
    if !choices.is_empty() {
        return format!("one of {}", choices.join(", "));
    }
    let word = |name| match (name, schema.items(), schema.text("format")) {
        ("array", Some(items), _) => format!("array of {}", kind(&items)),
        ("string", _, Some(format)) => format!("string ({format})"),
        _ => name.to_owned(),
    };
    let types: Vec<String> = schema.types().into_iter().map(word).collect();
    if types.is_empty() { "any".to_owned() } else { types.join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_told_by_type() {
        let schema = json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": { "type": "string", "description": "Yours" },
                "when": { "type": ["string", "null"], "format": "date-time" },
                "tags": { "anyOf": [
                    { "type": "array", "items": { "enum": ["a", "b"] } },
                    { "type": "string" },
                ] },
                "key": { "$ref": "#/$defs/secret" },
                "free": {},
            },
            "$defs": { "secret": { "type": "string", "writeOnly": true } },
        });
        let shown: Vec<String> = members(&schema)
            .into_iter()
            .map(|member| format!("{}: {}", member.name, member.kind))
            .collect();
        assert_eq!(
            shown,
            [
                "id: string",
                "when: string (date-time) or null",
                "tags: array of one of a, b or string",
                "key: string",
                "free: any",
            ]
        );
        let members = members(&schema);
        assert!(members[0].required && !members[1].required && members[3].write_only);
        assert_eq!(members[0].about, "Yours");
    }

    #[test]
    fn references_in_a_circle_come_to_an_end() {
        let schema = json!({ "properties": { "a": { "$ref": "#/properties/a" } } });
        assert_eq!(members(&schema)[0].kind, "any");
    }
}
