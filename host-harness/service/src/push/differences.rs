//! What of a wish a record does not show yet.

use std::collections::BTreeMap;

use connector_state::mirror::version::instant;
use serde_json::Value;
use serde_json::value::RawValue;

use super::shape::InputSchema;

/// An item's members as they stand in its text, digit for digit.
pub type InputMembers = BTreeMap<String, Box<RawValue>>;

/// The members of `wish` that `record` does not show, as JSON Merge Patch (RFC 7396); `None` when
/// it shows all of them. Members that only name the record are left out. What goes in and never
/// comes out cannot be compared, so it is sent.
pub fn patch(
    wish: &InputMembers,
    record: &str,
    schema: &InputSchema,
    but: Option<&str>,
) -> Option<String> {
    let there: Value = serde_json::from_str(record).unwrap_or_default();
    let differs = |name: &str, value: &RawValue| {
        let wished: Value = serde_json::from_str(value.get()).unwrap_or_default();
        let shown = there.get(name).unwrap_or(&Value::Null);
        schema.is_write_only(name) || !shows(shown, &wished)
    };
    let patch: BTreeMap<&String, &Box<RawValue>> = wish
        .iter()
        .filter(|(name, _)| but != Some(name.as_str()) && schema.changes(name))
        .filter(|(name, value)| differs(name, value))
        .collect();
    if patch.is_empty() { None } else { serde_json::to_string(&patch).ok() }
}

/// Whether a record's value shows what is wished. Objects may hold more than was wished, and
/// what is null is as good as missing; the same instant may be written in another way.
fn shows(there: &Value, wished: &Value) -> bool {
    match (there, wished) {
        (Value::Object(there), Value::Object(wished)) => wished
            .iter()
            .all(|(name, wished)| shows(there.get(name).unwrap_or(&Value::Null), wished)),
        (Value::Null, Value::Object(wished)) => wished.values().all(Value::is_null),
        (Value::Array(there), Value::Array(wished)) => {
            there.len() == wished.len()
                && there.iter().zip(wished).all(|(there, wished)| shows(there, wished))
        }
        (Value::String(there), Value::String(wished)) => {
            there == wished
                || instant(Some(there)).is_some_and(|at| Some(at) == instant(Some(wished)))
        }
        _ => there == wished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::shape::tests::shape;

    fn difference(wish: &str, record: &str) -> Option<String> {
        patch(&serde_json::from_str(wish).unwrap(), record, &shape(), None)
    }

    #[test]
    fn only_what_differs_is_sent() {
        let record = r#"{"number":"N","title":"a","note":null,"price":1.5,
            "at":"2026-11-22T10:00:00+00:00","who":[{"mail":"m","name":null}],"own":{"a":"1","b":"2"}}"#;
        for same in [
            r#"{"number":"other"}"#,
            r#"{"title":"a","note":null,"price":1.50}"#,
            r#"{"at":"2026-11-22T12:00:00+02:00"}"#,
            r#"{"who":[{"mail":"m"}],"own":{"b":"2"}}"#,
            r#"{"missing":null}"#,
        ] {
            assert_eq!(difference(same, record), None, "{same}");
        }
        for (wish, sent) in [
            (r#"{"number":"N","title":"b","price":1.5}"#, r#"{"title":"b"}"#),
            (r#"{"title":null}"#, r#"{"title":null}"#),
            (r#"{"price":1.60}"#, r#"{"price":1.60}"#),
            (r#"{"who":[]}"#, r#"{"who":[]}"#),
            (r#"{"own":{"a":"3"}}"#, r#"{"own":{"a":"3"}}"#),
            (r#"{"titel":"b"}"#, r#"{"titel":"b"}"#),
            (r#"{"password":"p"}"#, r#"{"password":"p"}"#),
        ] {
            assert_eq!(difference(wish, record).as_deref(), Some(sent));
        }
    }
}
