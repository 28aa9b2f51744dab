//! Reads JSON Schemas (2020-12) as far as they say something outright: references and parts.
//!
//! Validation is the connector's.

use serde_json::Value;

/// How many references in a row are followed.
const REFERENCES: usize = 8;

/// The schema behind local references.
#[must_use]
pub fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut found = schema;
    for _ in 0..REFERENCES {
        let target = found
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| root.pointer(reference.strip_prefix('#')?));
        match target {
            Some(target) => found = target,
            None => break,
        }
    }
    found
}

/// A schema and the alternatives and parts that it is made of.
#[must_use]
pub fn branches<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolve(root, schema);
    let parts = ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|word| schema.get(word)?.as_array())
        .flatten()
        .map(|part| resolve(root, part));
    std::iter::once(schema).chain(parts).collect()
}
