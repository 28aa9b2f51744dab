//! From a JSON Merge Patch (RFC 7396) to the body of PUT /trackings/{id}.
//!
//! AfterShip takes a part of a tracking, but not nulls everywhere, and does not say whether it
//! merges or replaces objects inside (AfterShip API 2026-07, PUT /trackings/{id}). So:
//!
//! | patch | sent |
//! |---|---|
//! | `note: null` | `""`, which AfterShip documents as clearing |
//! | `last_mile: null` | `null`, likewise |
//! | `custom_fields: null`, `customers: null` | `{}`, `[]` |
//! | `order_promised_delivery_date: null` | its three members as `null` |
//! | an object for `custom_fields` or `order_promised_delivery_date` | merged with what is there |
//! | anything else | as it is, digit for digit |
//!
//! Other nulls are refused by the update schema: nothing documents how to clear those members.
//!
//! What a patch takes away is looked for in the answer: where AfterShip merges, it stays.

use connector_sdk::{
    DataRecord, Error,
    json::{self, Value, Writer, members},
    text::join,
};

const PROMISED: &str = "order_promised_delivery_date";
const PROMISED_MEMBERS: [&str; 3] =
    ["promised_delivery_date", "promised_delivery_date_min", "promised_delivery_date_max"];

/// The body to send. `read` gets the tracking as it is, and is called at most once, only when
/// the patch needs it.
pub(super) fn body(
    patch: &str,
    read: impl FnOnce() -> Result<DataRecord, Error>,
) -> Result<String, Error> {
    let members = members(patch).map_err(|_| {
        Error::invalid_member("", "The patch is not a JSON object. Give the members to change.")
    })?;
    let current = if members.iter().any(needs_current) { read()?.data } else { String::new() };
    let mut body = Writer::new();
    for (name, value) in &members {
        let merged = match (name.as_str(), *value) {
            ("note", "null") => "\"\"".to_owned(),
            ("custom_fields", "null") => "{}".to_owned(),
            ("customers", "null") => "[]".to_owned(),
            // Custom fields hold texts only, so one that is set to null is left out.
            ("custom_fields", _) => {
                json::merged(json::member(&current, name).unwrap_or("{}"), value)
            }
            (PROMISED, _) => promised(json::member(&current, name), value),
            _ => (*value).to_owned(),
        };
        body.raw(name, &merged);
    }
    Ok(body.finish())
}

fn needs_current((name, value): &(String, &str)) -> bool {
    match name.as_str() {
        "custom_fields" => *value != "null",
        PROMISED => {
            *value != "null"
                && PROMISED_MEMBERS.iter().any(|part| json::member(value, part).is_none())
        }
        _ => false,
    }
}

/// Its members may be null, so all three are always said: right whether AfterShip merges or
/// replaces.
fn promised(current: Option<&str>, patch: &str) -> String {
    let mut merged = Writer::new();
    for name in PROMISED_MEMBERS {
        let kept = || json::member(current.unwrap_or_default(), name);
        let value = if patch == "null" { None } else { json::member(patch, name).or_else(kept) };
        merged.raw(name, value.unwrap_or("null"));
    }
    merged.finish()
}

/// Refuses to call a patch done of which `tracking`, as AfterShip answers it, shows something that
/// it takes away.
///
/// # Errors
/// `conflict`, naming what is still there.
pub(in crate::objects) fn refuse_kept(patch: &str, tracking: &str) -> Result<(), Error> {
    let kept = kept(patch, tracking);
    if kept.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "AfterShip updated the tracking but kept what the patch takes away: {}. Set it to something \
         else, or remove it in the AfterShip admin.",
        join(&kept, ", ")
    )))
}

fn kept(patch: &str, tracking: &str) -> Vec<String> {
    let (Ok(patch), Ok(tracking)) = (Value::parse(patch), Value::parse(tracking)) else {
        return Vec::new();
    };
    let mut kept = Vec::new();
    for (name, wanted) in patch.members() {
        let there = tracking.get(name);
        match wanted {
            // Without a title of its own a tracking has its number as title.
            Value::Text(_) if name == "title" => {}
            Value::List(items) if there.is_some_and(|there| there.items().len() > items.len()) => {
                kept.push(name.to_string());
            }
            Value::Object(members) => kept.extend(
                members
                    .iter()
                    .filter(|(inner, wanted)| is_kept(wanted, there.and_then(|it| it.get(inner))))
                    .map(|(inner, _)| format!("{name}.{inner}")),
            ),
            _ if is_kept(wanted, there) => kept.push(name.to_string()),
            _ => {}
        }
    }
    kept
}

fn is_kept(wanted: &Value<'_>, there: Option<&Value<'_>>) -> bool {
    is_nothing(wanted) && there.is_some_and(|there| !is_nothing(there))
}

/// Null and what says as little.
fn is_nothing(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Object(members) => members.iter().all(|(_, value)| is_nothing(value)),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(patch: &str, current: Option<&str>) -> String {
        let record = |data: &str| DataRecord {
            id: "t1".into(),
            updated_at: None,
            created_at: None,
            version: None,
            data: data.into(),
        };
        body(patch, || Ok(record(current.expect("nothing is read")))).unwrap()
    }

    #[test]
    fn what_is_taken_away_and_still_there_is_named() {
        for (patch, answer, expected) in [
            (r#"{"custom_fields":{"b":null}}"#, r#"{"custom_fields":{"a":"1"}}"#, ""),
            (
                r#"{"custom_fields":{"b":null,"c":null,"a":"2"}}"#,
                r#"{"custom_fields":{"a":"2","b":"2","c":"3"}}"#,
                "custom_fields.b, custom_fields.c",
            ),
            (r#"{"custom_fields":null}"#, r#"{"custom_fields":{}}"#, ""),
            (r#"{"custom_fields":null}"#, r#"{"custom_fields":{"a":"1"}}"#, "custom_fields"),
            (r#"{"note":null}"#, r#"{"note":""}"#, ""),
            (r#"{"note":null}"#, r#"{"note":null}"#, ""),
            (r#"{"note":null,"title":"x"}"#, r#"{"note":"n","title":"t"}"#, "note"),
            (r#"{"order_id":""}"#, r#"{"order_id":"1"}"#, "order_id"),
            (r#"{"title":""}"#, r#"{"title":"N1"}"#, ""),
            (r#"{"last_mile":null}"#, r#"{"last_mile":{"slug":"ups"}}"#, "last_mile"),
            (r#"{"customers":null}"#, r#"{"customers":[{}]}"#, "customers"),
            (r#"{"customers":[{}]}"#, r#"{"customers":[{},{}]}"#, "customers"),
            (r#"{"customers":[{},{}]}"#, r#"{"customers":[{},{}]}"#, ""),
            (
                r#"{"order_promised_delivery_date":null}"#,
                r#"{"order_promised_delivery_date":{"promised_delivery_date":null}}"#,
                "",
            ),
            (
                r#"{"order_promised_delivery_date":{"promised_delivery_date":null}}"#,
                r#"{"order_promised_delivery_date":{"promised_delivery_date":"2026-01-01"}}"#,
                "order_promised_delivery_date.promised_delivery_date",
            ),
            // Nothing shows that it is there.
            (r#"{"note":null}"#, r#"{"id":"t1"}"#, ""),
        ] {
            assert_eq!(kept(patch, answer).join(", "), expected, "{patch} {answer}");
        }
    }

    #[test]
    fn plain_members_pass_untouched() {
        let patch = r#"{"title":"New \u0041","customers":[{"name":"A","id":"1"}],"note":"x"}"#;
        assert_eq!(sent(patch, None), patch);
    }

    #[test]
    fn null_clears_as_aftership_documents() {
        for (patch, body) in [
            (r#"{"note": null}"#, r#"{"note":""}"#),
            (r#"{"last_mile": null}"#, r#"{"last_mile":null}"#),
            (r#"{"custom_fields":null}"#, r#"{"custom_fields":{}}"#),
            (r#"{"customers":null}"#, r#"{"customers":[]}"#),
            (
                r#"{"order_promised_delivery_date":null}"#,
                r#"{"order_promised_delivery_date":{"promised_delivery_date":null,"promised_delivery_date_min":null,"promised_delivery_date_max":null}}"#,
            ),
        ] {
            assert_eq!(sent(patch, None), body);
        }
    }

    #[test]
    fn objects_are_merged_with_what_is_there() {
        let current = r#"{"id":"t1","custom_fields":{"a":"1","b":"2"}}"#;
        for (patch, body) in [
            (r#"{"custom_fields":{"b":null,"c":"3"}}"#, r#"{"custom_fields":{"a":"1","c":"3"}}"#),
            (r#"{"custom_fields":{"a":"9"}}"#, r#"{"custom_fields":{"b":"2","a":"9"}}"#),
            (r#"{"custom_fields":{}}"#, r#"{"custom_fields":{"a":"1","b":"2"}}"#),
        ] {
            assert_eq!(sent(patch, Some(current)), body);
        }
        let without = r#"{"id":"t1","custom_fields":null}"#;
        let patch = r#"{"custom_fields":{"a":"1"}}"#;
        assert_eq!(sent(patch, Some(without)), patch);
    }

    #[test]
    fn a_promised_date_keeps_what_the_patch_leaves_out() {
        let current = r#"{"order_promised_delivery_date":{"promised_delivery_date":"2026-01-01","promised_delivery_date_max":"2026-01-03","promised_delivery_date_min":null}}"#;
        let patch = r#"{"order_promised_delivery_date":{"promised_delivery_date":"2026-02-01"}}"#;
        let body = r#"{"order_promised_delivery_date":{"promised_delivery_date":"2026-02-01","promised_delivery_date_min":null,"promised_delivery_date_max":"2026-01-03"}}"#;
        assert_eq!(sent(patch, Some(current)), body);
        let whole = r#"{"order_promised_delivery_date":{"promised_delivery_date":null,"promised_delivery_date_min":"2026-01-01","promised_delivery_date_max":null}}"#;
        assert_eq!(sent(whole, None), whole);
    }
}
