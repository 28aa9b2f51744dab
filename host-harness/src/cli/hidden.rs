//! Inputs that are secrets: members whose schema says `writeOnly`. They are sent to
//! the provider and shown nowhere.

use host_harness::vault::{Scrubber, Secret};
use serde_json::Value;

use super::document::embedded;
use super::schema;

/// What stands where such a value stood.
const HIDDEN: &str = "[write-only]";

/// The values in `input` that `schema` calls write-only.
#[must_use]
pub fn values(schema: Option<&str>, input: &str) -> Vec<Value> {
    let mut found = Vec::new();
    if let (Some(schema), Ok(input)) = (schema, serde_json::from_str(input)) {
        let schema = embedded(schema);
        collect(&schema, &schema, &input, &mut found);
    }
    found
}

fn collect(root: &Value, schema: &Value, input: &Value, found: &mut Vec<Value>) {
    for branch in schema::branches(root, schema) {
        if branch.get("writeOnly") == Some(&Value::Bool(true)) {
            leaves(input, found);
            return;
        }
        for (name, value) in input.as_object().into_iter().flatten() {
            let property = branch.get("properties").and_then(|members| members.get(name));
            if let Some(property) = property.or_else(|| branch.get("additionalProperties")) {
                collect(root, property, value, found);
            }
        }
        for item in input.as_array().into_iter().flatten() {
            if let Some(items) = branch.get("items") {
                collect(root, items, item, found);
            }
        }
    }
}

fn leaves(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => found.push(value.clone()),
    }
}

/// `text` without the hidden values: as members, if it is JSON, and wherever they
/// stand in it.
#[must_use]
pub fn hide(text: &str, hidden: &[Value]) -> String {
    if hidden.is_empty() {
        return text.to_owned();
    }
    let text = match serde_json::from_str(text) {
        Ok(mut json) => {
            replace(&mut json, hidden);
            json.to_string()
        }
        Err(_) => text.to_owned(),
    };
    let secrets: Vec<Secret> =
        hidden.iter().filter_map(|value| value.as_str().map(Secret::new)).collect();
    Scrubber::new(&secrets.iter().collect::<Vec<_>>()).text(&text)
}

fn replace(value: &mut Value, hidden: &[Value]) {
    if hidden.contains(value) {
        *value = Value::String(HIDDEN.to_owned());
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, hidden)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, hidden)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{
        "properties": {
            "name": { "type": "string" },
            "login": { "$ref": "#/$defs/login" },
            "more": { "type": "array", "items": { "$ref": "#/$defs/login" } },
            "any": { "type": "object", "additionalProperties": { "writeOnly": true } }
        },
        "$defs": { "login": { "properties": {
            "user": { "type": "string" },
            "password": { "type": "string", "writeOnly": true }
        } } }
    }"##;

    #[test]
    fn write_only_values_are_found_and_hidden() {
        let input = r#"{"name":"n","login":{"user":"u","password":"pw"},
            "more":[{"password":"longer one"}],"any":{"a":7,"b":"c"}}"#;
        let hidden = values(Some(SCHEMA), input);
        let texts: Vec<String> = hidden.iter().map(Value::to_string).collect();
        assert_eq!(texts, ["\"pw\"", "\"longer one\"", "7", "\"c\""]);
        assert_eq!(
            hide(r#"{"u":"u","p":"pw","q":{"r":["longer one",7]},"t":"a longer one b"}"#, &hidden),
            r#"{"u":"u","p":"[write-only]","q":{"r":["[write-only]","[write-only]"]},"t":"a [redacted] b"}"#
        );
        assert_eq!(hide("p=longer%20one", &hidden), "p=[redacted]");
    }

    #[test]
    fn without_any_the_text_stays_as_it_is() {
        assert!(values(Some(SCHEMA), r#"{"name":"n"}"#).is_empty());
        assert!(values(None, r#"{"name":"n"}"#).is_empty());
        assert_eq!(hide("{ \"a\": 1.0 }", &[]), "{ \"a\": 1.0 }");
    }
}
