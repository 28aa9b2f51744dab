//! What every [`Outbox`](crate::outbox::Outbox) must do.

mod forwards;

use std::sync::Arc;
use std::time::Duration;

pub use self::forwards::*;
use super::{Database, START_MS, START_S, State, connection};
use crate::mirror::rules::{RuleTime, RuleView};
use crate::mirror::{Batch, MemberIndex, Source};
use crate::outbox::plan::{MOST_FORWARDS, PATIENCE_MS};
use crate::outbox::{
    ForwardLag, ForwardRow, Missed, Outgoing, SettledWork, Undelivered, WhichParked,
};
use crate::{Change, ConnectionRow, LeaseHolder, Sealed, StoreError};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! outbox_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* outbox:
            a_forward_is_kept_changed_and_removed [put_forward list_forwards remove_forward]
            a_forward_begins_with_the_next_change [put_forward find_work settle_work]
            a_forward_hands_on_changes_of_its_own_connections [put_forward find_work measure_forward]
            changes_come_with_what_they_are_between [find_work]
            a_rule_is_handed_on_with_its_record [find_work]
            what_waits_blocks_its_record_until_it_is_delivered [find_work settle_work]
            what_is_parked_blocks_nothing [find_work settle_work list_parked retry_parked drop_parked]
            a_forward_is_measured [measure_forward settle_work]
            one_at_a_time_hands_on_for_a_forward [lease_forward]
            versions_stay_until_every_forward_has_had_them [settle_work find_work]
            a_forward_that_is_silent_holds_nothing_back_and_is_told [find_work settle_work]
            nothing_is_left_of_a_removed_connection [put_forward list_forwards list_parked]
        }
    };
}

const ONE: &str = "id-of-forward-one";

pub fn forward(name: &str) -> ForwardRow {
    ForwardRow {
        id: format!("id-of-forward-{name}"),
        name: name.to_owned(),
        connector: "orders".to_owned(),
        connection: None,
        origin: "https://a.example.com".to_owned(),
        filters: vec!["orders".to_owned()],
        template: Some("{}".to_owned()),
        is_signed: true,
        sealed: Sealed(b"url and secret".to_vec()),
        enabled: true,
        made_ms: 5,
    }
}

async fn state(database: &impl Database) -> Arc<dyn State> {
    let state = database.open();
    let both = ["a", "b"].map(|name| Change::PutConnection(connection(name)));
    state.commit(both.into()).await.unwrap();
    state
}

/// With a forward of all.
async fn forwarded(database: &impl Database) -> Arc<dyn State> {
    let state = state(database).await;
    state.put_forward(forward("one")).await.unwrap();
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

async fn pending(state: &Arc<dyn State>, forward: &str) -> Vec<Outgoing> {
    let mut all = state.find_work(forward, 99).await.unwrap().pending;
    all.sort_by(|one, other| one.connection.cmp(&other.connection));
    all
}

async fn due(state: &Arc<dyn State>) -> Vec<u64> {
    let due = state.find_work(ONE, 99).await.unwrap().due;
    due.iter()
        .map(|(row, outgoing)| {
            assert_eq!(row.change, outgoing.change.number);
            row.change
        })
        .collect()
}

fn numbers(all: &[Outgoing]) -> Vec<(&str, u64)> {
    all.iter().map(|one| (&*one.connection, one.change.number)).collect()
}

fn position(whose: &str, number: u64) -> (String, u64) {
    (format!("id-of-{whose}"), number)
}

fn at(positions: &[(&str, u64)]) -> SettledWork {
    let positions = positions.iter().map(|(whose, number)| position(whose, *number)).collect();
    SettledWork { positions, ..SettledWork::default() }
}

/// A change of "a" that was not taken, and is tried again after so many seconds.
fn undelivered(change: u64, next_s: Option<u64>) -> Undelivered {
    Undelivered {
        connection: "id-of-a".to_owned(),
        change,
        attempts: 2,
        next_ms: next_s.map(|seconds| (START_S + seconds) * 1_000),
        reason: "no".to_owned(),
    }
}

async fn settle(state: &Arc<dyn State>, position: u64, undelivered: Vec<Undelivered>) {
    let settled = SettledWork { undelivered, ..at(&[("a", position)]) };
    state.settle_work(ONE, settled).await.unwrap();
}

async fn maintain(state: &Arc<dyn State>) {
    while state.maintain().await.unwrap() {}
}

pub async fn a_forward_begins_with_the_next_change(database: &impl Database) {
    let state = state(database).await;
    put(&state, "a", "1", "[1]").await;
    state.put_forward(forward("one")).await.unwrap();
    assert!(pending(&state, ONE).await.is_empty());
    put(&state, "a", "1", "[2]").await;
    // Of this one nothing was kept when the forward came.
    put(&state, "b", "1", "[1]").await;
    // A change of the forward leaves its position.
    state.put_forward(ForwardRow { filters: vec![], ..forward("one") }).await.unwrap();
    let state = database.open();
    assert_eq!(numbers(&pending(&state, ONE).await), [("a", 2), ("b", 1)]);
    state.settle_work(ONE, at(&[("a", 2)])).await.unwrap();
    assert_eq!(numbers(&pending(&state, ONE).await), [("b", 1)]);
    state.settle_work(ONE, at(&[("b", 1), ("a", 1)])).await.unwrap();
    assert!(pending(&state, ONE).await.is_empty(), "no position goes back");
    for number in 3..9 {
        put(&state, "a", "1", &format!("[{number}]")).await;
    }
    let some = state.find_work(ONE, 2).await.unwrap().pending;
    assert_eq!(numbers(&some), [("a", 3), ("a", 4)]);
    // One that is made anew begins anew.
    state.remove_forward(ONE).await.unwrap();
    state.settle_work(ONE, at(&[("a", 5)])).await.unwrap();
    assert!(pending(&state, ONE).await.is_empty());
    state.put_forward(forward("one")).await.unwrap();
    assert!(pending(&state, ONE).await.is_empty());
}

pub async fn changes_come_with_what_they_are_between(database: &impl Database) {
    let state = forwarded(database).await;
    for data in ["[1]", "[2]", "[3]"] {
        put(&state, "a", "1", data).await;
    }
    let asked = state.moment("id-of-a").await.unwrap();
    let gone = Batch::new("id-of-a", "orders", Source::Lookup, asked);
    state.apply(Batch { deleted: vec!["1".to_owned()], ..gone }).await.unwrap();
    let all = pending(&state, ONE).await;
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

pub async fn a_rule_is_handed_on_with_its_record(database: &impl Database) {
    let state = forwarded(database).await;
    let late = RuleView {
        title: "Late".to_owned(),
        since: vec![RuleTime::Member("/due".to_owned())],
        ..RuleView::default()
    };
    let rules = [("late".to_owned(), late)].into_iter().collect();
    let index = MemberIndex { rules, ..MemberIndex::default() };
    state.set_indexes("orders", vec![("orders".to_owned(), index)]).await.unwrap();
    put(&state, "a", "1", r#"{"due":"2023-01-01"}"#).await;
    state.wake_rules("id-of-a", "orders", 9).await.unwrap();
    put(&state, "a", "1", r#"{"due":"2024-01-01"}"#).await;
    let told = pending(&state, ONE).await.into_iter();
    let told = told.filter_map(|one| Some((one.change.rule?.raised, one.before, one.after)));
    let now = || Some(r#"{"due":"2024-01-01"}"#.to_owned());
    assert_eq!(told.collect::<Vec<_>>(), [(true, None, now()), (false, None, now())]);
}

pub async fn what_waits_blocks_its_record_until_it_is_delivered(database: &impl Database) {
    let state = forwarded(database).await;
    for (id, data) in [("1", "[1]"), ("2", "[1]"), ("1", "[2]"), ("1", "[3]"), ("2", "[2]")] {
        put(&state, "a", id, data).await;
    }
    put(&state, "b", "1", "[1]").await;
    settle(&state, 3, vec![undelivered(1, Some(10)), undelivered(3, Some(0))]).await;
    let work = state.find_work(ONE, 99).await.unwrap();
    assert_eq!(work.blocked.into_iter().collect::<Vec<_>>(), [position("a", 4)]);
    assert_eq!(work.undelivered, 2);
    // The oldest of a record first, though a later one is due.
    assert!(work.due.is_empty());
    tokio::time::advance(Duration::from_secs(10)).await;
    let due_now = state.find_work(ONE, 99).await.unwrap().due;
    let [(row, outgoing)] = &due_now[..] else { panic!("{due_now:?}") };
    assert_eq!(row, &undelivered(1, Some(10)));
    assert_eq!(outgoing.after.as_deref(), Some("[1]"));
    settle(&state, 3, vec![undelivered(1, Some(20))]).await;
    assert!(due(&state).await.is_empty());
    let delivered = |number| SettledWork { delivered: vec![position("a", number)], ..at(&[]) };
    state.settle_work(ONE, delivered(1)).await.unwrap();
    assert_eq!(due(&state).await, [3]);
    state.settle_work(ONE, delivered(3)).await.unwrap();
    let work = state.find_work(ONE, 99).await.unwrap();
    assert!(work.blocked.is_empty() && work.due.is_empty() && work.undelivered == 0);
}

pub async fn what_is_parked_blocks_nothing(database: &impl Database) {
    let state = forwarded(database).await;
    for (whose, data) in [("a", "[1]"), ("a", "[2]"), ("a", "[3]"), ("b", "[1]")] {
        put(&state, whose, "1", data).await;
    }
    let of_b = Undelivered { connection: "id-of-b".to_owned(), ..undelivered(1, None) };
    settle(&state, 2, vec![undelivered(1, None), undelivered(2, None), of_b]).await;
    let work = state.find_work(ONE, 99).await.unwrap();
    assert!(work.blocked.is_empty() && work.due.is_empty() && work.undelivered == 3);
    let parked = async || {
        let parked = state.list_parked(ONE, 99).await.unwrap();
        let key = |row: &Undelivered| (row.connection.clone(), row.change);
        parked
            .iter()
            .map(|(row, change)| {
                assert_eq!(key(row), (change.connection.clone(), change.number));
                key(row)
            })
            .collect::<Vec<_>>()
    };
    let (first, second, of_b) = (position("a", 1), position("a", 2), position("b", 1));
    assert_eq!(parked().await, [first, second.clone(), of_b.clone()]);
    assert_eq!(state.list_parked(ONE, 1).await.unwrap().len(), 1);
    assert!(state.list_parked("lost", 9).await.unwrap().is_empty());
    // Chosen ones, those of a connection, and all.
    let of_a = |changes: &[u64]| WhichParked {
        connection: Some("id-of-a".to_owned()),
        changes: changes.to_vec(),
    };
    assert_eq!(state.retry_parked(ONE, of_a(&[1, 7])).await.unwrap(), 1);
    assert_eq!(due(&state).await, [1]);
    assert_eq!(state.find_work(ONE, 9).await.unwrap().due[0].0.attempts, 0);
    assert_eq!(parked().await, [second, of_b.clone()]);
    assert_eq!(state.drop_parked(ONE, of_a(&[])).await.unwrap(), 1);
    assert_eq!(parked().await, [of_b]);
    assert_eq!(state.drop_parked("lost", WhichParked::default()).await.unwrap(), 0);
    assert_eq!(state.retry_parked("lost", WhichParked::default()).await.unwrap(), 0);
    assert_eq!(state.drop_parked(ONE, WhichParked::default()).await.unwrap(), 1);
    assert_eq!(state.find_work(ONE, 9).await.unwrap().undelivered, 1, "one waits");
}

pub async fn versions_stay_until_every_forward_has_had_them(database: &impl Database) {
    let state = forwarded(database).await;
    // This one has nothing to do with them.
    let elsewhere = ForwardRow { connection: Some("id-of-b".to_owned()), ..forward("b") };
    state.put_forward(elsewhere).await.unwrap();
    let other = "id-of-forward-two";
    state.put_forward(forward("two")).await.unwrap();
    put(&state, "a", "1", "[1]").await;
    put(&state, "a", "1", "[2]").await;
    settle(&state, 2, vec![undelivered(1, Some(0))]).await;
    maintain(&state).await;
    assert!(pending(&state, other).await.iter().all(|one| one.after.is_some()));
    state.settle_work(other, at(&[("a", 2)])).await.unwrap();
    maintain(&state).await;
    // One waits yet.
    let due = state.find_work(ONE, 9).await.unwrap().due;
    assert_eq!(due.iter().map(|(_, one)| one.after.as_deref()).collect::<Vec<_>>(), [Some("[1]")]);
    // What was had is gone; asked for again, it would come without.
    state.remove_forward(ONE).await.unwrap();
    maintain(&state).await;
    state
        .settle_work(other, SettledWork { undelivered: vec![undelivered(2, Some(0))], ..at(&[]) })
        .await
        .unwrap();
    let due = state.find_work(other, 9).await.unwrap().due;
    assert_eq!(due[0].1.after, None);
}

pub async fn a_forward_that_is_silent_holds_nothing_back_and_is_told(database: &impl Database) {
    let day = Duration::from_millis(PATIENCE_MS / 7);
    let state = forwarded(database).await;
    for data in ["[1]", "[2]", "[3]"] {
        put(&state, "a", "1", data).await;
    }
    settle(&state, 1, vec![undelivered(1, None)]).await;
    let missed = async || state.find_work(ONE, 9).await.unwrap().missed;
    tokio::time::advance(day * 29).await;
    maintain(&state).await;
    assert_eq!(missed().await, []);
    tokio::time::advance(day * 2).await;
    maintain(&state).await;
    let (connection, name) = ("id-of-a".to_owned(), "a".to_owned());
    assert_eq!(missed().await, [Missed { connection, name, position: 1, forgotten: 3 }]);
    // What was parked is forgotten with its change.
    assert!(state.list_parked(ONE, 9).await.unwrap().is_empty());
    // Nothing passes before it was told.
    put(&state, "a", "1", "[4]").await;
    assert!(pending(&state, ONE).await.is_empty());
    settle(&state, 3, vec![]).await;
    assert_eq!(missed().await, []);
    assert_eq!(numbers(&pending(&state, ONE).await), [("a", 4)]);
}
