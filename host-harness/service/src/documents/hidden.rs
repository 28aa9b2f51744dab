//! Inputs that are secrets: members whose schema says `writeOnly`. They are sent to
//! the provider and shown nowhere.

use crate::vault::{Scrubber, Secret, write_only};
use serde_json::Value;

/// What stands where such a value stood.
const HIDDEN: &str = "[write-only]";

/// The texts and numbers in `input` that `schema` calls write-only.
#[must_use]
pub fn values(schema: Option<&str>, input: &str) -> Vec<Value> {
    // A schema or an input that is no JSON says nothing of the kind.
    schema.and_then(|schema| write_only::values(schema, input).ok()).unwrap_or_default()
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
