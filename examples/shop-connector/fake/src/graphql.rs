//! One GraphQL request: validated, paid for, executed.

use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Schema};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::data::page;
use crate::{Shop, Told};

const MAXIMUM: u64 = 2_000;
const RESTORED_A_SECOND: u64 = 100;
/// Of one query.
const MOST: u64 = 1_000;
const MUTATION: u64 = 10;

/// The points that are used, and since when.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    used: u64,
    at_ms: u64,
}

/// Answers a request; `None`: the answer is lost.
pub(crate) fn answer(shop: &mut Shop, scopes: Option<String>, body: &[u8]) -> Option<Told> {
    let Some(scopes) = scopes else {
        let words = json!({ "errors": "[API] Invalid API key or access token" });
        return Some((StatusCode::UNAUTHORIZED, words, None));
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let query = body["query"].as_str().unwrap_or_default();
    let mut cost = 0;
    let ran = run(shop, &scopes, query, &body, &mut cost);
    let name = query.split(['(', '{']).next().unwrap_or_default();
    shop.journal.push((name.trim().to_owned(), cost));
    let (mut answer, spent) = match ran {
        Ok((answer, spent)) => (answer, Some(spent)),
        Err((code, why)) => {
            let error = json!({ "message": why, "extensions": { "code": code } });
            (json!({ "errors": [error] }), None)
        }
    };
    shop.bucket.used += spent.unwrap_or_default();
    let left = MAXIMUM.saturating_sub(shop.bucket.used);
    let cost = json!({ "requestedQueryCost": cost, "actualQueryCost": spent });
    answer["extensions"]["cost"] = cost;
    answer["extensions"]["cost"]["throttleStatus"] = json!({
        "maximumAvailable": MAXIMUM, "currentlyAvailable": left, "restoreRate": RESTORED_A_SECOND,
    });
    let lost = query.starts_with("mutation") && std::mem::take(&mut shop.lose);
    (!lost).then_some((StatusCode::OK, answer, None))
}

/// The answer and its cost, or a code and a message.
fn run(
    shop: &mut Shop,
    scopes: &str,
    query: &str,
    body: &Value,
    cost: &mut u64,
) -> Result<(Value, u64), (&'static str, String)> {
    let invalid = |why: String| ("INVALID_QUERY", why);
    let document = ExecutableDocument::parse_and_validate(schema(), query, "query.graphql");
    let document = document.map_err(|wrong| invalid(wrong.errors.to_string()))?;
    let operation = document.operations.get(body["operationName"].as_str());
    let operation = operation.map_err(|wrong| invalid(wrong.message().to_string()))?;
    let variables =
        variables(operation, &body["variables"]).map_err(|why| ("INVALID_VARIABLE", why))?;

    let fee = MUTATION * u64::from(operation.is_mutation());
    let fee = fee * operation.selection_set.selections.len() as u64;
    let wanted = fee + charge(&operation.selection_set, &variables);
    *cost = wanted;
    let restored = shop.now_ms.saturating_sub(shop.bucket.at_ms) * RESTORED_A_SECOND / 1_000;
    shop.bucket = Bucket { used: shop.bucket.used.saturating_sub(restored), at_ms: shop.now_ms };
    if wanted > MOST {
        return Err((
            "MAX_COST_EXCEEDED",
            format!("Query cost is {wanted}, which exceeds the limit"),
        ));
    }
    if shop.throttle > 0 || shop.bucket.used + wanted > MAXIMUM {
        shop.throttle = shop.throttle.saturating_sub(1);
        return Err(("THROTTLED", "Throttled".to_owned()));
    }
    for field in operation.root_fields(&document) {
        let scope = match field.name.as_str() {
            "fulfillmentEventCreate" => "write_fulfillments",
            name if name.starts_with("webhook") => continue,
            _ => "read_orders",
        };
        if !scopes.split(',').any(|granted| granted == scope) {
            let why = format!("Access denied for {} field. Required access: `{scope}`", field.name);
            return Err(("ACCESS_DENIED", why));
        }
    }
    let root = &operation.selection_set;
    let data = project(root, &variables, &mut |name, given| shop.root(name, given));
    let data = data.map_err(|why| ("BAD_REQUEST", why))?;
    Ok((json!({ "data": data }), fee + objects(&data).saturating_sub(1)))
}

#[allow(clippy::expect_used, reason = "the schema is part of the program, and every test reads it")]
fn schema() -> &'static Valid<Schema> {
    static SCHEMA: std::sync::OnceLock<Valid<Schema>> = std::sync::OnceLock::new();
    let text = include_str!("schema.graphql");
    SCHEMA.get_or_init(|| Schema::parse_and_validate(text, "schema.graphql").expect("a schema"))
}

/// Those that the operation declares, of their types.
fn variables(operation: &Operation, given: &Value) -> Result<Valid<JsonMap>, String> {
    let given = given.as_object().cloned().unwrap_or_default();
    let is_declared = |name: &str| operation.variables.iter().any(|one| one.name == *name);
    if let Some(unknown) = given.keys().find(|name| !is_declared(name)) {
        return Err(format!("Variable ${unknown} is not declared"));
    }
    let given = given.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    coerce_variable_values(schema(), operation, &given).map_err(|wrong| wrong.message().to_string())
}

/// The most objects that a selection may yield: each times `first`, or the number of `ids`. A list
/// without either counts as one, a connection and its page info as none.
fn charge(set: &SelectionSet, variables: &JsonMap) -> u64 {
    let costs = set.selections.iter().map(|selection| match selection {
        Selection::Field(field) if field.selection_set.is_empty() => 0,
        Selection::Field(field) => {
            let kind = field.ty().inner_named_type().as_str();
            let own = u64::from(kind != "PageInfo" && !kind.ends_with("Connection"));
            times(field, variables) * (own + charge(&field.selection_set, variables))
        }
        Selection::InlineFragment(fragment) => charge(&fragment.selection_set, variables),
        // The most that a query may cost, so that nobody relies on what is not counted.
        Selection::FragmentSpread(_) => MOST,
    });
    costs.sum()
}

fn times(field: &Field, variables: &JsonMap) -> u64 {
    let given = arguments(field, variables);
    given["ids"].as_array().map_or(given["first"].as_u64().unwrap_or(1), |all| all.len() as u64)
}

/// The arguments of a field, as JSON.
fn arguments(field: &Field, variables: &JsonMap) -> Value {
    let values = field.arguments.iter().map(|argument| {
        let text = argument.value.to_string();
        let value = match argument.value.as_variable() {
            Some(name) => serde_json::to_value(variables.get(name.as_str())).unwrap_or_default(),
            None => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        (argument.name.to_string(), value)
    });
    Value::Object(values.collect())
}

/// What a selection takes of an object, whose members `member` answers.
fn project(
    set: &SelectionSet,
    variables: &JsonMap,
    member: &mut dyn FnMut(&str, &Value) -> Result<Value, String>,
) -> Result<Value, String> {
    let mut taken = Map::new();
    for selection in &set.selections {
        let field = match selection {
            Selection::Field(field) => field,
            Selection::InlineFragment(fragment) => {
                // A node's id tells its type.
                let id = member("id", &Value::Null)?;
                let kind = id.as_str().and_then(|id| id.split('/').nth(3));
                if kind == fragment.type_condition.as_ref().map(Name::as_str) {
                    let inner = project(&fragment.selection_set, variables, member)?;
                    taken.extend(inner.as_object().cloned().unwrap_or_default());
                }
                continue;
            }
            Selection::FragmentSpread(_) => return Err("Fragments are not served".to_owned()),
        };
        let given = arguments(field, variables);
        let mut value = member(&field.name, &given)?;
        if field.ty().inner_named_type().ends_with("Connection") {
            value = page(value, &given)?;
        }
        let inner = |one: &Value| match one.is_object() && !field.selection_set.is_empty() {
            true => project(&field.selection_set, variables, &mut |name, _| Ok(one[name].clone())),
            false => Ok(one.clone()),
        };
        let value = match &value {
            Value::Array(all) => all.iter().map(inner).collect::<Result<_, _>>()?,
            one => inner(one)?,
        };
        taken.insert(field.response_key().to_string(), value);
    }
    Ok(taken.into())
}

fn objects(value: &Value) -> u64 {
    match value {
        Value::Array(all) => all.iter().map(objects).sum(),
        Value::Object(members) => {
            let own = !members.contains_key("nodes") && !members.contains_key("hasNextPage");
            u64::from(own) + members.values().map(objects).sum::<u64>()
        }
        _ => 0,
    }
}
