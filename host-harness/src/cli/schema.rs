//! Reads JSON Schemas (2020-12) for people: which members, of which types.
//!
//! Validation is the connector's; this only looks at what a schema says outright.

use host_harness::schema::{branches, resolve};
use serde_json::Value;

/// A member of an object, as its schema describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
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

/// The JSON types that a schema allows, by name; empty when it does not say.
#[must_use]
pub fn types(root: &Value, schema: &Value) -> Vec<String> {
    let mut types = Vec::new();
    for branch in branches(root, schema) {
        let named = match branch.get("type") {
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => {
                names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            }
            _ => choices(branch).iter().map(|value| type_of(value).to_owned()).collect(),
        };
        types.extend(named);
    }
    let mut seen = Vec::new();
    types.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    types
}

/// The schema of an array's items.
#[must_use]
pub fn items<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    branches(root, schema).into_iter().find_map(|branch| branch.get("items"))
}

/// The members of an object's schema, in its order.
#[must_use]
pub fn members(schema: &Value) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for branch in branches(schema, schema) {
        let required: Vec<&str> = branch
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = branch.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if members.iter().any(|member| member.name == *name) {
                continue;
            }
            let property = resolve(schema, property);
            members.push(Member {
                name: name.clone(),
                kind: kind(schema, property),
                required: required.contains(&name.as_str()),
                write_only: property.get("writeOnly") == Some(&Value::Bool(true)),
                about: text(property, "description")
                    .or_else(|| text(property, "title"))
                    .unwrap_or_default(),
            });
        }
    }
    members
}

/// A schema's type in words: `array of string, or string`.
#[must_use]
pub fn kind(root: &Value, schema: &Value) -> String {
    let choices: Vec<String> = branches(root, schema)
        .into_iter()
        .flat_map(choices)
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    if !choices.is_empty() {
        return format!("one of {}", choices.join(", "));
    }
    let format = text(resolve(root, schema), "format");
    let types: Vec<String> = types(root, schema)
        .into_iter()
        .map(|name| match (name.as_str(), items(root, schema), &format) {
            ("array", Some(items), _) => format!("array of {}", kind(root, items)),
            ("string", _, Some(format)) => format!("string ({format})"),
            _ => name,
        })
        .collect();
    if types.is_empty() { "any".to_owned() } else { types.join(" or ") }
}

fn choices(schema: &Value) -> Vec<&Value> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.iter().collect(),
        (_, Some(value)) => vec![value],
        _ => vec![],
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn text(schema: &Value, member: &str) -> Option<String> {
    schema.get(member)?.as_str().map(str::to_owned)
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
