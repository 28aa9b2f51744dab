//! What every [`Lists`](crate::lists::Lists) must do, and what labels are.

use std::sync::Arc;

use super::{Database, State, connection};
use crate::lists::{ConnectionsQuery, Labels};
use crate::mirror::{Batch, Source, Unreadable};
use crate::push::{IntentCounts, Mode, PushRow};
use crate::{Change, ConnectionRow, StoreError};

/// The cases, each with the methods that they are about.
#[macro_export]
#[doc(hidden)]
macro_rules! lists_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* lists:
            connections_are_listed_by_name_and_label [list_connections]
            a_connection_is_changed_in_place [list_connections]
            runs_are_listed_page_by_page [list_pushes]
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
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    assert_eq!(state.list_pushes("id-of-a", None, 9).await.unwrap(), []);
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
