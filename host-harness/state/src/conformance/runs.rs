//! What every [`Runs`](crate::push::runs::Runs) must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::lists::run;
use super::{Database, State, connection};
use crate::Change;
use crate::push::runs::RunHold;
use crate::push::{IntentRow, IntentState};

/// The cases, each with the methods that they are about.
#[macro_export]
#[doc(hidden)]
macro_rules! runs_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* runs:
            a_run_is_worked_off_by_one_host [hold_run let_go_run]
            a_run_whose_host_died_is_taken_by_another [hold_run take_run]
            what_nobody_can_go_on_with_is_not_taken [hold_run let_go_run take_run]
        }
    };
}

fn hold(run: &str, attempt: &str) -> RunHold {
    RunHold {
        run: run.to_owned(),
        connector: "orders".to_owned(),
        policy: "park".to_owned(),
        attempt: attempt.to_owned(),
        for_ms: 30_000,
    }
}

/// A run of one item.
async fn begin(state: &Arc<dyn State>, id: &str, item: IntentState) {
    state.begin(run(id, "a", 5)).await.unwrap();
    let input = Some("{}".to_owned());
    let item = IntentRow { run: id.to_owned(), input, state: item, ..IntentRow::default() };
    state.add(vec![item]).await.unwrap();
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    state.seal(id, digest).await.unwrap();
}

async fn taken(state: &Arc<dyn State>, attempt: &str) -> Option<String> {
    let taken = state.take_run("orders", attempt, 30_000).await.unwrap()?;
    assert_eq!(taken.policy, "park");
    Some(taken.row.id)
}

async fn connected(database: &impl Database) -> Arc<dyn State> {
    let state = database.open();
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    state
}

pub async fn a_run_is_worked_off_by_one_host(database: &impl Database) {
    let state = connected(database).await;
    begin(&state, "r", IntentState::Pending).await;
    assert!(state.hold_run(hold("r", "x")).await.unwrap());
    let other = database.open();
    assert!(!other.hold_run(hold("r", "y")).await.unwrap());
    assert!(!other.hold_run(hold("nothing", "y")).await.unwrap());
    advance(Duration::from_secs(20)).await;
    assert!(state.hold_run(hold("r", "x")).await.unwrap());
    advance(Duration::from_secs(20)).await;
    assert!(!other.hold_run(hold("r", "y")).await.unwrap());
    other.let_go_run("r", "y", false).await.unwrap();
    assert!(!other.hold_run(hold("r", "y")).await.unwrap());
    state.let_go_run("r", "x", false).await.unwrap();
    assert!(other.hold_run(hold("r", "y")).await.unwrap());
}

pub async fn a_run_whose_host_died_is_taken_by_another(database: &impl Database) {
    let state = connected(database).await;
    begin(&state, "r", IntentState::Pending).await;
    begin(&state, "s", IntentState::Pending).await;
    let other = database.open();
    assert_eq!(taken(&other, "y").await, None, "nobody has begun to work it off");
    assert!(state.hold_run(hold("r", "x")).await.unwrap());
    advance(Duration::from_secs(1)).await;
    assert!(state.hold_run(hold("s", "x")).await.unwrap());
    advance(Duration::from_secs(28)).await;
    assert_eq!(taken(&other, "y").await, None);
    advance(Duration::from_secs(1)).await;
    assert_eq!(state.take_run("parcels", "y", 30_000).await.unwrap(), None);
    assert_eq!(taken(&other, "y").await.as_deref(), Some("r"));
    // The one before is told so.
    assert!(!state.hold_run(hold("r", "x")).await.unwrap());
    assert_eq!(taken(&other, "z").await, None);
    advance(Duration::from_secs(1)).await;
    assert_eq!(taken(&other, "z").await.as_deref(), Some("s"));
    assert_eq!(taken(&other, "z").await, None);
    // One that ends in order leaves it at once.
    other.let_go_run("s", "z", true).await.unwrap();
    assert_eq!(taken(&state, "x").await.as_deref(), Some("s"));
}

pub async fn what_nobody_can_go_on_with_is_not_taken(database: &impl Database) {
    let state = connected(database).await;
    for (id, item) in [("p", IntentState::Pending), ("q", IntentState::Failed)] {
        begin(&state, id, item).await;
        state.hold_run(hold(id, "x")).await.unwrap();
    }
    begin(&state, "w", IntentState::Pending).await;
    state.hold_run(hold("w", "x")).await.unwrap();
    // It waits for a person.
    state.let_go_run("w", "x", false).await.unwrap();
    advance(Duration::from_secs(60)).await;
    assert_eq!(taken(&state, "y").await.as_deref(), Some("p"));
    assert_eq!(taken(&state, "y").await, None);
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    advance(Duration::from_secs(60)).await;
    assert_eq!(taken(&state, "y").await, None);
    assert!(!state.hold_run(hold("p", "y")).await.unwrap());
}
