//! What the checker says of an input, and the same of a full implementation.

use super::*;
use serde_json::{Value as Json, json};

fn violations(schema: &Json, input: &str) -> Vec<(String, String)> {
    let schema = schema.to_string();
    let (schema, input) = (Value::parse(&schema).unwrap(), Value::parse(input).unwrap());
    check(&schema, &input, Unknown::Refuse).into_iter().map(|v| (v.pointer, v.message)).collect()
}

#[test]
fn violations_point_at_the_member() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["n"],
        "not": {"required": ["a", "b"]},
        "properties": {
            "a": {"type": ["integer", "null"], "minimum": 1, "maximum": 3},
            "b": {"enum": ["x", "y"]},
            "list": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
            "map": {"propertyNames": {"maxLength": 2}, "additionalProperties": {"type": "string"}},
            "n": {"type": "string", "minLength": 4, "pattern": "^[A-Z]+$"},
        },
    });
    for (input, expected) in [
        (r#"{"n":"ABCD"}"#, &[][..]),
        ("7", &[("", "must be of type object"), ("", "must not hold a and b together")]),
        ("{}", &[("/n", "is required")]),
        (r#"{"n":"AB"}"#, &[("/n", "must have at least 4 characters")]),
        (r#"{"n":"abcd"}"#, &[("/n", "must match ^[A-Z]+$")]),
        (r#"{"n":"ABCD","a":0}"#, &[("/a", "must be at least 1")]),
        (r#"{"n":"ABCD","a":4}"#, &[("/a", "must be at most 3")]),
        (r#"{"n":"ABCD","a":"1"}"#, &[("/a", "must be of type integer or null")]),
        (r#"{"n":"ABCD","a":1.5}"#, &[("/a", "must be of type integer or null")]),
        (r#"{"n":"ABCD","a":1,"b":"x"}"#, &[("", "must not hold a and b together")]),
        (r#"{"n":"ABCD","b":"z"}"#, &[("/b", "must be one of x, y")]),
        (
            r#"{"n":"ABCD","list":["a",7]}"#,
            &[("/list/1", "must be of type string"), ("/list", "must have at most 1 items")],
        ),
        (
            r#"{"n":"ABCD","map":{"abc":"1","d/~":7}}"#,
            &[
                ("/map/abc", "must have at most 2 characters"),
                ("/map/d~1~0", "must have at most 2 characters"),
                ("/map/d~1~0", "must be of type string"),
            ],
        ),
        (r#"{"n":"ABCD","n":"EFGH"}"#, &[("/n", "comes twice")]),
        (r#"{"n":"ABCD","m":1}"#, &[("/m", "is not a known member; known are a, b, list, map, n")]),
    ] {
        let mut found = violations(&schema, input);
        let mut expected: Vec<_> =
            expected.iter().map(|(p, m)| ((*p).to_owned(), (*m).to_owned())).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{input}");
    }
}

#[test]
fn unknown_members_pass_where_they_are_let() {
    let schema = json!({
        "additionalProperties": false,
        "properties": {
            "a": {"type": "string"},
            "list": {"items": {"additionalProperties": false, "properties": {"b": {"enum": ["x"]}}}},
            "ours": {"propertyNames": {"enum": ["c"]}},
        },
    });
    let input = r#"{"new":1,"a":7,"list":[{"new":1,"b":"y"}],"ours":{"new":1}}"#;
    let (schema, value) = (schema.to_string(), Value::parse(input).unwrap());
    let violations = check(&Value::parse(&schema).unwrap(), &value, Unknown::Pass);
    let found: Vec<_> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
    assert_eq!(found, ["/a", "/list/0/b", "/ours/new"]);
}

#[test]
fn one_of_several_forms_is_enough() {
    let schema = json!({
        "type": "object",
        "anyOf": [
            {"required": ["state"], "properties": {"state": {"type": "string"}}},
            {"required": ["postal_code"], "properties": {"postal_code": {"type": "string"}}},
        ],
        "properties": {"n": {"anyOf": [{"type": "null"}, {"enum": ["x"]}]}},
    });
    let neither = ("", "must hold state or postal_code");
    for (input, expected) in [
        (r#"{"state":"CA"}"#, None),
        (r#"{"postal_code":"1","state":null}"#, None),
        (r#"{"state":"CA","postal_code":"1","n":"x"}"#, None),
        ("{}", Some(neither)),
        (r#"{"state":null}"#, Some(neither)),
        (r#"{"state":"CA","n":7}"#, Some(("/n", "has none of the allowed forms"))),
    ] {
        let found = violations(&schema, input);
        let expected = expected.map(|(p, m): (&str, &str)| (p.to_owned(), m.to_owned()));
        assert_eq!(found, Vec::from_iter(expected), "{input}");
        let value = serde_json::from_str(input).unwrap();
        assert_eq!(jsonschema::is_valid(&schema, &value), found.is_empty(), "{input}");
    }
}

#[test]
fn a_large_wrong_input_is_refused_in_short_time() {
    let members: Vec<_> = (0..200_000).map(|n| format!("\"m{n}\":{n}")).collect();
    let input = format!("{{{}}}", members.join(","));
    let schema = json!({"type": "object", "additionalProperties": false});
    assert_eq!(violations(&schema, &input).len(), MOST_VIOLATIONS);
}

#[test]
fn an_input_that_is_not_json_says_where() {
    let error = accept("patch", "{}", r#"{"a":}"#, Unknown::Refuse).unwrap_err();
    let violations = error.violations();
    assert_eq!(violations[0].pointer, "");
    assert_eq!(violations[0].message, "is not JSON: a value expected at byte 5");
    assert!(error.message.starts_with("The patch is not valid: "), "{}", error.message);
}

#[test]
fn what_is_not_checked_is_told() {
    for (schema, expected) in [
        (r#"{"type":"string","maxLength":3,"pattern":"^[a-z]+$","x-also-called":["b"]}"#, &[][..]),
        (r#"{"allOf":[]}"#, &["/allOf is not checked"]),
        (r#"{"properties":{"a":{"const":1}}}"#, &["/properties/a/const is not checked"]),
        (r#"{"type":["number"],"minimum":0}"#, &["/minimum is checked of integers only"]),
        (r#"{"items":{"maxLength":2.0}}"#, &["/items/maxLength is not written as a whole number"]),
        (r#"{"anyOf":[{"pattern":"^a$"}]}"#, &["/anyOf/0/pattern has another form than ^[...]+$"]),
        (r#"{"enum":["a",1]}"#, &["/enum lists something else than texts"]),
        ("{", &["it is not JSON: a member or `}` expected at byte 1"]),
    ] {
        let found = faults(schema);
        let is_json = Value::parse(schema).is_ok();
        assert_eq!(found.len(), expected.len(), "{schema}: {found:?}");
        assert!(!is_json || found == expected, "{schema}: {found:?}");
    }
}
