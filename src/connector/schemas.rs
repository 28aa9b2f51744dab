//! The schemas of all objects, and the checker on them against a full implementation.

use connector_sdk::declare::Descriptor;
use connector_sdk::json::Value;
use connector_sdk::schema::{Unknown, check};
use connector_sdk::{Connector as _, Packed};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::AfterShip;
use crate::objects::REGISTRY;
use crate::testing::whole;

fn input_schemas(descriptor: &'static Descriptor) -> Vec<Packed> {
    let optional = [descriptor.create_schema, descriptor.update_schema].into_iter().flatten();
    let actions = descriptor.actions.iter().map(|action| action.input_schema);
    let searched = descriptor.find_schema.into_iter().chain([descriptor.filter_schema]);
    optional.chain(actions).chain(searched).collect()
}

fn output_schemas(descriptor: &'static Descriptor) -> Vec<Packed> {
    let actions = descriptor.actions.iter().map(|action| action.output_schema);
    actions.chain([descriptor.record_schema]).collect()
}

fn every(schemas: fn(&'static Descriptor) -> Vec<Packed>) -> Vec<Json> {
    let texts = REGISTRY.iter().flat_map(|object| schemas(object.descriptor()));
    texts.map(|text| serde_json::from_str(&whole(text)).unwrap()).collect()
}

#[test]
fn every_schema_is_valid_json_schema() {
    for schema in every(input_schemas).iter().chain(&every(output_schemas)) {
        assert!(jsonschema::meta::is_valid(schema), "{schema}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}

#[test]
fn nothing_is_declared_twice_and_no_schema_says_more_than_is_checked() {
    assert_eq!(AfterShip::faults(), Vec::<String>::new());
}

#[test]
fn every_member_of_an_input_is_described() {
    for schema in every(input_schemas) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            assert!(member["description"].is_string(), "{name}");
        }
    }
}

#[test]
fn every_part_is_used_by_several() {
    let parts = AfterShip::SCHEMA_PARTS;
    let mut texts: Vec<Packed> = parts.iter().map(|(_, part)| *part).collect();
    let all = REGISTRY.iter().map(|object| object.descriptor());
    texts.extend(all.flat_map(|it| [input_schemas(it), output_schemas(it)].concat()));
    texts.sort_unstable();
    texts.dedup();
    for (name, _) in parts {
        let named = format!("\"$part\":\"{name}\"");
        let uses: usize = texts.iter().map(|text| text.unpack().matches(&named).count()).sum();
        assert!(uses > 1, "{name} is used {uses} times");
    }
}

fn violations(schema: &Json, input: &str) -> Vec<(String, String)> {
    let schema = schema.to_string();
    let (schema, input) = (Value::parse(&schema).unwrap(), Value::parse(input).unwrap());
    check(&schema, &input, Unknown::Refuse).into_iter().map(|v| (v.pointer, v.message)).collect()
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
