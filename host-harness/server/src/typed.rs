//! The description as generators of clients need it: what they make of it is as narrow as what is taken.

use aide::openapi::{OpenApi, Parameter, ParameterSchemaOrContent, ReferenceOr};
use serde_json::{Value, json};

use crate::describe::KEY;

/// Makes types narrower than those of the handlers' structures are.
pub fn narrow(described: &mut OpenApi) {
    let schemas = described.components.iter_mut().flat_map(|all| all.schemas.values_mut());
    for schema in schemas {
        without_defaults(&mut schema.json_schema);
    }
    let paths = described.paths.iter_mut().flat_map(|paths| paths.paths.values_mut());
    for item in paths {
        let ReferenceOr::Item(item) = item else { continue };
        if let Some(read) = &mut item.get {
            read.parameters.retain(|one| !one.as_item().is_some_and(is_key));
        }
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for parameter in &mut operation.parameters {
                let ReferenceOr::Item(parameter) = parameter else { continue };
                let data = parameter.parameter_data_mut();
                if let ParameterSchemaOrContent::Schema(schema) = &mut data.format {
                    without_null(&mut schema.json_schema);
                    bounded(&mut schema.json_schema);
                }
            }
            let is_record =
                matches!(operation.operation_id.as_deref(), Some("createRecord" | "updateRecord"));
            let bodies = operation.request_body.iter_mut().filter_map(|body| body.as_item_mut());
            for content in bodies.flat_map(|body| body.content.values_mut()) {
                if let Some(schema) = &mut content.schema
                    && is_record
                {
                    schema.json_schema = object();
                }
            }
        }
    }
}

/// What reads is asked again without a key.
fn is_key(parameter: &Parameter) -> bool {
    parameter.parameter_data_ref().name == KEY
}

/// A member with a default is taken by generators for one that is always there. What its default is, is told in
/// words.
fn without_defaults(schema: &mut schemars::Schema) {
    let Some(Value::Object(members)) = schema.ensure_object().get_mut("properties") else { return };
    for member in members.values_mut().filter_map(Value::as_object_mut) {
        member.remove("default");
    }
}

/// A parameter that is not there is left out: there is no null in a query.
fn without_null(schema: &mut schemars::Schema) {
    let Some(Value::Array(types)) = schema.ensure_object().get_mut("type") else { return };
    types.retain(|one| one != "null");
    if let [one] = types.as_slice() {
        let one = one.clone();
        schema.insert("type".to_owned(), one);
    }
}

/// A whole number is as large as what it is read into at most.
fn bounded(schema: &mut schemars::Schema) {
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => u64::from(u32::MAX),
        Some("uint64") => u64::MAX,
        _ => return,
    };
    if schema.get("maximum").is_none() {
        schema.insert("maximum".to_owned(), most.into());
    }
}

/// Any object.
fn object() -> schemars::Schema {
    let value = json!({"type": "object", "additionalProperties": true});
    value.try_into().unwrap_or_default()
}
