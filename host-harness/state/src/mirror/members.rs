//! Which members of a record differ between two of its versions.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Names of the top-level members whose text differs, sorted. What is no JSON object has none.
pub fn changed(old: &str, new: &str) -> Vec<String> {
    let (mut old, new) = (members(old), members(new));
    let mut names = Vec::new();
    for (name, value) in new {
        if old.remove(&name).map(RawValue::get) != Some(value.get()) {
            names.push(name);
        }
    }
    names.extend(old.into_keys());
    names.sort_unstable();
    names
}

fn members(text: &str) -> Members<'_> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn members_that_differ_are_named_once_and_in_order() {
        let old = r#"{"id": "1", "z": 0.70, "gone": null, "same": [1, {"a": 2}], "q\"": 1}"#;
        let new = r#"{"z": 0.7, "same": [1, {"a": 2}], "id": "1", "new": {}, "q\"": 2}"#;
        assert_eq!(changed(old, new), ["gone", "new", "q\"", "z"]);
        assert_eq!(changed(new, old), ["gone", "new", "q\"", "z"]);
        assert!(changed(old, old).is_empty());
        // Only white space between them.
        assert!(changed(r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#).is_empty());
        assert_eq!(changed("[1]", r#"{"a": 1}"#), ["a"]);
    }

    /// More digits than any number type holds.
    #[test]
    fn numbers_are_compared_by_their_digits() {
        let (old, new) = (r#"{"n": 12345678901234567890}"#, r#"{"n": 12345678901234567891}"#);
        assert_eq!(changed(old, new), ["n"]);
    }
}
