//! What every [`Store`](crate::Store) must do.

mod maintaining;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use connector_contract::auth::{Account, Learned};
use tokio::time::advance;

pub use self::maintaining::*;
use super::{Database, START_MS, connection, grant, secret, session};
use crate::inbox::SubscriptionRow;
use crate::{
    Change, ConnectionRow, GrantRow, GrantState, Lease, PreviousTokens, Sealed, SecretRow,
    StoreError,
};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! store_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* store:
            rows_come_back_as_they_were [commit connections connection secrets grant take_session]
            what_changes_connections_is_told_by_revision [connections_since commit change_secret]
            a_connection_keeps_its_key_until_it_is_put_anew [commit connections]
            secrets_come_by_name_newest_first_until_they_end [secrets commit]
            all_of_a_commit_or_none [commit]
            a_name_is_taken_once [commit]
            what_belongs_to_nobody_is_refused [commit change_secret change_grant]
            removing_a_connection_takes_everything_with_it [commit secrets grant take_session]
            a_session_serves_once [take_session]
            ended_sessions_are_forgotten [commit take_session]
            a_grant_follows_the_one_before [commit]
            one_of_two_wins_a_lease [change_grant grant]
            versions_count_up_however_many_write [change_secret secrets]
            a_dropped_future_is_committed_whole [commit]
            decisions_are_told_the_time_of_the_store [change_grant change_secret]
            what_ended_is_forgotten [maintain secrets grant take_session]
            an_id_that_is_used_again_has_nothing_of_before [maintain commit]
        }
    };
}

pub async fn rows_come_back_as_they_were(database: &impl Database) {
    let store = database.open();
    let row = connection("a");
    let full = GrantRow {
        state: GrantState::Renewing,
        sends: 1,
        lease: Some(Lease { attempt: "x".to_owned(), until_ms: 8 }),
        expires_ms: Some(9),
        scopes: vec!["read".to_owned(), "write all".to_owned()],
        learned: Learned {
            settings: [("url".to_owned(), "https://a.example.com".to_owned())].into(),
            account: Some(Account { id: "7".to_owned(), title: "Shop \"7\"".to_owned() }),
        },
        retry_ms: Some(10),
        failures: 2,
        previous: Some(PreviousTokens { sealed: Sealed(vec![1]), until_ms: u64::MAX >> 1 }),
        ..grant("a")
    };
    let kept = [secret("a", "key", 1, None)];
    store
        .commit(vec![
            Change::PutConnection(row.clone()),
            Change::PutSecret(kept[0].clone()),
            Change::PutGrant(full.clone()),
            Change::PutSession(session(1, START_MS + 2_000)),
        ])
        .await
        .unwrap();
    // As another process sees it.
    let store = database.open();
    assert_eq!(store.connections().await.unwrap(), std::slice::from_ref(&row));
    assert_eq!(store.connection("a").await.unwrap(), Some(row.clone()));
    assert_eq!(store.connection("b").await.unwrap(), None);
    assert_eq!(store.secrets(&row.id).await.unwrap(), kept);
    assert_eq!(store.grant(&row.id).await.unwrap(), Some(full));
    assert_eq!(store.grant("nobody").await.unwrap(), None);
    for state in [GrantState::Valid, GrantState::Renewing, GrantState::Uncertain, GrantState::Ended]
    {
        let plain = GrantRow { state, ..grant("a") };
        store.commit(vec![Change::PutGrant(plain.clone())]).await.unwrap();
        assert_eq!(store.grant(&row.id).await.unwrap(), Some(plain));
    }
    store.commit(vec![Change::RemoveGrant { connection: row.id.clone() }]).await.unwrap();
    assert_eq!(store.grant(&row.id).await.unwrap(), None);
    let session = session(1, START_MS + 2_000);
    assert_eq!(store.take_session(&[1; 32]).await.unwrap(), Some(session));
}

pub async fn what_changes_connections_is_told_by_revision(database: &impl Database) {
    let state = database.open();
    let none = state.connections_since(0).await.unwrap();
    assert_eq!(none.changed, Vec::<String>::new());
    let put = |name: &str| Change::PutConnection(connection(name));
    state.commit(vec![put("a"), put("b")]).await.unwrap();
    let mut seen = state.connections_since(none.revision).await.unwrap();
    assert_eq!(seen.changed, ["id-of-a", "id-of-b"]);
    assert!(seen.revision > none.revision);
    let other = database.open();
    // What changes nothing of what a connection is.
    let key = Change::PutKey { id: "id-of-a".to_owned(), sealed_key: Sealed(vec![1]) };
    other.commit(vec![key, Change::PutGrant(grant("a"))]).await.unwrap();
    other.change_secret("id-of-a", "key", Box::new(|_, _| None)).await.unwrap();
    let quiet = state.connections_since(seen.revision).await.unwrap();
    assert_eq!((quiet.revision, quiet.changed.len()), (seen.revision, 0));
    let row = secret("a", "key", 1, None);
    let change = move |_: &[SecretRow], _| Some(vec![row.clone()]);
    let subscription = SubscriptionRow {
        connection: "id-of-a".to_owned(),
        object: "o".to_owned(),
        ..Default::default()
    };
    for step in 0..8 {
        match step {
            0 => {
                other.change_secret("id-of-a", "key", Box::new(change.clone())).await.unwrap();
            }
            1 => other.commit(vec![put("a")]).await.unwrap(),
            2 => drop(other.make_hook("id-of-a", "token").await.unwrap()),
            3 => other.put_subscription(subscription.clone()).await.unwrap(),
            4 => other.remove_subscription("id-of-a", "o").await.unwrap(),
            5 => other.open_gap("id-of-a", START_MS).await.unwrap(),
            6 => {
                let removed =
                    Change::RemoveSecret { connection: "id-of-a".into(), name: "key".into() };
                other.commit(vec![removed]).await.unwrap();
            }
            _ => {
                other
                    .commit(vec![Change::RemoveConnection { id: "id-of-a".into() }])
                    .await
                    .unwrap();
            }
        }
        let now = state.connections_since(seen.revision).await.unwrap();
        assert!(now.revision > seen.revision, "{step}");
        // One that is gone is told by the revision alone.
        let wanted: &[&str] = if step == 7 { &[] } else { &["id-of-a"] };
        assert_eq!(now.changed, wanted, "{step}");
        seen = now;
    }
    other.make_hook("id-of-b", "token b").await.unwrap();
    other.make_hook("id-of-b", "another").await.unwrap();
    let once = state.connections_since(seen.revision).await.unwrap();
    assert_eq!((once.revision, &*once.changed), (seen.revision + 1, &["id-of-b".to_owned()][..]));
}

pub async fn a_connection_keeps_its_key_until_it_is_put_anew(database: &impl Database) {
    let store = database.open();
    let row = connection("a");
    store.commit(vec![Change::PutConnection(row.clone())]).await.unwrap();
    let renamed = ConnectionRow {
        name: "b".to_owned(),
        scheme: "oauth2".to_owned(),
        settings: BTreeMap::new(),
        sealed_key: Sealed(b"of a stale reader".to_vec()),
        ..row.clone()
    };
    store.commit(vec![Change::PutConnection(renamed.clone())]).await.unwrap();
    let kept = ConnectionRow { sealed_key: row.sealed_key, ..renamed };
    assert_eq!(store.connections().await.unwrap(), std::slice::from_ref(&kept));
    let sealed_key = Sealed(b"under another master key".to_vec());
    let put = Change::PutKey { id: row.id, sealed_key: sealed_key.clone() };
    store.commit(vec![put]).await.unwrap();
    let kept = ConnectionRow { sealed_key, ..kept };
    assert_eq!(store.connections().await.unwrap(), [kept]);
}

pub async fn secrets_come_by_name_newest_first_until_they_end(database: &impl Database) {
    let store = database.open();
    let rows = [
        secret("a", "key", 10, None),
        secret("a", "key", 9, Some(START_MS + 100)),
        secret("a", "key", 2, Some(START_MS + 50)),
        secret("a", "other", 1, None),
    ];
    let puts = rows.iter().rev().cloned().map(Change::PutSecret);
    let whose = [Change::PutConnection(connection("a")), Change::PutConnection(connection("b"))];
    store.commit(whose.into_iter().chain(puts).collect()).await.unwrap();
    let id = &rows[0].connection;
    assert_eq!(store.secrets(id).await.unwrap(), rows);
    let left = [&rows[..2], &rows[3..]].concat();
    advance(Duration::from_millis(50)).await;
    assert_eq!(store.secrets(id).await.unwrap(), left);
    assert_eq!(store.secrets("id-of-b").await.unwrap(), []);
    let remove = Change::RemoveSecret { connection: id.clone(), name: "key".to_owned() };
    store.commit(vec![remove]).await.unwrap();
    assert_eq!(store.secrets(id).await.unwrap(), rows[3..]);
}

pub async fn all_of_a_commit_or_none(database: &impl Database) {
    let store = database.open();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let half = vec![
        Change::PutConnection(connection("b")),
        Change::PutSecret(secret("b", "key", 1, None)),
        Change::RemoveConnection { id: "id-of-a".to_owned() },
        Change::PutSecret(secret("a", "key", 1, None)),
    ];
    // One that fails takes nothing of its neighbours with it.
    let (before, failed, after) = tokio::join!(
        store.commit(vec![Change::PutConnection(connection("c"))]),
        store.commit(half),
        store.commit(vec![Change::PutConnection(connection("d"))]),
    );
    assert_eq!(failed, Err(StoreError::NoConnection("id-of-a".to_owned())));
    assert_eq!((before, after), (Ok(()), Ok(())));
    let names: Vec<String> =
        store.connections().await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["a", "c", "d"]);
    assert_eq!(store.secrets("id-of-b").await.unwrap(), []);
}

pub async fn a_name_is_taken_once(database: &impl Database) {
    let store = database.open();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let other = ConnectionRow { id: "other".to_owned(), ..connection("a") };
    let taken = store.commit(vec![Change::PutConnection(other.clone())]).await;
    assert_eq!(taken, Err(StoreError::NameTaken("a".to_owned())));
    let remove = Change::RemoveConnection { id: "id-of-a".to_owned() };
    store.commit(vec![remove, Change::PutConnection(other.clone())]).await.unwrap();
    assert_eq!(store.connections().await.unwrap(), [other]);
}

pub async fn what_belongs_to_nobody_is_refused(database: &impl Database) {
    let store = database.open();
    let refused = Err(StoreError::NoConnection("id-of-a".to_owned()));
    let put_key = Change::PutKey { id: "id-of-a".to_owned(), sealed_key: Sealed(vec![]) };
    for change in
        [Change::PutSecret(secret("a", "key", 1, None)), Change::PutGrant(grant("a")), put_key]
    {
        assert_eq!(store.commit(vec![change]).await, refused);
    }
    let changed = store.change_secret("id-of-a", "key", Box::new(|_, _| None)).await;
    assert_eq!(changed.map(|_| ()), refused);
    let changed = store.change_grant("id-of-a", Box::new(|row, _| Some(row.clone()))).await;
    assert_eq!(changed, Ok(None));
}

pub async fn a_grant_follows_the_one_before(database: &impl Database) {
    let store = database.open();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let put = async |epoch, name: &str| {
        let next = Change::PutNextGrant(GrantRow { epoch, ..grant("a") });
        store.commit(vec![next, Change::PutConnection(connection(name))]).await
    };
    let refused = Err(StoreError::NotNext("id-of-a".to_owned()));
    for (epoch, expected) in
        [(2, refused.clone()), (1, Ok(())), (1, refused.clone()), (3, refused), (2, Ok(()))]
    {
        let name = format!("b{epoch}");
        assert_eq!(put(epoch, &name).await, expected, "{epoch}");
    }
    // All of a commit, or none.
    assert_eq!(store.connection("b3").await.unwrap(), None);
}

pub async fn removing_a_connection_takes_everything_with_it(database: &impl Database) {
    let store = database.open();
    let id = "id-of-new".to_owned();
    store
        .commit(vec![
            Change::PutConnection(connection("new")),
            Change::PutSecret(secret("new", "key", 1, None)),
            Change::PutGrant(grant("new")),
            Change::PutSession(session(1, START_MS + 2_000)),
            Change::RemoveConnection { id: id.clone() },
            Change::PutConnection(connection("new")),
        ])
        .await
        .unwrap();
    assert_eq!(store.secrets(&id).await.unwrap(), []);
    assert_eq!(store.grant(&id).await.unwrap(), None);
    assert_eq!(store.take_session(&[1; 32]).await.unwrap(), None);
}

pub async fn a_session_serves_once(database: &impl Database) {
    let (store, other) = (database.open(), database.open());
    store.commit(vec![Change::PutSession(session(1, START_MS + 2_000))]).await.unwrap();
    let (state, wrong) = ([1; 32], [2; 32]);
    assert_eq!(store.take_session(&wrong).await.unwrap(), None);
    let taken = tokio::join!(
        store.take_session(&state),
        other.take_session(&state),
        store.take_session(&state),
    );
    let taken = [taken.0.unwrap(), taken.1.unwrap(), taken.2.unwrap()];
    assert_eq!(taken.iter().flatten().collect::<Vec<_>>(), [&session(1, START_MS + 2_000)]);
}

pub async fn ended_sessions_are_forgotten(database: &impl Database) {
    let store = database.open();
    let put = |row| store.commit(vec![Change::PutSession(row)]);
    put(session(1, START_MS + 10)).await.unwrap();
    put(session(2, START_MS + 11)).await.unwrap();
    advance(Duration::from_millis(10)).await;
    put(session(3, START_MS + 5_000)).await.unwrap();
    assert_eq!(store.take_session(&[1; 32]).await.unwrap(), None);
    let left = store.take_session(&[2; 32]).await.unwrap();
    assert_eq!(left, Some(session(2, START_MS + 11)));
}

/// Each of 64 tasks in two processes wants to renew each of 3 epochs.
pub async fn one_of_two_wins_a_lease(database: &impl Database) {
    let stores = [database.open(), database.open()];
    let commit = vec![Change::PutConnection(connection("a")), Change::PutGrant(grant("a"))];
    stores[0].commit(commit).await.unwrap();
    let won: Arc<[AtomicU32; 3]> = Arc::default();
    let mut tasks = Vec::new();
    for task in 0..64 {
        for (index, epoch) in (3..6).enumerate() {
            let (store, won) = (Arc::clone(&stores[task % 2]), Arc::clone(&won));
            tasks.push(tokio::spawn(async move {
                let mine = format!("{task}-{epoch}");
                let attempt = mine.clone();
                let lease = move |row: &GrantRow, _: u64| {
                    let free = row.epoch == epoch && row.lease.is_none();
                    let lease = Some(Lease { attempt: attempt.clone(), until_ms: 30_000 });
                    free.then(|| GrantRow { lease, ..row.clone() })
                };
                let row = store.change_grant("id-of-a", Box::new(lease)).await.unwrap().unwrap();
                if row.lease.as_ref().is_some_and(|lease| lease.attempt == mine) {
                    won[index].fetch_add(1, Ordering::Relaxed);
                    let store_tokens = |row: &GrantRow, _: u64| {
                        Some(GrantRow { epoch: row.epoch + 1, lease: None, ..row.clone() })
                    };
                    store.change_grant("id-of-a", Box::new(store_tokens)).await.unwrap();
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let epoch = stores[1].grant("id-of-a").await.unwrap().unwrap().epoch;
    let won: Vec<u32> = won.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert!(won.iter().all(|count| *count <= 1), "{won:?}");
    assert_eq!(u64::from(won.iter().sum::<u32>()), epoch - 3);
    assert_eq!(won[0], 1);
}

pub async fn versions_count_up_however_many_write(database: &impl Database) {
    let stores = [database.open(), database.open()];
    stores[0].commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|task| {
            let store = Arc::clone(&stores[task % 2]);
            tokio::spawn(async move {
                let next = |rows: &[SecretRow], _: u64| {
                    let newest = rows.first().map_or(0, |row| row.version);
                    Some(vec![secret("a", "key", newest + 1, None)])
                };
                store.change_secret("id-of-a", "key", Box::new(next)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = stores[0].secrets("id-of-a").await.unwrap();
    let versions: Vec<u32> = rows.iter().map(|row| row.version).collect();
    assert_eq!(versions, (1..=20).rev().collect::<Vec<_>>());
    let same = stores[1].change_secret("id-of-a", "key", Box::new(|_, _| None)).await.unwrap();
    assert_eq!(same, rows);
}

pub async fn a_dropped_future_is_committed_whole(database: &impl Database) {
    let store = database.open();
    let changes =
        vec![Change::PutConnection(connection("a")), Change::PutSecret(secret("a", "k", 1, None))];
    let mut commit = store.commit(changes);
    tokio::select! {
        biased;
        ended = &mut commit => ended.unwrap(),
        () = std::future::ready(()) => {}
    }
    drop(commit);
    drop(store);
    let store = database.open();
    // It may be going on with it.
    while store.connection("a").await.unwrap().is_none() {}
    assert_eq!(store.secrets("id-of-a").await.unwrap(), [secret("a", "k", 1, None)]);
}

pub async fn decisions_are_told_the_time_of_the_store(database: &impl Database) {
    let store = database.open();
    let made = vec![Change::PutConnection(connection("a")), Change::PutGrant(grant("a"))];
    store.commit(made).await.unwrap();
    advance(Duration::from_millis(7)).await;
    let told: Arc<[AtomicU64; 2]> = Arc::default();
    let note = |index: usize| {
        let told = Arc::clone(&told);
        move |now_ms| told[index].store(now_ms, Ordering::Relaxed)
    };
    let (of_grant, of_secret) = (note(0), note(1));
    let change = move |_: &GrantRow, now_ms| {
        of_grant(now_ms);
        None
    };
    store.change_grant("id-of-a", Box::new(change)).await.unwrap();
    let change = move |_: &[SecretRow], now_ms| {
        of_secret(now_ms);
        None
    };
    store.change_secret("id-of-a", "key", Box::new(change)).await.unwrap();
    let told = [0, 1].map(|index: usize| told[index].load(Ordering::Relaxed));
    assert_eq!(told, [START_MS + 7; 2]);
}
