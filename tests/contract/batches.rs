//! Several writes in one request.

use std::sync::Mutex;

use host_harness::contract::batches::{Item, Operation, Patch, Removal};
use host_harness::contract::types::{Attempt, Written};
use host_harness::retry::Policy;
use host_harness::runtime::CallError;
use serde_json::{Value, json};

use super::{Asked, asked, connection, fails, provider};

fn items() -> Vec<Item> {
    let patch = Patch { id: "b".to_owned(), patch: "{\"n\":2}".to_owned(), expected: None };
    let removal = Removal { id: "c".to_owned(), expected: Some("v1".to_owned()) };
    let operations = [
        Operation::Create("{\"n\":1}".to_owned()),
        Operation::Update(patch),
        Operation::Delete(removal),
        Operation::Create("{\"n\":4}".to_owned()),
    ];
    let item = |(operation, key): (_, &str)| Item {
        operation,
        attempt: Attempt { key: key.to_owned(), again: false },
    };
    operations.into_iter().zip(["k1", "k2", "k3", "k4"]).map(item).collect()
}

/// Ids of what was written, `-` for what was removed; else the kind of the error.
fn ends(results: Vec<Result<Option<Written>, CallError>>) -> Vec<String> {
    let end = |result: Result<Option<Written>, CallError>| match result {
        Ok(Some(written)) => written.record().unwrap().id,
        Ok(None) => "-".to_owned(),
        Err(CallError::Connector(error)) => {
            format!("{:?}", error.kind).trim_start_matches("ErrorKind::").to_owned()
        }
        Err(other) => panic!("{other}"),
    };
    results.into_iter().map(end).collect()
}

/// Runs the items with a provider that gives these answers to batches, in this order, and
/// `single` to writes of one item. Answers what came of them, and keys and `again` of every
/// request.
async fn run(answers: Vec<Value>, single: fn(&Asked) -> Value) -> (Vec<String>, Vec<String>) {
    let answers = Mutex::new(answers.into_iter());
    let wire = provider(move |asked| match asked.path.as_str() {
        "tell/write" => answers.lock().unwrap().next().unwrap(),
        _ => single(asked),
    });
    let sent = wire.sent();
    let connection = connection(wire).await.with_policy(Policy::default().seed(7));
    let results = connection.write("things", &items()).await;
    let mark = |item: &Value| {
        let again = if item["again"] == true { "!" } else { "" };
        format!("{}{again}", item["key"].as_str().unwrap())
    };
    let asked = asked(&sent).into_iter().map(|(path, input)| match path.as_str() {
        "tell/write" => {
            let marks: Vec<_> = input["items"].as_array().unwrap().iter().map(mark).collect();
            marks.join(" ")
        }
        "tell/create" | "tell/update" | "tell/delete" => format!("one {}", mark(&input)),
        other => other.to_owned(),
    });
    (ends(results), asked.collect())
}

fn made(id: &str) -> Value {
    json!({ "id": id, "data": {} })
}

fn results(all: &[Value]) -> Value {
    json!({ "results": all })
}

fn nobody(asked: &Asked) -> Value {
    panic!("{}: {}", asked.path, asked.input)
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_did_not_take_is_handed_over_again() {
    let (ended, asked) = run(
        vec![results(&[made("a")]), results(&[made("b"), Value::Null]), results(&[made("d")])],
        nobody,
    )
    .await;
    assert_eq!(ended, ["a", "b", "-", "d"]);
    assert_eq!(asked, ["k1 k2 k3 k4", "k2 k3 k4", "k4"]);
}

#[tokio::test(start_paused = true)]
async fn each_item_of_a_lost_batch_is_told_so() {
    let whole = || results(&[made("a"), made("b"), Value::Null, made("d")]);
    let (ended, asked) = run(vec![fails("outcome-unknown"), whole()], nobody).await;
    assert_eq!(ended, ["a", "b", "-", "d"]);
    assert_eq!(asked, ["k1 k2 k3 k4", "k1! k2! k3! k4!"]);
    // What was certainly not applied is no lost attempt.
    let (ended, asked) = run(vec![fails("unavailable"), whole()], nobody).await;
    assert_eq!(ended, ["a", "b", "-", "d"]);
    assert_eq!(asked, ["k1 k2 k3 k4", "k1 k2 k3 k4"]);
    // Nobody knows what became of them, and each says so.
    let (ended, asked) = run(vec![fails("outcome-unknown"); 4], nobody).await;
    assert_eq!(ended, ["OutcomeUnknown"; 4]);
    assert_eq!(asked.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_fails_is_treated_as_one_that_was_sent_alone() {
    let some = results(&[
        fails("outcome-unknown"),
        fails("rate-limited"),
        fails("not-found"),
        fails("invalid-input"),
    ]);
    let (ended, asked) = run(vec![some], |asked| made(asked.input["key"].as_str().unwrap())).await;
    assert_eq!(ended, ["k1", "k2", "NotFound", "InvalidInput([])"]);
    assert_eq!(asked, ["k1 k2 k3 k4", "one k1!", "one k2"]);
    // A removal that finds nothing after a lost answer was ours.
    let after_loss = results(&[made("a"), made("b"), fails("not-found"), made("d")]);
    let (ended, asked) =
        run(vec![fails("outcome-unknown"), after_loss], |_| fails("not-found")).await;
    assert_eq!(ended, ["a", "b", "-", "d"]);
    assert_eq!(asked.last().unwrap(), "one k3!");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_whole_is_that_of_every_item_that_is_left() {
    let (ended, asked) = run(vec![results(&[made("a")]), fails("forbidden")], nobody).await;
    assert_eq!(ended, ["a", "Forbidden", "Forbidden", "Forbidden"]);
    assert_eq!(asked.len(), 2);
    let more = results(&vec![made("a"); 5]);
    let (ended, _) = run(vec![more], nobody).await;
    assert_eq!(ended, ["Internal"; 4], "five results of four items cannot be told apart");
}
