//! Manifest and descriptor as JSON, under the names of the contract.

use connector_contract::catalog::Manifest;
use connector_runtime::Facts;
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything about a connector.
#[must_use]
pub fn connector(facts: &Facts, manifest: &Manifest) -> Value {
    let mut all = Map::new();
    all.insert("file".to_owned(), facts.path.display().to_string().into());
    all.insert("bytes".to_owned(), facts.bytes.into());
    all.insert("sha256".to_owned(), facts.sha256.clone().into());
    let Value::Object(members) = value(manifest) else { return all.into() };
    for (name, value) in members {
        if name == "schemes" {
            all.insert("imports".to_owned(), facts.imports.clone().into());
            all.insert("exports".to_owned(), facts.exports.clone().into());
        }
        all.insert(name, value);
    }
    all.into()
}

/// A schema that the connector hands over as text. One that is no JSON stays text:
/// that is the connector's fault and is better seen than hidden.
#[must_use]
pub fn embedded(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}

/// The contract's word for a case without content.
#[must_use]
pub fn word(case: &impl Serialize) -> String {
    value(case).as_str().unwrap_or_default().to_owned()
}

/// A part of the contract as JSON; its schemas are JSON and not text. Its types are plain data, so
/// that this cannot fail.
pub fn value(part: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(part).unwrap_or_default();
    embed(&mut value);
    value
}

/// Puts schemas and `more`, which are JSON in text, into `value` as JSON.
fn embed(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(embed),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name.ends_with("-schema") => *value = embedded(text),
                    Value::Array(_) if name == "more" => {
                        let entries = serde_json::from_value(value.take());
                        let entries: Vec<(String, String)> = entries.unwrap_or_default();
                        *value =
                            entries.iter().map(|(name, json)| (&**name, embedded(json))).collect();
                    }
                    other => embed(other),
                }
            }
        }
        _ => {}
    }
}
