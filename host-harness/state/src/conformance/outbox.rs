//! What every [`Outbox`](crate::outbox::Outbox) must do.

use std::sync::Arc;
use std::time::Duration;

use super::{Database, START_S, State, connection};
use crate::Change;
use crate::mirror::{Batch, Source};
use crate::outbox::{Missed, Outgoing, Parked};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! outbox_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* outbox:
            a_target_begins_with_the_next_change [begin_target outgoing taken]
            changes_come_with_what_they_are_between [outgoing]
            what_was_not_taken_is_parked_by_record [taken due_parked tried behind_parked]
            versions_stay_until_every_target_has_had_them [begin_target taken outgoing]
            a_target_that_is_silent_holds_nothing_back_and_is_told [missed taken outgoing]
        }
    };
}

const TARGET: &str = "https://a.example.com/";

async fn state(database: &impl Database) -> Arc<dyn State> {
    let state = database.open();
    let both = ["a", "b"].map(|name| Change::PutConnection(connection(name)));
    state.commit(both.into()).await.unwrap();
    state
}

/// A record of a connection is like this now.
async fn put(state: &Arc<dyn State>, whose: &str, id: &str, data: &str) {
    let whose = format!("id-of-{whose}");
    let asked = state.moment(&whose).await.unwrap();
    let record = connector_contract::types::DataRecord {
        id: id.to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: data.to_owned(),
    };
    let batch = Batch::new(&whose, "orders", Source::Lookup, asked);
    state.apply(Batch { records: vec![record], ..batch }).await.unwrap();
}

async fn outgoing(state: &Arc<dyn State>, target: &str) -> Vec<Outgoing> {
    let mut all = state.outgoing(target, 99).await.unwrap();
    all.sort_by(|one, other| one.connection.cmp(&other.connection));
    all
}

fn numbers(all: &[Outgoing]) -> Vec<(&str, u64)> {
    all.iter().map(|one| (&*one.connection, one.change.number)).collect()
}

fn position(whose: &str, number: u64) -> (String, u64) {
    (format!("id-of-{whose}"), number)
}

fn parked(whose: &str, change: u64, next_s: u64) -> Parked {
    Parked {
        connection: format!("id-of-{whose}"),
        change,
        since_ms: 5,
        attempts: 2,
        next_ms: (START_S + next_s) * 1_000,
        reason: "no".to_owned(),
    }
}

pub async fn a_target_begins_with_the_next_change(database: &impl Database) {
    let state = state(database).await;
    put(&state, "a", "1", "[1]").await;
    state.begin_target(TARGET).await.unwrap();
    assert!(outgoing(&state, TARGET).await.is_empty());
    put(&state, "a", "1", "[2]").await;
    // Of this one nothing was kept when the target came.
    put(&state, "b", "1", "[1]").await;
    // Once more changes nothing.
    state.begin_target(TARGET).await.unwrap();
    let state = database.open();
    assert_eq!(numbers(&outgoing(&state, TARGET).await), [("a", 2), ("b", 1)]);
    state.taken(TARGET, vec![position("a", 2)], vec![]).await.unwrap();
    assert_eq!(numbers(&outgoing(&state, TARGET).await), [("b", 1)]);
    state.taken(TARGET, vec![position("b", 1)], vec![]).await.unwrap();
    assert!(outgoing(&state, TARGET).await.is_empty());
    for number in 3..9 {
        put(&state, "a", "1", &format!("[{number}]")).await;
    }
    let some = state.outgoing(TARGET, 2).await.unwrap();
    assert_eq!(numbers(&some), [("a", 3), ("a", 4)]);
    // With its connection goes what is left.
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    assert!(outgoing(&state, TARGET).await.is_empty());
}

pub async fn changes_come_with_what_they_are_between(database: &impl Database) {
    let state = state(database).await;
    state.begin_target(TARGET).await.unwrap();
    for data in ["[1]", "[2]", "[3]"] {
        put(&state, "a", "1", data).await;
    }
    let asked = state.moment("id-of-a").await.unwrap();
    let gone = Batch::new("id-of-a", "orders", Source::Lookup, asked);
    state.apply(Batch { deleted: vec!["1".to_owned()], ..gone }).await.unwrap();
    let all = outgoing(&state, TARGET).await;
    let between: Vec<_> =
        all.iter().map(|one| (one.before.as_deref(), one.after.as_deref())).collect();
    let expected = [
        (None, Some("[1]")),
        (Some("[1]"), Some("[2]")),
        (Some("[2]"), Some("[3]")),
        (Some("[3]"), None),
    ];
    assert_eq!(between, expected);
    assert!(all.iter().all(|one| one.change.connection == "id-of-a" && one.connection == "a"));
}

pub async fn what_was_not_taken_is_parked_by_record(database: &impl Database) {
    let state = state(database).await;
    state.begin_target(TARGET).await.unwrap();
    for (id, data) in [("1", "[1]"), ("2", "[1]"), ("1", "[2]"), ("1", "[3]")] {
        put(&state, "a", id, data).await;
    }
    put(&state, "b", "1", "[1]").await;
    let both = vec![parked("a", 1, 10), parked("a", 3, 0)];
    state.taken(TARGET, vec![position("a", 3)], both).await.unwrap();
    let changes = vec![position("a", 4), position("b", 1), position("a", 2)];
    let behind = state.behind_parked(TARGET, changes.clone()).await.unwrap();
    assert_eq!(behind, [position("a", 4)]);
    assert!(state.behind_parked("https://other/", changes).await.unwrap().is_empty());
    // The oldest of a record first, though a later one is due.
    assert!(state.due_parked(TARGET, 9).await.unwrap().is_empty());
    tokio::time::advance(Duration::from_secs(10)).await;
    let due = state.due_parked(TARGET, 9).await.unwrap();
    let [(one, outgoing)] = &due[..] else { panic!("{due:?}") };
    assert_eq!((one, outgoing.change.number), (&parked("a", 1, 10), 1));
    assert_eq!(outgoing.after.as_deref(), Some("[1]"));
    // Later, or done with.
    state.tried(TARGET, "id-of-a", 1, Some(parked("a", 1, 20))).await.unwrap();
    assert!(state.due_parked(TARGET, 9).await.unwrap().is_empty());
    state.tried(TARGET, "id-of-a", 1, None).await.unwrap();
    let due = state.due_parked(TARGET, 9).await.unwrap();
    assert_eq!(due.iter().map(|(one, _)| one.change).collect::<Vec<_>>(), [3]);
    state.tried(TARGET, "id-of-a", 3, None).await.unwrap();
    assert!(state.behind_parked(TARGET, vec![position("a", 4)]).await.unwrap().is_empty());
}

pub async fn versions_stay_until_every_target_has_had_them(database: &impl Database) {
    let state = state(database).await;
    let other = "https://b.example.com/";
    state.begin_target(TARGET).await.unwrap();
    state.begin_target(other).await.unwrap();
    put(&state, "a", "1", "[1]").await;
    put(&state, "a", "1", "[2]").await;
    state.taken(TARGET, vec![position("a", 2)], vec![parked("a", 1, 0)]).await.unwrap();
    let maintain = async || while state.maintain().await.unwrap() {};
    maintain().await;
    assert!(outgoing(&state, other).await.iter().all(|one| one.after.is_some()));
    state.taken(other, vec![position("a", 2)], vec![]).await.unwrap();
    maintain().await;
    // One is parked yet.
    let due = state.due_parked(TARGET, 9).await.unwrap();
    assert_eq!(due.iter().map(|(_, one)| one.after.as_deref()).collect::<Vec<_>>(), [Some("[1]")]);
}

pub async fn a_target_that_is_silent_holds_nothing_back_and_is_told(database: &impl Database) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let state = state(database).await;
    state.begin_target(TARGET).await.unwrap();
    for data in ["[1]", "[2]", "[3]"] {
        put(&state, "a", "1", data).await;
    }
    state.taken(TARGET, vec![position("a", 1)], vec![]).await.unwrap();
    let maintain = async || while state.maintain().await.unwrap() {};
    tokio::time::advance(DAY * 29).await;
    maintain().await;
    assert_eq!(state.missed(TARGET).await.unwrap(), []);
    tokio::time::advance(DAY * 2).await;
    maintain().await;
    let (connection, name) = ("id-of-a".to_owned(), "a".to_owned());
    let missed = Missed { connection, name, position: 1, forgotten: 3 };
    assert_eq!(state.missed(TARGET).await.unwrap(), [missed]);
    assert!(outgoing(&state, TARGET).await.is_empty());
    // It goes on from there.
    state.taken(TARGET, vec![position("a", 3)], vec![]).await.unwrap();
    put(&state, "a", "1", "[4]").await;
    assert_eq!(state.missed(TARGET).await.unwrap(), []);
    assert_eq!(numbers(&outgoing(&state, TARGET).await), [("a", 4)]);
}
