//! What every [`Journal`](crate::journal::Journal) must do, and what the other traits write into it.

use std::sync::Arc;
use std::time::Duration;

use super::{Database, START_MS, State, connection, grant, secret};
use crate::inbox::{Beat, SubscriptionRow};
use crate::journal::{JournalKind, JournalRow};
use crate::mirror::{ScanKind, ScanRow};
use crate::{Change, ConnectionRow, GrantRow, GrantState, Lease, Sealed};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! journal_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* journal:
            what_is_changed_of_a_connection_is_told_once [journal]
            what_becomes_of_grants_and_secrets_is_told [journal]
            reads_are_told_and_those_that_change_nothing_are_one_row [journal]
            old_reads_become_one_row_a_day [journal]
            gaps_and_subscriptions_are_told [journal]
            entries_go_with_their_time_and_their_connection [journal]
        }
    };
}

const WHOSE: &str = "id-of-a";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn state(database: &impl Database) -> Arc<dyn State> {
    let state = database.open();
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    state
}

/// Newest first.
async fn all(state: &Arc<dyn State>) -> Vec<JournalRow> {
    state.journal(WHOSE, vec![], None, 999).await.unwrap()
}

async fn kinds(state: &Arc<dyn State>) -> Vec<JournalKind> {
    all(state).await.into_iter().map(|row| row.kind).collect()
}

async fn maintain(state: &Arc<dyn State>) {
    while state.maintain().await.unwrap() {}
}

/// Begins and ends a read of this kind, which changes so much.
async fn sync(state: &Arc<dyn State>, object: &str, kind: ScanKind, updated: u64) {
    let lease = || Some(Lease { attempt: "mine".to_owned(), until_ms: 0 });
    let begin = move |row: &ScanRow, now_ms: u64| {
        let (scan, lease, began_ms) = (row.scan + 1, lease(), now_ms);
        let kind = Some(kind);
        Some(ScanRow { scan, kind, lease, began_ms, running: true, updated: 0, ..row.clone() })
    };
    state.change_scan(WHOSE, object, Box::new(begin)).await.unwrap();
    let end = move |row: &ScanRow, _: u64| {
        let (lease, pages, records) = (None, 2, 7);
        Some(ScanRow { running: false, lease, pages, records, updated, ..row.clone() })
    };
    state.change_scan(WHOSE, object, Box::new(end)).await.unwrap();
}

pub async fn what_is_changed_of_a_connection_is_told_once(database: &impl Database) {
    let state = database.open();
    let made = vec![
        Change::PutConnection(connection("a")),
        Change::PutSecret(secret("a", "key", 1, None)),
        Change::PutGrant(grant("a")),
    ];
    state.commit(made.clone()).await.unwrap();
    // The same once more makes it anew; what stays as it is is not told.
    state.commit(made).await.unwrap();
    let settings = [("region".to_owned(), "eu".to_owned()), ("new".to_owned(), "1".to_owned())];
    let renamed =
        ConnectionRow { name: "z".to_owned(), settings: settings.into(), ..connection("a") };
    let put = vec![Change::PutConnection(renamed)];
    state.commit(put.clone()).await.unwrap();
    state.commit(put).await.unwrap();
    state.commit(vec![Change::PutSecret(secret("a", "key", 2, None))]).await.unwrap();
    let (connection, name) = (WHOSE.to_owned(), "key".to_owned());
    state.commit(vec![Change::RemoveSecret { connection, name }]).await.unwrap();
    let sealed_key = Sealed(vec![7]);
    state.commit(vec![Change::PutKey { id: WHOSE.to_owned(), sealed_key }]).await.unwrap();
    let (connection, id) = (WHOSE.to_owned(), "nobody".to_owned());
    state.commit(vec![Change::RemoveGrant { connection }]).await.unwrap();
    // What fails is not told.
    let fails = Change::PutKey { id, sealed_key: Sealed(vec![]) };
    let rename = Change::PutConnection(super::connection("a"));
    state.commit(vec![rename, fails]).await.unwrap_err();
    let rows = all(&database.open()).await;
    let told: Vec<_> = rows.iter().rev().map(|row| row.kind).collect();
    assert_eq!(
        told,
        [
            JournalKind::Connected,
            JournalKind::Reconnected,
            JournalKind::Renamed,
            JournalKind::Setting,
            JournalKind::Setting,
            JournalKind::SecretSet,
            JournalKind::SecretRemoved,
            JournalKind::KeySealed,
            JournalKind::GrantRemoved,
        ]
    );
    let data = |back: usize| serde_json::to_string(&rows[rows.len() - 1 - back].data).unwrap();
    assert_eq!(data(0), r#"{"connector":"orders","name":"a","scheme":"api-key"}"#);
    assert_eq!(data(2), r#"{"after":"z","before":"a"}"#);
    assert_eq!(data(3), r#"{"after":"1","name":"new"}"#);
    assert_eq!(data(4), "{\"after\":\"eu\",\"before\":\"\\\"é\\n\",\"name\":\"region\"}");
    assert_eq!(data(5), r#"{"name":"key","version":2}"#);
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    assert!(numbers.windows(2).all(|two| two[0] > two[1]), "{numbers:?}");
    assert!(rows.iter().all(|row| row.at_ms == START_MS && row.object.is_none()));
    // By kind, and page by page.
    let kinds = vec![JournalKind::Setting, JournalKind::Renamed];
    let some = state.journal(WHOSE, kinds.clone(), None, 2).await.unwrap();
    assert_eq!(some, rows[4..6]);
    let next = state.journal(WHOSE, kinds, Some(some[1].number), 2).await.unwrap();
    assert_eq!(next, rows[6..7]);
    assert_eq!(state.journal("id-of-b", vec![], None, 9).await.unwrap(), []);
}

pub async fn what_becomes_of_grants_and_secrets_is_told(database: &impl Database) {
    let state = state(database).await;
    state.commit(vec![Change::PutGrant(grant("a"))]).await.unwrap();
    let change = async |change: fn(&GrantRow) -> GrantRow| {
        let change = move |row: &GrantRow, _: u64| Some(change(row));
        state.change_grant(WHOSE, Box::new(change)).await.unwrap();
    };
    change(|row| GrantRow { state: GrantState::Renewing, ..row.clone() }).await;
    change(|row| GrantRow { state: GrantState::Valid, epoch: 4, ..row.clone() }).await;
    change(|row| GrantRow { state: GrantState::Uncertain, sends: 2, ..row.clone() }).await;
    change(Clone::clone).await;
    change(|row| GrantRow { state: GrantState::Ended, ..row.clone() }).await;
    state.change_grant(WHOSE, Box::new(|_, _| None)).await.unwrap();
    let put = |version| {
        move |_: &[crate::SecretRow], _: u64| Some(vec![secret("a", "key", version, None)])
    };
    state.change_secret(WHOSE, "key", Box::new(put(1))).await.unwrap();
    // Only when it ends is another matter.
    state.change_secret(WHOSE, "key", Box::new(put(1))).await.unwrap();
    let told: Vec<_> = kinds(&state).await.into_iter().rev().collect();
    let kinds = [
        JournalKind::Connected,
        JournalKind::GrantRenewed,
        JournalKind::GrantUncertain,
        JournalKind::GrantEnded,
        JournalKind::SecretSet,
    ];
    assert_eq!(told, kinds);
}

pub async fn reads_are_told_and_those_that_change_nothing_are_one_row(database: &impl Database) {
    let state = state(database).await;
    for _ in 0..3 {
        sync(&state, "orders", ScanKind::Incremental, 0).await;
        tokio::time::advance(HOUR / 4).await;
    }
    sync(&state, "lines", ScanKind::Overlap, 0).await;
    sync(&state, "orders", ScanKind::Incremental, 4).await;
    sync(&state, "orders", ScanKind::Full, 0).await;
    let rows = all(&state).await;
    let told: Vec<_> =
        rows.iter().rev().skip(1).map(|row| (row.kind, row.object.as_deref().unwrap())).collect();
    assert_eq!(
        told,
        [
            (JournalKind::SyncDay, "orders"),
            (JournalKind::SyncDay, "lines"),
            (JournalKind::SyncEnded, "orders"),
            (JournalKind::SyncBegun, "orders"),
            (JournalKind::SyncEnded, "orders"),
        ]
    );
    let day = &rows[rows.len() - 2];
    assert_eq!(
        serde_json::to_string(&day.data).unwrap(),
        r#"{"created":0,"deleted":0,"pages":6,"records":21,"syncs":3,"updated":0}"#
    );
    assert_eq!(day.at_ms, START_MS + 30 * 60 * 1_000);
    assert_eq!(rows[2].data["updated"], 4);
    assert_eq!(rows[0].data["read"], "full");
    // One that failed is told, and one that goes on failing in the same way is not.
    for error in ["no", "no", "other"] {
        let fail = move |row: &ScanRow, _: u64| {
            let (failures, error) = (row.failures + 1, Some(error.to_owned()));
            Some(ScanRow { failures, error, ..row.clone() })
        };
        state.change_scan(WHOSE, "orders", Box::new(fail)).await.unwrap();
    }
    let failed = vec![JournalKind::SyncFailed];
    let failed = state.journal(WHOSE, failed, None, 9).await.unwrap();
    let errors: Vec<_> = failed.iter().map(|row| row.data["error"].as_str().unwrap()).collect();
    assert_eq!(errors, ["other", "no"]);
    state.reset(WHOSE, "orders").await.unwrap();
    state.reset(WHOSE, "unknown").await.unwrap();
    assert_eq!(kinds(&state).await[..2], [JournalKind::Reset, JournalKind::SyncFailed]);
}

pub async fn old_reads_become_one_row_a_day(database: &impl Database) {
    let state = state(database).await;
    // Every hour from 22:13 on, over three days.
    for hour in 0..60 {
        sync(&state, "orders", ScanKind::Incremental, u64::from(hour % 2 == 0)).await;
        tokio::time::advance(HOUR).await;
        maintain(&state).await;
    }
    let rows = all(&state).await;
    let days: Vec<_> = rows.iter().filter(|row| row.kind == JournalKind::SyncDay).collect();
    // Of the day before yesterday, all; of the last two, those that changed nothing, and those that are
    // older than a day.
    let syncs: Vec<_> = days.iter().map(|row| row.data["syncs"].as_u64().unwrap()).collect();
    let single = rows.iter().filter(|row| row.kind == JournalKind::SyncEnded).count() as u64;
    assert_eq!(syncs.iter().sum::<u64>() + single, 60);
    assert_eq!((syncs.len(), single), (4, 12));
    assert_eq!(*syncs.last().unwrap(), 2);
    let updated: u64 = days.iter().map(|row| row.data["updated"].as_u64().unwrap()).sum();
    assert_eq!(updated, 30 - single);
}

pub async fn gaps_and_subscriptions_are_told(database: &impl Database) {
    let state = state(database).await;
    state.make_hook(WHOSE, "token").await.unwrap();
    let subscription = || SubscriptionRow {
        connection: WHOSE.to_owned(),
        object: "orders".to_owned(),
        url: "https://hooks.example.com/token".to_owned(),
        ..SubscriptionRow::default()
    };
    state.put_subscription(subscription()).await.unwrap();
    state.put_subscription(subscription()).await.unwrap();
    let beat = || Beat { gap_after_ms: 1_000, served: vec![(WHOSE.to_owned(), 0)] };
    state.beat(beat()).await.unwrap();
    tokio::time::advance(HOUR).await;
    state.beat(beat()).await.unwrap();
    state.open_gap(WHOSE, START_MS + 5).await.unwrap();
    let gap = state.hooks().await.unwrap().remove(0);
    let closed = state.close_gap(WHOSE, gap.gap_ms.unwrap(), gap.gap_end_ms.unwrap() + 1);
    assert!(closed.await.unwrap());
    state.remove_subscription(WHOSE, "orders").await.unwrap();
    state.remove_subscription(WHOSE, "orders").await.unwrap();
    let rows = all(&state).await;
    let told: Vec<_> = rows.iter().rev().map(|row| row.kind).collect();
    let kinds = [
        JournalKind::Connected,
        JournalKind::Subscribed,
        JournalKind::GapOpened,
        JournalKind::GapClosed,
        JournalKind::Unsubscribed,
    ];
    assert_eq!(told, kinds);
    assert_eq!(rows[1].data["since_ms"], START_MS);
    // Its address is a secret of a kind.
    assert!(rows.iter().all(|row| !format!("{row:?}").contains("token")));
}

pub async fn entries_go_with_their_time_and_their_connection(database: &impl Database) {
    let state = state(database).await;
    sync(&state, "orders", ScanKind::Incremental, 0).await;
    tokio::time::advance(DAY * 89).await;
    maintain(&state).await;
    sync(&state, "orders", ScanKind::Full, 0).await;
    assert_eq!(kinds(&state).await.len(), 4);
    tokio::time::advance(DAY * 2).await;
    maintain(&state).await;
    assert_eq!(kinds(&state).await, [JournalKind::SyncEnded, JournalKind::SyncBegun]);
    for erased in [true, false] {
        let id = WHOSE.to_owned();
        state.commit(vec![Change::RemoveConnection { id }]).await.unwrap();
        assert_eq!(kinds(&state).await, []);
        if erased {
            maintain(&state).await;
        }
        state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
        assert_eq!(kinds(&state).await, [JournalKind::Connected]);
    }
}
