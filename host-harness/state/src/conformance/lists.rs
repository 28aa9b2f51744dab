//! What every [`Lists`](crate::lists::Lists) must do, and what labels are.

use std::sync::Arc;

use super::{Database, State, connection};
use crate::lists::{ConnectionsQuery, Labels};
use crate::mirror::{Batch, Source, Unreadable};
use crate::push::{IntentCounts, IntentRow, IntentState, Mode, PushRow};
use crate::{Change, ConnectionRow, StoreError};

/// The cases, each with the methods that they are about.
#[macro_export]
#[doc(hidden)]
macro_rules! lists_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* lists:
            connections_are_listed_by_name_and_label [list_connections]
            a_connection_is_changed_in_place [list_connections]
            runs_are_listed_page_by_page [list_pushes list_newest_pushes]
            parked_items_are_listed_page_by_page [list_parked_items]
            dead_letters_are_listed_page_by_page [list_dead_letters list_dead_events]
        }
    };
}

fn labels(of: &[(&str, &str)]) -> Labels {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn change(name: &str, to: Option<&str>, labels: Option<Labels>) -> Change {
    let (id, name) = (format!("id-of-{name}"), to.map(str::to_owned));
    Change::ChangeConnection { id, name, labels }
}

async fn names(state: &Arc<dyn State>, asked: ConnectionsQuery) -> Vec<String> {
    let found = state.list_connections(asked).await.unwrap();
    found.into_iter().map(|one| one.row.name).collect()
}

fn asked(of: &[(&str, &str)]) -> ConnectionsQuery {
    let labels = labels(of).into_iter().collect();
    ConnectionsQuery { labels, limit: 9, ..ConnectionsQuery::default() }
}

pub async fn connections_are_listed_by_name_and_label(database: &impl Database) {
    let state = database.open();
    for name in ["c", "a", "d", "b"] {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    let other = ConnectionRow { connector: "parcels".to_owned(), ..connection("e") };
    let of = |tenant| Some(labels(&[("tenant", tenant), ("x.example/stage", "")]));
    let changes = vec![
        Change::PutConnection(other),
        change("a", None, of("one")),
        change("b", None, of("two")),
        change("d", None, of("one")),
        change("e", None, of("one")),
    ];
    state.commit(changes).await.unwrap();
    let state = database.open();
    assert_eq!(names(&state, asked(&[])).await, ["a", "b", "c", "d", "e"]);
    let orders = || Some("orders".to_owned());
    let one = ConnectionsQuery { connector: orders(), ..asked(&[("tenant", "one")]) };
    assert_eq!(names(&state, one.clone()).await, ["a", "d"]);
    let first = ConnectionsQuery { limit: 1, ..one.clone() };
    assert_eq!(names(&state, first).await, ["a"]);
    let rest = ConnectionsQuery { after: "a".to_owned(), ..one };
    assert_eq!(names(&state, rest).await, ["d"]);
    let both = asked(&[("tenant", "one"), ("x.example/stage", "")]);
    assert_eq!(names(&state, both).await, ["a", "d", "e"]);
    let none = asked(&[("tenant", "one"), ("x.example/stage", "y")]);
    assert_eq!(names(&state, none).await, [""; 0]);
    let found = state.list_connections(asked(&[("tenant", "two")])).await.unwrap();
    assert_eq!((&found[0].row, &found[0].labels), (&connection("b"), &of("two").unwrap()));
    // Labels go with their connection.
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    assert_eq!(names(&state, asked(&[("tenant", "one")])).await, ["d", "e"]);
}

pub async fn a_connection_is_changed_in_place(database: &impl Database) {
    let state = database.open();
    for name in ["a", "b"] {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    let revision = state.connections_since(0).await.unwrap().revision;
    let tenant = labels(&[("tenant", "one")]);
    state.commit(vec![change("a", Some("z"), Some(tenant.clone()))]).await.unwrap();
    let renamed = ConnectionRow { name: "z".to_owned(), ..connection("a") };
    assert_eq!(state.connection("z").await.unwrap(), Some(renamed));
    assert_eq!(state.connection("a").await.unwrap(), None);
    assert_eq!(state.connections_since(revision).await.unwrap().changed, ["id-of-a"]);
    // What is not named stays.
    state.commit(vec![change("a", Some("y"), None)]).await.unwrap();
    let found = state.list_connections(asked(&[("tenant", "one")])).await.unwrap();
    assert_eq!((&*found[0].row.name, &found[0].labels), ("y", &tenant));
    state.commit(vec![change("a", None, Some(Labels::new()))]).await.unwrap();
    assert_eq!(names(&state, asked(&[("tenant", "one")])).await, [""; 0]);
    let taken = state.commit(vec![change("a", Some("b"), None)]).await;
    assert!(matches!(taken, Err(StoreError::NameTaken(name)) if name == "b"));
    // One that was removed meanwhile does not come back.
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    let gone = state.commit(vec![change("a", Some("x"), Some(tenant))]).await;
    assert!(matches!(gone, Err(StoreError::NoConnection(id)) if id == "id-of-a"));
    assert_eq!(names(&state, asked(&[])).await, ["b"]);
}

pub(super) fn run(id: &str, whose: &str, made_ms: u64) -> PushRow {
    PushRow {
        id: id.to_owned(),
        connection: format!("id-of-{whose}"),
        object: "orders".to_owned(),
        mode: Mode::Upsert,
        header: None,
        digest: None,
        made_ms,
        ended_ms: None,
        counts: IntentCounts::default(),
    }
}

pub async fn runs_are_listed_page_by_page(database: &impl Database) {
    let state = database.open();
    for name in ["a", "b"] {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    for (id, whose, made_ms) in
        [("r3", "a", 5), ("r1", "a", 7), ("r2", "a", 5), ("r4", "b", 6), ("r5", "a", 9)]
    {
        state.begin(run(id, whose, made_ms)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = state.list_pushes("id-of-a", after.clone(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.made_ms, last.id.clone()));
        seen.push(page.into_iter().map(|row| row.id).collect::<Vec<_>>());
    }
    assert_eq!(seen, [vec!["r2", "r3", "r1"], vec!["r5"]]);
    let newest = async |whose: Option<&str>, before: Option<(u64, &str)>, limit| {
        let before = before.map(|(made_ms, id)| (made_ms, id.to_owned()));
        let page = state.list_newest_pushes(whose, before, limit).await.unwrap();
        page.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(newest(None, None, 4).await, ["r5", "r1", "r4", "r3"]);
    assert_eq!(newest(None, Some((5, "r3")), 9).await, ["r2"]);
    assert_eq!(newest(Some("id-of-a"), None, 2).await, ["r5", "r1"]);
    assert_eq!(newest(Some("id-of-a"), Some((7, "r1")), 9).await, ["r3", "r2"]);
    assert_eq!(newest(Some("nobody"), None, 9).await, [""; 0]);
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    assert_eq!(state.list_pushes("id-of-a", None, 9).await.unwrap(), []);
    assert_eq!(newest(Some("id-of-a"), None, 9).await, [""; 0]);
    assert_eq!(newest(None, None, 9).await, ["r4"]);
}

pub async fn parked_items_are_listed_page_by_page(database: &impl Database) {
    let state = database.open();
    for name in ["a", "b"] {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    for (id, whose) in [("r1", "b"), ("r2", "a"), ("r3", "a")] {
        state.begin(run(id, whose, 5)).await.unwrap();
        let states = [IntentState::Parked, IntentState::Pending, IntentState::Parked];
        let item = |(index, state): (usize, IntentState)| IntentRow {
            run: id.to_owned(),
            index: index as u64,
            key: format!("{id}{index}"),
            input: Some("{}".to_owned()),
            error: Some("nobody knows".to_owned()),
            state,
            ..IntentRow::default()
        };
        state.add(states.into_iter().enumerate().map(item).collect()).await.unwrap();
    }
    let list = async |whose: Option<&str>, after: Option<(&str, u64)>, limit| {
        let after = after.map(|(run, index)| (run.to_owned(), index));
        let page = state.list_parked_items(whose, after, limit).await.unwrap();
        page.into_iter().map(|item| format!("{}:{}", item.run, item.index)).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 9).await, ["r1:0", "r1:2", "r2:0", "r2:2", "r3:0", "r3:2"]);
    assert_eq!(list(None, Some(("r1", 2)), 2).await, ["r2:0", "r2:2"]);
    assert_eq!(list(Some("id-of-a"), None, 3).await, ["r2:0", "r2:2", "r3:0"]);
    assert_eq!(list(Some("id-of-a"), Some(("r2", 0)), 9).await, ["r2:2", "r3:0", "r3:2"]);
    assert_eq!(list(Some("id-of-b"), Some(("r1", 0)), 9).await, ["r1:2"]);
    let found = state.list_parked_items(None, None, 1).await.unwrap().remove(0);
    assert_eq!(found.error.as_deref(), Some("nobody knows"));
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    assert_eq!(list(None, None, 9).await, ["r1:0", "r1:2"]);
    assert_eq!(list(Some("id-of-a"), None, 9).await, [""; 0]);
}

pub async fn dead_letters_are_listed_page_by_page(database: &impl Database) {
    let state = database.open();
    for name in ["a", "b"] {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    for (whose, object, raw) in
        [("a", "orders", "1"), ("b", "orders", "2"), ("a", "items", "3"), ("a", "orders", "4")]
    {
        let item = Unreadable { id: None, raw: raw.to_owned(), reason: "odd".to_owned() };
        let batch = Batch::new(&format!("id-of-{whose}"), object, Source::Page, 0);
        state.apply(Batch { unreadable: vec![item], ..batch }).await.unwrap();
    }
    let all = state.dead_letters(None).await.unwrap();
    let number = |at: usize| all[at].number;
    let of_a = state.list_dead_letters(Some("id-of-a"), 0, 2).await.unwrap();
    assert_eq!(of_a, [all[0].clone(), all[2].clone()]);
    let of_a = state.list_dead_letters(Some("id-of-a"), number(2), 2).await.unwrap();
    assert_eq!(of_a, [all[3].clone()]);
    assert_eq!(state.list_dead_letters(None, number(0), 2).await.unwrap(), all[1..3]);
    assert_eq!(state.list_dead_letters(None, number(3), 2).await.unwrap(), []);
    let hooked = super::inbox::dead(&state, 3).await;
    let events = state.dead_events(None).await.unwrap();
    assert_eq!(events.len(), 3);
    let page = state.list_dead_events(Some(&hooked), events[0].number, 1).await.unwrap();
    assert_eq!(page, events[1..2]);
    assert_eq!(state.list_dead_events(None, events[1].number, 9).await.unwrap(), events[2..]);
    assert_eq!(state.list_dead_events(Some("id-of-b"), 0, 9).await.unwrap(), []);
}
