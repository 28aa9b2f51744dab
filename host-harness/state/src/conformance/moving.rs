//! What every [`Moving`](crate::moving::Moving) must do.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::types::DataRecord;
use tokio::time::advance;

use super::{Database, InMemory, START_MS, State, connection, grant, outbox, secret};
use crate::inbox::{EventEffect, EventState, NewDelivery, NewEvent, Settled, SubscriptionRow};
use crate::journal::JournalKind;
use crate::mirror::rules::{RuleTime, RuleView};
use crate::mirror::{
    Batch, Derived, IndexedMember, ListQuery, MemberIndex, ScanKind, ScanRow, Source, hash_of,
};
use crate::moving::{MoveStage, MovedRow, Place};
use crate::outbox::{ForwardRow, SettledWork, Undelivered};
use crate::push::{Holder, IntentCounts, IntentRow, Mode, PushRow, Sent};
use crate::{Change, ConnectionRow, Lease, StoreError};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! moving_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* moving:
            all_of_a_connection_moves [move_out export_rows depart arrive import_rows finish]
            all_of_a_connection_moves_to_memory_and_back [export_rows arrive import_rows finish]
            work_goes_on_where_it_was [export_rows import_rows finish]
            one_that_is_in_use_stays [move_out]
            one_that_left_is_not_worked_on [moves move_out depart come_back]
            one_that_comes_back_is_as_it_was [come_back]
            one_comes_when_all_of_it_is_there [moves arrive import_rows finish give_up]
            names_that_are_taken_are_refused [arrive come_back finish]
            what_is_left_of_one_is_erased [give_up]
        }
    };
}

const ID: &str = "id-of-a";
/// A record for which a rule is raised.
const LATE: &str = r#"{"n":"x","due":"2023-11-01"}"#;

async fn put(state: &Arc<dyn State>, source: Source, records: &[(&str, &str)]) {
    let asked = state.moment(ID).await.unwrap();
    let mut batch = Batch::new(ID, "orders", source, asked);
    let mut lines = Vec::new();
    for (id, data) in records {
        let record = |id: &str, data: &str| DataRecord {
            id: id.to_owned(),
            updated_at: None,
            created_at: None,
            version: None,
            data: data.to_owned(),
        };
        batch.records.push(record(id, data));
        lines.push(vec![record(&format!("{id}/1"), data)]);
    }
    batch.derived.push(Derived { object: "lines".to_owned(), lists: lines });
    state.apply(batch).await.unwrap();
}

fn event(said: &str, asks: bool) -> NewEvent {
    let data = format!("{{\"n\":\"{said}\"}}");
    let record = DataRecord {
        id: said.to_owned(),
        updated_at: Some("2023-11-14T22:13:20Z".to_owned()),
        created_at: None,
        version: None,
        data,
    };
    NewEvent {
        key: hash_of(said),
        id: Some(said.to_owned()),
        object: "orders".to_owned(),
        name: "event \0".to_owned(),
        occurred_at: None,
        effect: EventEffect::Upserted(record),
        asks,
        reason: None,
    }
}

fn delivery(whose: &str, said: &[&str]) -> NewDelivery {
    let body = said.iter().map(|said| format!("{{\"n\":\"{said}\"}}")).collect::<String>();
    NewDelivery {
        connection: whose.to_owned(),
        method: "POST".to_owned(),
        url: "/hook".to_owned(),
        headers: vec![("x".to_owned(), vec![1, 200])],
        body: body.into_bytes(),
        events: said.iter().map(|said| event(said, false)).collect(),
        arrived: connector_contract::clock::Instant::now(),
    }
}

fn own_forward() -> ForwardRow {
    ForwardRow { connection: Some(ID.to_owned()), ..outbox::forward("own") }
}

/// A connection with something of everything, beside another one.
async fn full(state: &Arc<dyn State>) {
    let other = connection("b");
    state
        .commit(vec![Change::PutConnection(other), Change::PutConnection(connection("a"))])
        .await
        .unwrap();
    state
        .commit(vec![
            Change::PutSecret(secret("a", "key", 1, Some(START_MS + 9_000_000))),
            Change::PutSecret(secret("a", "key", 2, None)),
            Change::PutGrant(grant("a")),
            Change::ChangeConnection {
                id: ID.to_owned(),
                name: None,
                labels: Some([("tenant".to_owned(), "one".to_owned())].into()),
            },
        ])
        .await
        .unwrap();
    index(state).await;
    state.set_rule(ID, "late", Some(Some(3))).await.unwrap();
    state.put_forward(outbox::forward("shared")).await.unwrap();
    state.put_forward(own_forward()).await.unwrap();
    state.make_hook("id-of-b", "token b").await.unwrap();
    state.receive(delivery("id-of-b", &["other"])).await.unwrap();
    let scan = |row: &ScanRow, _| {
        let kind = Some(ScanKind::Full);
        let cursor = Some("next\0".to_owned());
        Some(ScanRow { scan: 1, kind, running: true, cursor, ..row.clone() })
    };
    state.change_scan(ID, "orders", Box::new(scan)).await.unwrap();
    put(state, Source::Page, &[("2", LATE), ("1", "{\"n\":\"y\"}"), ("3", "{\"n\":\"x\"}")]).await;
    advance(Duration::from_secs(60)).await;
    put(state, Source::Lookup, &[("1", "{\"n\":\"z\"}")]).await;
    let mut gone = Batch::new(ID, "orders", Source::Lookup, state.moment(ID).await.unwrap());
    gone.deleted.push("3".to_owned());
    state.apply(gone).await.unwrap();
    assert_eq!(state.wake_rules(ID, "orders", 9).await.unwrap(), 1);
    state.set_position("erp", ID, 3).await.unwrap();
    let undelivered = Undelivered {
        connection: ID.to_owned(),
        change: 2,
        attempts: 1,
        next_ms: Some(START_MS + 3_600_000),
        reason: "503".to_owned(),
    };
    let settled = SettledWork {
        positions: vec![(ID.to_owned(), 4)],
        undelivered: vec![undelivered],
        ..SettledWork::default()
    };
    state.settle_work("id-of-forward-own", settled).await.unwrap();
    state.make_hook(ID, "token a").await.unwrap();
    let row = SubscriptionRow {
        connection: ID.to_owned(),
        object: "orders".to_owned(),
        events: vec!["e".to_owned()],
        ..SubscriptionRow::default()
    };
    state.put_subscription(row).await.unwrap();
    state.receive(delivery(ID, &["4", "5"])).await.unwrap();
    state.receive(delivery("id-of-b", &["more"])).await.unwrap();
    state.receive(delivery(ID, &["6"])).await.unwrap();
    let due = state.due_events(ID, false, 9).await.unwrap();
    let dead = Settled {
        state: EventState::Dead,
        reason: Some("why".to_owned()),
        attempts: 8,
        ..Settled::of(&due[1])
    };
    state.settle(vec![dead]).await.unwrap();
    let run = PushRow {
        id: "run".to_owned(),
        connection: ID.to_owned(),
        object: "orders".to_owned(),
        mode: Mode::Upsert,
        header: None,
        digest: None,
        made_ms: START_MS,
        ended_ms: None,
        counts: IntentCounts::default(),
    };
    state.begin(run).await.unwrap();
    let item = |index: u64| IntentRow {
        run: "run".to_owned(),
        index,
        line: index + 1,
        key: format!("k{index}\0"),
        input: Some("{\"secret\":\"sealed:1:\"}".to_owned()),
        ..IntentRow::default()
    };
    state.add(vec![item(0), item(1)]).await.unwrap();
    state.seal("run", [7; 32]).await.unwrap();
    let holder = Holder { run: "run".to_owned(), index: 0, owner: "gone.1-2-3".to_owned() };
    state.claim(&holder, 15_000).await.unwrap();
    state.sending(&holder, Sent::Update, Some("1")).await.unwrap();
    // Whoever claimed it is over.
    advance(Duration::from_secs(60)).await;
    while state.maintain().await.unwrap() {}
}

/// What can be seen of a connection. Numbers of deliveries and of events are told by their order.
async fn shown(state: &Arc<dyn State>) -> String {
    let mut told = String::new();
    writeln!(told, "{:#?}", state.connections().await.unwrap().iter().find(|row| row.id == ID))
        .unwrap();
    writeln!(told, "{:#?} {:#?}", state.secrets(ID).await.unwrap(), state.grant(ID).await.unwrap())
        .unwrap();
    for object in ["orders", "lines"] {
        writeln!(told, "{:#?}", state.records(ID, object, None, 99).await.unwrap()).unwrap();
        writeln!(told, "{:?}", state.count(ID, object).await.unwrap()).unwrap();
        writeln!(told, "{:?}", state.unseen(ID, object, 1, None, 9).await.unwrap()).unwrap();
    }
    writeln!(told, "{:#?}", state.history(ID, "orders", "1", 9).await.unwrap()).unwrap();
    let query = ListQuery {
        connection: ID.to_owned(),
        object: "orders".to_owned(),
        sort: "id".to_owned(),
        limit: 9,
        ..ListQuery::default()
    };
    writeln!(told, "{:#?}", state.list(query).await.unwrap().records).unwrap();
    writeln!(told, "{:#?}", state.value_counts(ID, "orders").await.unwrap()).unwrap();
    let late = ListQuery {
        connection: ID.to_owned(),
        object: "orders".to_owned(),
        sort: "id".to_owned(),
        rule: Some("late".to_owned()),
        limit: 9,
        ..ListQuery::default()
    };
    writeln!(told, "{:?}", state.list(late).await.unwrap()).unwrap();
    writeln!(told, "{:?}", state.rule_settings(ID).await.unwrap()).unwrap();
    let deliveries = state.deliveries(Some(ID), None, 99).await.unwrap();
    let place = |number: u64| deliveries.iter().position(|row| row.number == number);
    for mut row in state.changes(ID, 0, 99).await.unwrap() {
        row.delivery = row.delivery.and_then(place).map(|place| place as u64);
        writeln!(told, "{row:#?}").unwrap();
    }
    writeln!(told, "{:#?} {:?}", state.scans(ID).await.unwrap(), state.moment(ID).await.unwrap())
        .unwrap();
    for row in &deliveries {
        let row = state.delivery(row.number).await.unwrap().unwrap();
        writeln!(told, "{:?} {:?} {:?}", row.received_ms, row.headers, row.body).unwrap();
        for event in row.events {
            writeln!(
                told,
                "{:?} {:?} {:?} {:?} {:?}",
                event.id, event.effect, event.state, event.next_ms, event.reason
            )
            .unwrap();
        }
    }
    writeln!(told, "{:?}", state.count_events(Some(ID)).await.unwrap()).unwrap();
    writeln!(told, "{:#?}", state.subscriptions(Some(ID)).await.unwrap()).unwrap();
    let hooks = state.hooks().await.unwrap();
    writeln!(told, "{:#?}", hooks.iter().find(|row| row.connection == ID)).unwrap();
    writeln!(told, "{:#?}", state.pushes(Some(ID)).await.unwrap()).unwrap();
    writeln!(told, "{:#?}", state.intents("run", 0, 9).await.unwrap()).unwrap();
    for (consumer, number) in state.positions("erp").await.unwrap() {
        writeln!(told, "{consumer} {number}").unwrap();
    }
    for forward in ["shared", "own"] {
        let mut work = state.find_work(&format!("id-of-forward-{forward}"), 99).await.unwrap();
        work.pending.retain(|change| change.change.connection == ID);
        work.pending.iter_mut().for_each(|change| change.change.delivery = None);
        writeln!(told, "{forward} {:#?} {} {:?}", work.pending, work.undelivered, work.blocked)
            .unwrap();
    }
    for row in state.journal(ID, vec![], None, 99).await.unwrap() {
        writeln!(
            told,
            "{:?} {:?} {:?} {:?} {:?}",
            row.at_ms, row.kind, row.object, row.by, row.data
        )
        .unwrap();
    }
    told
}

/// Has orders counted by a member.
async fn index(state: &Arc<dyn State>) {
    let member = IndexedMember { pointers: vec!["/n".to_owned()], roles: vec![], counted: true };
    let late = RuleView {
        title: "Late".to_owned(),
        since: vec![RuleTime::Member("/due".to_owned())],
        ..RuleView::default()
    };
    let rules = [("late".to_owned(), late)].into_iter().collect();
    let members = MemberIndex { members: vec![member], rules, ..MemberIndex::default() };
    state.set_indexes("orders", vec![("orders".to_owned(), members)]).await.unwrap();
}

/// All rows of a connection that leaves.
async fn rows_of(state: &Arc<dyn State>) -> Vec<MovedRow> {
    let (mut rows, mut after) = (Vec::new(), None::<Place>);
    loop {
        let piece = state.export_rows(ID, after).await.unwrap();
        rows.extend(piece.rows);
        after = piece.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// Brings rows, in pieces of a few.
async fn bring(state: &Arc<dyn State>, rows: &[MovedRow]) {
    let is_small =
        |row: &&MovedRow| crate::moving::tables::SMALL.iter().any(|it| it.name == row.table.name);
    let small: Vec<MovedRow> = rows.iter().filter(is_small).cloned().collect();
    while !state.arrive("attempt", small.clone()).await.unwrap() {
        while state.maintain().await.unwrap() {}
    }
    let large: Vec<MovedRow> = rows.iter().filter(|row| !is_small(row)).cloned().collect();
    let mut piece = Vec::new();
    for row in large {
        if piece.len() >= 3 && row.table.name != "inbox_events" {
            state.import_rows(ID, "attempt", std::mem::take(&mut piece)).await.unwrap();
            // Nothing of what comes is forgotten meanwhile.
            while state.maintain().await.unwrap() {}
        }
        piece.push(row);
    }
    state.import_rows(ID, "attempt", piece).await.unwrap();
    assert!(state.connection("a").await.unwrap().is_none());
    state.finish(ID, "attempt").await.unwrap();
    while state.maintain().await.unwrap() {}
}

fn same(one: &str, other: &str) {
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{differs:#?}");
}

/// A row as JSON: what a file holds of it.
fn written(rows: &[MovedRow]) -> Vec<String> {
    rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect()
}

/// Moves a full connection from one database to another.
async fn moved(from: &Arc<dyn State>, to: &Arc<dyn State>) {
    full(from).await;
    let before = shown(from).await;
    from.move_out(ID).await.unwrap();
    let rows = rows_of(from).await;
    // Through their form in a file.
    let rows: Vec<MovedRow> =
        written(&rows).iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    from.depart(ID).await.unwrap();
    to.commit(vec![Change::PutConnection(connection("c"))]).await.unwrap();
    to.make_hook("id-of-c", "token c").await.unwrap();
    to.receive(delivery("id-of-c", &["4", "there"])).await.unwrap();
    index(to).await;
    bring(to, &rows).await;
    same(&before, &shown(to).await);
    // And out of there again, row by row the same.
    to.move_out(ID).await.unwrap();
    let again = rows_of(to).await;
    to.come_back(ID).await.unwrap();
    same(&before, &shown(to).await);
    let tables = |rows: &[MovedRow]| {
        let kept = rows.iter().filter(|row| !matches!(row.table.name, "spans" | "inbox_events"));
        let mut rows = written(&kept.cloned().collect::<Vec<_>>());
        rows.sort();
        rows.join("\n")
    };
    same(&tables(&rows), &tables(&again));
}

pub async fn all_of_a_connection_moves<D: Database>(database: &D) {
    let other = D::new();
    let (from, to) = (database.open(), other.open());
    moved(&from, &to).await;
}

pub async fn all_of_a_connection_moves_to_memory_and_back(database: &impl Database) {
    let memory = InMemory::new();
    let there = memory.open();
    full(&there).await;
    let before = shown(&there).await;
    there.move_out(ID).await.unwrap();
    let here = database.open();
    bring(&here, &rows_of(&there).await).await;
    index(&here).await;
    while here.maintain().await.unwrap() {}
    same(&before, &shown(&here).await);
    here.move_out(ID).await.unwrap();
    there.depart(ID).await.unwrap();
    bring(&there, &rows_of(&here).await).await;
    same(&before, &shown(&there).await);
}

pub async fn work_goes_on_where_it_was<D: Database>(database: &D) {
    let other = D::new();
    let (from, to) = (database.open(), other.open());
    moved(&from, &to).await;
    // What is there already is no change, and numbers go on.
    let changes = to.changes(ID, 0, 99).await.unwrap();
    put(&to, Source::Page, &[("1", "{\"n\":\"z\"}"), ("2", LATE)]).await;
    assert_eq!(to.changes(ID, 0, 99).await.unwrap().len(), changes.len());
    put(&to, Source::Lookup, &[("2", "{\"n\":\"new\"}")]).await;
    let last = changes.last().unwrap().number;
    let new = to.changes(ID, last, 99).await.unwrap();
    // With what it holds, and its rule is cleared.
    assert_eq!(new.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["2", "2/1", "2"]);
    // A repeated delivery is known; a new one has a number of its own.
    let again = to.receive(delivery(ID, &["4", "5"])).await.unwrap();
    assert_eq!(again, crate::inbox::Receipt::Repeat);
    assert!(matches!(
        to.receive(delivery(ID, &["7"])).await.unwrap(),
        crate::inbox::Receipt::New { .. }
    ));
    // The item that was being sent is found as such.
    let holder = Holder { run: "run".to_owned(), index: 0, owner: "new.1-2-3".to_owned() };
    let claimed = to.claim(&holder, 15_000).await.unwrap();
    assert!(matches!(claimed, crate::push::Claimed::Ours(item) if item.sent == Some(Sent::Update)));
    // The connections beside it are as they were.
    assert_eq!(to.deliveries(Some("id-of-c"), None, 9).await.unwrap().len(), 1);
    assert_eq!(from.deliveries(Some("id-of-b"), None, 9).await.unwrap().len(), 2);
}

pub async fn one_that_is_in_use_stays(database: &impl Database) {
    let state = database.open();
    full(&state).await;
    let in_use = async |what: &str| {
        let why = state.move_out(ID).await.unwrap_err();
        assert!(matches!(&why, StoreError::InUse { by, .. } if by == what), "{why}");
        assert!(state.connection("a").await.unwrap().is_some());
    };
    let lease = |until_ms: u64| {
        move |row: &ScanRow, now_ms: u64| {
            let lease = Lease { attempt: "host.1-2-3".to_owned(), until_ms: now_ms + until_ms };
            Some(ScanRow { lease: Some(lease), ..row.clone() })
        }
    };
    state.change_scan(ID, "orders", Box::new(lease(45_000))).await.unwrap();
    in_use("reading orders").await;
    assert!(crate::inbox::Inbox::lease(&*state, ID, "host.1-2-3", 30_000).await.unwrap());
    in_use("applying deliveries, reading orders").await;
    advance(Duration::from_secs(46)).await;
    let holder = Holder { run: "run".to_owned(), index: 1, owner: "host.1-2-3".to_owned() };
    state.claim(&holder, 15_000).await.unwrap();
    in_use("pushing orders").await;
    advance(Duration::from_secs(16)).await;
    let renew = |row: &crate::GrantRow, now_ms: u64| {
        let lease = Lease { attempt: "host.1-2-3".to_owned(), until_ms: now_ms + 30_000 };
        Some(crate::GrantRow { lease: Some(lease), ..row.clone() })
    };
    state.change_grant(ID, Box::new(renew)).await.unwrap();
    in_use("renewing its grant").await;
    advance(Duration::from_secs(31)).await;
    assert!(state.move_out(ID).await.unwrap());
    // Asked again, it goes on, and is told that somebody is at it.
    assert!(!state.move_out(ID).await.unwrap());
}

pub async fn one_that_left_is_not_worked_on(database: &impl Database) {
    let state = database.open();
    full(&state).await;
    state.move_out(ID).await.unwrap();
    let moves = state.moves().await.unwrap();
    let told: Vec<_> =
        moves.iter().map(|row| (row.name.as_str(), row.stage, row.token.as_deref())).collect();
    assert_eq!(told, [("a", MoveStage::Leaving, Some("token a"))]);
    assert_eq!(state.connections().await.unwrap().len(), 1);
    let none = || StoreError::NoConnection(ID.to_owned());
    let batch = || Batch::new(ID, "orders", Source::Lookup, 99);
    assert_eq!(state.apply(batch()).await.unwrap_err(), none());
    assert_eq!(state.receive(delivery(ID, &["9"])).await.unwrap_err(), none());
    let scan = |row: &ScanRow, _| Some(row.clone());
    assert_eq!(state.change_scan(ID, "orders", Box::new(scan)).await.unwrap_err(), none());
    assert_eq!(
        state.commit(vec![Change::PutSecret(secret("a", "key", 3, None))]).await.unwrap_err(),
        none()
    );
    assert!(state.change_grant(ID, Box::new(|row, _| Some(row.clone()))).await.unwrap().is_none());
    assert_eq!(state.run("run").await.unwrap(), None);
    let holder = Holder { run: "run".to_owned(), index: 1, owner: "x".to_owned() };
    assert!(state.sending(&holder, Sent::Update, None).await.is_err());
    assert!(!crate::inbox::Inbox::lease(&*state, ID, "x", 9).await.unwrap());
    assert!(
        state
            .find_work("id-of-forward-shared", 9)
            .await
            .unwrap()
            .pending
            .iter()
            .all(|it| it.change.connection != ID)
    );
    state.set_position("erp", ID, 1).await.unwrap();
    state.depart(ID).await.unwrap();
    assert_eq!(state.move_out(ID).await.unwrap_err(), StoreError::Moved("a".to_owned()));
    assert!(state.export_rows(ID, None).await.is_err());
    state.come_back(ID).await.unwrap();
    // What was said of it meanwhile was not heard.
    assert_eq!(state.positions("erp").await.unwrap(), [(ID.to_owned(), 3)]);
    assert_eq!(state.moves().await.unwrap(), []);
}

pub async fn one_that_comes_back_is_as_it_was(database: &impl Database) {
    let state = database.open();
    full(&state).await;
    let before = shown(&state).await;
    state.move_out(ID).await.unwrap();
    advance(Duration::from_secs(1)).await;
    while state.maintain().await.unwrap() {}
    state.come_back(ID).await.unwrap();
    while state.maintain().await.unwrap() {}
    same(&before, &shown(&state).await);
    put(&state, Source::Lookup, &[("2", "{\"n\":\"new\"}")]).await;
    let kinds = vec![JournalKind::Connected];
    assert_eq!(state.journal(ID, kinds, None, 9).await.unwrap().len(), 1);
}

pub async fn one_comes_when_all_of_it_is_there<D: Database>(database: &D) {
    let other = D::new();
    let (from, to) = (database.open(), other.open());
    full(&from).await;
    from.move_out(ID).await.unwrap();
    let rows = rows_of(&from).await;
    let is_small =
        |row: &&MovedRow| crate::moving::tables::SMALL.iter().any(|it| it.name == row.table.name);
    let small: Vec<MovedRow> = rows.iter().filter(is_small).cloned().collect();
    let large: Vec<MovedRow> = rows.iter().filter(|row| !is_small(row)).cloned().collect();
    // One attempt stops in the middle; what it still says later is refused.
    assert!(to.arrive("first", small.clone()).await.unwrap());
    to.import_rows(ID, "first", large[..large.len() / 2].to_vec()).await.unwrap();
    assert_eq!(to.moves().await.unwrap()[0].stage, MoveStage::Coming);
    assert_eq!(to.connections().await.unwrap(), []);
    assert_eq!(to.records(ID, "orders", None, 9).await.unwrap(), []);
    assert!(!to.arrive("second", small.clone()).await.unwrap());
    while to.maintain().await.unwrap() {}
    assert!(to.arrive("second", small).await.unwrap());
    assert_eq!(
        to.import_rows(ID, "first", large.clone()).await.unwrap_err(),
        StoreError::NoMove(ID.to_owned())
    );
    assert_eq!(to.finish(ID, "first").await.unwrap_err(), StoreError::NoMove(ID.to_owned()));
    to.give_up(ID).await.unwrap();
    assert_eq!(to.moves().await.unwrap(), []);
    while to.maintain().await.unwrap() {}
    index(&to).await;
    bring(&to, &rows).await;
    from.come_back(ID).await.unwrap();
    same(&shown(&from).await, &shown(&to).await);
}

pub async fn names_that_are_taken_are_refused<D: Database>(database: &D) {
    let other = D::new();
    let (from, to) = (database.open(), other.open());
    full(&from).await;
    from.move_out(ID).await.unwrap();
    let rows = rows_of(&from).await;
    let is_small =
        |row: &&MovedRow| crate::moving::tables::SMALL.iter().any(|it| it.name == row.table.name);
    let small: Vec<MovedRow> = rows.iter().filter(is_small).cloned().collect();
    let named = || ConnectionRow { id: "other".to_owned(), ..connection("a") };
    to.commit(vec![Change::PutConnection(named())]).await.unwrap();
    let taken = StoreError::NameTaken("a".to_owned());
    assert_eq!(to.arrive("one", small.clone()).await.unwrap_err(), taken);
    to.commit(vec![Change::RemoveConnection { id: "other".to_owned() }]).await.unwrap();
    let forward = ForwardRow { id: "other".to_owned(), ..outbox::forward("shared") };
    to.put_forward(forward).await.unwrap();
    assert_eq!(
        to.arrive("one", small.clone()).await.unwrap_err(),
        StoreError::ForwardNameTaken("shared".to_owned())
    );
    to.remove_forward("other").await.unwrap();
    assert!(to.arrive("one", small.clone()).await.unwrap());
    to.commit(vec![Change::PutConnection(named())]).await.unwrap();
    assert_eq!(to.finish(ID, "one").await.unwrap_err(), taken);
    // It is here: the same one cannot come.
    from.come_back(ID).await.unwrap();
    assert_eq!(from.arrive("one", small).await.unwrap_err(), StoreError::IsHere("a".to_owned()));
    from.move_out(ID).await.unwrap();
    from.commit(vec![Change::PutConnection(named())]).await.unwrap();
    assert_eq!(from.come_back(ID).await.unwrap_err(), taken);
}

pub async fn what_is_left_of_one_is_erased(database: &impl Database) {
    let state = database.open();
    full(&state).await;
    state.move_out(ID).await.unwrap();
    assert!(state.give_up(ID).await.is_err());
    state.depart(ID).await.unwrap();
    state.give_up(ID).await.unwrap();
    while state.maintain().await.unwrap() {}
    assert_eq!(state.moves().await.unwrap(), []);
    // Its id is free, and nothing is found by it.
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    assert_eq!(state.changes(ID, 0, 9).await.unwrap(), []);
    assert_eq!(state.deliveries(Some(ID), None, 9).await.unwrap(), []);
    assert_eq!(state.pushes(Some(ID)).await.unwrap(), []);
    assert_eq!(state.positions("erp").await.unwrap(), []);
    assert_eq!(state.deliveries(None, None, 9).await.unwrap().len(), 2);
}
