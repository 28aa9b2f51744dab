//! The checker against a full implementation of JSON Schema.

use super::*;
use crate::objects::{Descriptor, REGISTRY};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn input_schemas(descriptor: &'static Descriptor) -> Vec<&'static str> {
    let optional = [descriptor.create_schema, descriptor.update_schema].into_iter().flatten();
    let actions = descriptor.actions.iter().map(|action| action.input_schema);
    let searched = descriptor.find_schema.into_iter().chain([descriptor.filter_schema]);
    optional.chain(actions).chain(searched).collect()
}

fn output_schemas(descriptor: &'static Descriptor) -> Vec<&'static str> {
    let actions = descriptor.actions.iter().map(|action| action.output_schema);
    actions.chain([descriptor.record_schema]).collect()
}

fn every(schemas: fn(&'static Descriptor) -> Vec<&'static str>) -> Vec<Json> {
    let texts = REGISTRY.iter().flat_map(|object| schemas(object.descriptor()));
    texts.map(|text| serde_json::from_str(&whole(text)).unwrap()).collect()
}

/// Every schema inside a schema, itself first.
fn walk(schema: &Json, visit: &mut impl FnMut(&serde_json::Map<String, Json>)) {
    let Json::Object(keywords) = schema else {
        return;
    };
    visit(keywords);
    for (keyword, rule) in keywords {
        match (keyword.as_str(), rule) {
            ("properties", Json::Object(members)) => members.values().for_each(|s| walk(s, visit)),
            ("additionalProperties" | "propertyNames" | "items" | "not", rule) => walk(rule, visit),
            ("anyOf", Json::Array(forms)) => forms.iter().for_each(|form| walk(form, visit)),
            _ => {}
        }
    }
}

#[test]
fn every_schema_is_valid_json_schema() {
    for schema in every(input_schemas).iter().chain(&every(output_schemas)) {
        assert!(jsonschema::meta::is_valid(schema), "{schema}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}

#[test]
fn no_input_schema_uses_a_keyword_that_is_not_checked() {
    for schema in every(input_schemas) {
        walk(&schema, &mut |keywords| {
            for (keyword, rule) in keywords {
                assert!(KEYWORDS.contains(&keyword.as_str()), "{keyword}");
                match keyword.as_str() {
                    "pattern" => {
                        assert!(pattern::matches(rule.as_str().unwrap(), "a").is_some(), "{rule}");
                    }
                    "enum" => assert!(rule.as_array().unwrap().iter().all(Json::is_string)),
                    // They bound integers only, so a number beside them would pass.
                    "minimum" | "maximum" => {
                        let kinds = keywords["type"].to_string();
                        assert!(rule.is_i64() && !kinds.contains("\"number\""), "{kinds}");
                    }
                    _ => {}
                }
            }
        });
    }
}

#[test]
fn every_member_of_an_input_is_described() {
    for schema in every(input_schemas) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            assert!(member["description"].is_string(), "{name}");
        }
    }
}

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
    let Error::InvalidInput { failure, violations } = error else { panic!("{error:?}") };
    assert_eq!(violations[0].pointer, "");
    assert_eq!(violations[0].message, "is not JSON: a value expected at byte 5");
    assert!(failure.message.starts_with("The patch is not valid: "), "{}", failure.message);
}

/// A value near a schema: mostly what it asks for, sometimes something else.
fn near(schema: &Json) -> BoxedStrategy<Json> {
    let anything = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (-3_i64..300).prop_map(|number| json!(number)),
        Just(json!(1.5)),
        "[A-Za-z0-9_. ,/-]{0,6}".prop_map(Json::String),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["fedex", 7])),
        Just(json!({"slug": "x"})),
    ];
    let mut fitting: Vec<BoxedStrategy<Json>> = vec![anything.boxed()];
    if let Some(words) = schema["enum"].as_array() {
        fitting.push(prop::sample::select(words.clone()).boxed());
    }
    let kinds = match &schema["type"] {
        Json::String(kind) => vec![kind.clone()],
        Json::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect(),
        _ => vec!["string".to_owned()],
    };
    for kind in kinds {
        let strategy = match kind.as_str() {
            "null" => Just(Json::Null).boxed(),
            "boolean" => any::<bool>().prop_map(Json::Bool).boxed(),
            "integer" | "number" => (0_i64..10).prop_map(|number| json!(number)).boxed(),
            "array" => proptest::collection::vec(near(&schema["items"]), 0..5)
                .prop_map(Json::Array)
                .boxed(),
            "object" => object(schema),
            _ => prop_oneof![
                "[A-Z]{1,5}",
                "[a-z0-9-]{1,12}",
                "[A-Z0-9._/-]{4,12}",
                "[0-9]{1,3}",
                "[a-z]{20,40}",
                Just("2026-11-22T09:30:00Z".to_owned()),
            ]
            .prop_map(Json::String)
            .boxed(),
        };
        fitting.extend([strategy.clone(), strategy.clone(), strategy]);
    }
    proptest::strategy::Union::new(fitting).boxed()
}

fn object(schema: &Json) -> BoxedStrategy<Json> {
    let mut members: Vec<BoxedStrategy<(String, Json)>> =
        vec![("[a-z_]{1,35}", near(&schema["additionalProperties"])).boxed()];
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        members.push((Just(name.clone()), near(member)).boxed());
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let required: Vec<_> = required
        .iter()
        .map(|name| {
            let name = name.as_str().unwrap().to_owned();
            let member = near(&schema["properties"][&name]);
            (Just(name), member, prop::bool::weighted(0.9))
        })
        .collect();
    let some = proptest::collection::vec(proptest::strategy::Union::new(members), 0..6);
    (required, some)
        .prop_map(|(required, some)| {
            let required = required.into_iter().filter(|(_, _, there)| *there);
            required.map(|(name, value, _)| (name, value)).chain(some).collect()
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_verdict_is_that_of_a_full_implementation(
        (schema, input) in prop::sample::select(every(input_schemas))
            .prop_flat_map(|schema| { let input = near(&schema); (Just(schema), input) })
    ) {
        let verdict = jsonschema::validator_for(&schema).unwrap().is_valid(&input);
        let found = violations(&schema, &input.to_string());
        prop_assert_eq!(found.is_empty(), verdict, "{} {:?}", input, found);
    }
}
