//! The table of objects and operations, one test a cell: its module is the object, its name the
//! operation or action. What the manifest offers and has no test here fails, and so does a test
//! of what it does not offer, and an operation not offered that answers anything but
//! `unsupported`.

mod carrier_connections;
mod checkpoints;
mod couriers;
mod estimated_delivery_dates;
mod notifications;
mod trackings;
mod webhooks;

use std::collections::BTreeSet;
use std::process::Command;

use host_harness::contract::actions::{Invocation, Outcome};
use host_harness::contract::records::{ListRequest, Start, View};
use host_harness::contract::subscriptions::{
    ManualSteps, SubscriptionOutcome, SubscriptionRequest,
};
use host_harness::contract::types::{DataRecord, ErrorKind};
use host_harness::retry::first_attempt;
use host_harness::runtime::{CallError, Connection};
use serde_json::Value;

use crate::support::world::{World, kind};

/// A number that the courier `ups` takes.
const UPS: &str = "1Z12345E0205271688";

/// All of `object` that fits `filter`.
fn all(object: &str, filter: Option<Value>) -> ListRequest {
    let filter = filter.map(|filter| filter.to_string());
    let view = View { fields: vec![], options: None };
    ListRequest {
        object: object.to_owned(),
        start: Start::Beginning,
        page_size: None,
        filter,
        view,
    }
}

/// The record's JSON, which its object's schema must accept.
async fn valid(world: &World, object: &str, record: &DataRecord) -> Value {
    all_valid(world, object, std::slice::from_ref(record)).await.remove(0)
}

/// As [`valid`], for many.
async fn all_valid(world: &World, object: &str, records: &[DataRecord]) -> Vec<Value> {
    let described = world.connection.connector().describe(object).await.unwrap();
    let schema: Value = serde_json::from_str(&described.record_schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    records.iter().map(|record| accepted_by(&schema, &record.data)).collect()
}

/// `text` as JSON, which `schema` must accept.
fn accepted(schema: &str, text: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap();
    accepted_by(&jsonschema::validator_for(&schema).unwrap(), text)
}

fn accepted_by(schema: &jsonschema::Validator, text: &str) -> Value {
    let data: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = schema.iter_errors(&data).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {data}");
    data
}

async fn invoke(world: &World, object: &str, action: &str, input: Value) -> Value {
    let outcome = try_invoke(world, object, action, None, &input.to_string()).await.unwrap();
    let described = world.connection.connector().describe(object).await.unwrap();
    let action = described.actions.into_iter().find(|known| known.name == action).unwrap();
    accepted(&action.output_schema, &outcome.output)
}

async fn try_invoke(
    world: &World,
    object: &str,
    action: &str,
    id: Option<&str>,
    input: &str,
) -> Result<Outcome, CallError> {
    let invocation = Invocation {
        object: object.to_owned(),
        action: action.to_owned(),
        id: id.map(str::to_owned),
        input: input.to_owned(),
        attempt: first_attempt().unwrap(),
    };
    world.connection.invoke(&invocation).await
}

/// The pointers of the violations that an input was refused for.
fn pointers<T: std::fmt::Debug>(result: Result<T, CallError>) -> Vec<String> {
    match kind(result) {
        ErrorKind::InvalidInput(found) => found.into_iter().map(|one| one.pointer).collect(),
        other => panic!("expected an invalid input, got {other:?}"),
    }
}

async fn steps(world: &World, object: &str, url: &str) -> ManualSteps {
    let request = SubscriptionRequest {
        object: object.to_owned(),
        events: Vec::new(),
        target_url: url.to_owned(),
        renews: None,
        attempt: first_attempt().unwrap(),
    };
    match world.once().subscribe(&request).await.unwrap() {
        SubscriptionOutcome::Manual(steps) => steps,
        SubscriptionOutcome::Subscribed(made) => panic!("nothing can be subscribed: {made:?}"),
    }
}

/// The names of the tests in this file's modules: `(object, operation or action)`.
fn cells() -> BTreeSet<(String, String)> {
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let cells = names.filter_map(|name| name.strip_prefix("cells::")?.split_once("::"));
    let dashed = |name: &str| name.replace('_', "-");
    cells.map(|(object, operation)| (dashed(object), dashed(operation))).collect()
}

async fn call(connection: &Connection, object: &str, operation: &str) -> Result<(), CallError> {
    match operation {
        "list" => connection.list(&all(object, None)).await.map(drop),
        "get" => connection.get(object, "x").await.map(drop),
        "create" => connection.create(object, "{}").await.map(drop),
        "update" => connection.update(object, "x", "{}").await.map(drop),
        "delete" => connection.delete(object, "x").await,
        "find" => connection.find(object, "{}").await.map(drop),
        "derive" => connection.derive(&[object.to_owned()], vec![]).await.map(drop),
        "subscribe" => {
            let target_url = "https://hooks.example/x".to_owned();
            let request = SubscriptionRequest {
                object: object.to_owned(),
                events: vec![],
                target_url,
                renews: None,
                attempt: first_attempt().unwrap(),
            };
            connection.subscribe(&request).await.map(drop)
        }
        other => panic!("{other} is no operation"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_cell_has_its_test_and_every_other_is_refused() {
    let world = World::new().await;
    let connector = world.connection.connector();
    let mut offered = BTreeSet::new();
    for summary in &connector.manifest().objects {
        let described = connector.describe(&summary.name).await.unwrap();
        let mut here: Vec<String> = summary.operations.clone();
        here.extend(described.actions.into_iter().map(|action| action.name));
        here.extend(described.derived_from.map(|_| "derive".to_owned()));
        here.extend(described.create_schema.map(|_| "find".to_owned()));
        let all = ["list", "get", "create", "update", "delete", "find", "derive", "subscribe"];
        for operation in all.into_iter().filter(|name| !here.iter().any(|known| known == name)) {
            let refused = call(&world.once(), &summary.name, operation).await;
            let what = format!("{operation} of {}", summary.name);
            match refused {
                Err(CallError::Connector(error)) => {
                    assert_eq!(error.kind, ErrorKind::Unsupported, "{what}: {}", error.message);
                    assert!(error.message.split(". ").count() > 1, "{what}: what to do instead?");
                }
                other => panic!("{what}: {other:?}"),
            }
        }
        offered.extend(here.into_iter().map(|operation| (summary.name.clone(), operation)));
    }
    assert!(world.requests().is_empty(), "what is not offered costs no request");
    let tested = cells();
    let untested: Vec<_> = offered.difference(&tested).collect();
    let unknown: Vec<_> = tested.difference(&offered).collect();
    assert!(
        untested.is_empty() && unknown.is_empty(),
        "untested {untested:?}, unknown {unknown:?}"
    );
}
