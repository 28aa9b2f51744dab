//! From `--filter NAME=VALUE` to the JSON object that `list` understands; likewise `--option`.
//!
//! The descriptor's schema gives each value its type:
//!
//! | the schema allows | `VALUE` becomes |
//! |---|---|
//! | array | a JSON array where it is written as one; else its items, parted at commas or given by several `--filter` |
//! | array and something else | that something else, when there is one value without a comma |
//! | boolean | `true` or `false` |
//! | integer, number | a number |
//! | object | a JSON object |
//! | string, or anything | a string |

use host_harness::schema::Schema;
use serde_json::{Map, Number, Value};

use super::usage::{Usage, unknown};

/// The values of a `kind` of options as JSON text; `None` without pairs.
///
/// # Errors
/// [`Usage`] names the filter that is not known, given twice, or of another type.
pub fn build(schema: &Value, kind: &str, pairs: &[(&str, &str)]) -> Result<Option<String>, Usage> {
    let (mut filter, known) = (Map::new(), Schema::of(schema).properties());
    for (name, _) in pairs {
        if filter.contains_key(*name) {
            continue;
        }
        let Some((_, property)) = known.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
            return Err(unknown(kind, name, &known));
        };
        let values: Vec<&str> =
            pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect();
        filter.insert((*name).to_owned(), value(property, name, &values)?);
    }
    Ok((!filter.is_empty()).then(|| Value::Object(filter).to_string()))
}

fn value(property: &Schema<'_>, name: &str, given: &[&str]) -> Result<Value, Usage> {
    let types = property.types();
    let allowed = |kind: &str| types.contains(&kind);
    let single = match given {
        [one] => Some(*one),
        _ => None,
    };
    if allowed("array") {
        if let Some(array) = single.and_then(written_array) {
            return Ok(array);
        }
        let only = types.iter().all(|kind| matches!(*kind, "array" | "null"));
        let list = only || given.len() > 1 || given.iter().any(|value| value.contains(','));
        if list {
            let types = property.items().map(|items| items.types()).unwrap_or_default();
            let parts = given.iter().flat_map(|value| value.split(','));
            let items = parts.map(|part| scalar(&types, name, part.trim()));
            return Ok(Value::Array(items.collect::<Result<_, _>>()?));
        }
    }
    match single {
        Some(one) => scalar(&types, name, one),
        None => Err(Usage::new(format!(
            "the filter \"{name}\" takes one value and was given {}",
            given.len()
        ))),
    }
}

/// An array in JSON: the way to write an item that holds a comma.
fn written_array(given: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(given).ok()?;
    value.is_array().then_some(value)
}

fn scalar(types: &[&str], name: &str, given: &str) -> Result<Value, Usage> {
    for kind in types {
        let read = match *kind {
            "boolean" => given.parse().ok().map(Value::Bool),
            "integer" => integer(given).map(Value::Number),
            "number" => given.parse().ok().map(Value::Number),
            "object" => serde_json::from_str(given).ok().filter(Value::is_object),
            _ => None,
        };
        if let Some(value) = read {
            return Ok(value);
        }
    }
    let typed = |kind: &&&str| !matches!(**kind, "null" | "array");
    let mut others = types.iter().filter(typed).peekable();
    if others.peek().is_none() || others.clone().any(|kind| *kind == "string") {
        return Ok(Value::String(given.to_owned()));
    }
    let words: Vec<&str> = others.map(|kind| in_words(kind)).collect();
    let expected = words.join(" or ");
    Err(Usage::new(format!("the filter \"{name}\" takes {expected}, and \"{given}\" is none")))
}

fn integer(given: &str) -> Option<Number> {
    let whole = given.parse::<i64>().map(Number::from).ok();
    whole.or_else(|| given.parse::<u64>().map(Number::from).ok())
}

fn in_words(kind: &str) -> &str {
    match kind {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "object" => "a JSON object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "word": { "type": "string" },
                "count": { "type": "integer" },
                "price": { "type": ["number", "null"] },
                "open": { "type": "boolean" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "numbers": { "type": "array", "items": { "type": "integer" } },
                "either": { "type": ["array", "string"], "items": { "type": "string" } },
                "any-of": { "anyOf": [
                    { "type": "integer" },
                    { "$ref": "#/$defs/list" },
                ] },
                "chosen": { "enum": ["a", "b"] },
                "free": {},
            },
            "$defs": { "list": { "type": "array", "items": { "type": "integer" } } },
        })
    }

    fn built(pairs: &[(&str, &str)]) -> String {
        build(&schema(), "filter", pairs).unwrap().unwrap()
    }

    #[test]
    fn values_take_the_type_of_the_schema() {
        for (name, given, expected) in [
            ("word", "7", r#"{"word":"7"}"#),
            ("word", "a,b", r#"{"word":"a,b"}"#),
            ("word", "", r#"{"word":""}"#),
            ("count", "-7", r#"{"count":-7}"#),
            ("count", "18446744073709551615", r#"{"count":18446744073709551615}"#),
            ("price", "1.5", r#"{"price":1.5}"#),
            ("open", "true", r#"{"open":true}"#),
            ("tags", "a", r#"{"tags":["a"]}"#),
            ("tags", "a, b", r#"{"tags":["a","b"]}"#),
            ("tags", r#"["a,b"]"#, r#"{"tags":["a,b"]}"#),
            ("numbers", "1,2", r#"{"numbers":[1,2]}"#),
            ("either", "a", r#"{"either":"a"}"#),
            ("either", "a,b", r#"{"either":["a","b"]}"#),
            ("any-of", "1", r#"{"any-of":1}"#),
            ("any-of", "1,2", r#"{"any-of":[1,2]}"#),
            ("chosen", "a", r#"{"chosen":"a"}"#),
            ("free", "x", r#"{"free":"x"}"#),
        ] {
            assert_eq!(built(&[(name, given)]), expected, "{name}={given}");
        }
    }

    #[test]
    fn several_values_join() {
        let pairs = [("tags", "a,b"), ("word", "x"), ("tags", "c")];
        assert_eq!(built(&pairs), r#"{"tags":["a","b","c"],"word":"x"}"#);
        let pairs = [("either", "a"), ("either", "b")];
        assert_eq!(built(&pairs), r#"{"either":["a","b"]}"#);
        assert_eq!(build(&schema(), "filter", &[]).unwrap(), None);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (pairs, expected) in [
            (vec![("open", "yes")], "the filter \"open\" takes true or false, and \"yes\" is none"),
            (
                vec![("count", "1.5")],
                "the filter \"count\" takes a whole number, and \"1.5\" is none",
            ),
            (
                vec![("numbers", "1,x")],
                "the filter \"numbers\" takes a whole number, and \"x\" is none",
            ),
            (
                vec![("word", "a"), ("word", "b")],
                "the filter \"word\" takes one value and was given 2",
            ),
            (
                vec![("wrod", "a")],
                "unknown filter \"wrod\"; known: word, count, price, open, tags, numbers, either, any-of, chosen, free",
            ),
        ] {
            assert_eq!(build(&schema(), "filter", &pairs).unwrap_err().to_string(), expected);
        }
        let none = build(&json!({ "type": "object" }), "filter", &[("a", "b")]).unwrap_err();
        assert_eq!(none.to_string(), "unknown filter \"a\"; none is known");
    }
}
