//! How items end with what their answers told, and how runs go.

use std::time::Duration;

use connector_contract::types::DataRecord;
use tokio::time::advance;

use super::super::store::maintain;
use super::super::{Database, connection};
use super::{FOR_MS, begun, done, holder, is_ours, item, item_of, run, run_of, sealed};
use crate::mirror::{Batch, Mirror, ScanStep, Source};
use crate::push::*;
use crate::retention::PUSHES_MS;
use crate::{Change, StoreError};

fn batch(source: Source) -> Batch {
    let (id, data) = ("9".to_owned(), "{\"id\":\"9\"}".to_owned());
    let record = DataRecord { id, updated_at: None, created_at: None, version: None, data };
    Batch { records: vec![record], ..Batch::new("id-of-a", "orders", source, 0) }
}

pub async fn an_end_commits_what_its_answer_told(database: &impl Database) {
    let store = begun(database, "r", &["k"]).await;
    let me = holder("r", 0, "me");
    assert!(is_ours(&*store, &me).await);
    let applied = store.end(&me, done(), Some(batch(Source::Ours))).await.unwrap().unwrap();
    assert_eq!(applied.created, 1);
    assert!(Mirror::record(&*store, "id-of-a", "orders", "9").await.unwrap().is_some());
    assert_eq!(item_of(&*store, "r", 0).await.state, IntentState::Done);
}

pub async fn an_end_whose_answer_is_refused_does_nothing(database: &impl Database) {
    let store = begun(database, "r", &["k"]).await;
    let me = holder("r", 0, "me");
    assert!(is_ours(&*store, &me).await);
    let before = (run_of(&*store, "r").await, item_of(&*store, "r", 0).await);
    // A page of a scan that nobody holds.
    let step = ScanStep {
        scan: 1,
        attempt: "me".to_owned(),
        next: None,
        wait_ms: None,
        bookmark: None,
        outside: 0,
        lease_ms: FOR_MS,
    };
    let lost = Batch { step: Some(step), ..batch(Source::Page) };
    let refused = store.end(&me, done(), Some(lost)).await;
    assert_eq!(refused, Err(StoreError::Superseded { object: "orders".to_owned() }));
    assert_eq!((run_of(&*store, "r").await, item_of(&*store, "r", 0).await), before);
    store.end(&me, done(), None).await.unwrap();
}

pub async fn runs_are_forgotten_in_time(database: &impl Database) {
    let store = begun(database, "open", &["k"]).await;
    sealed(&*store, "ended", &[]).await;
    store.begin(run("unsealed")).await.unwrap();
    let many = (0..1_200).map(|index| item("unsealed", index, "k")).collect();
    store.add(many).await.unwrap();
    let ids = async || {
        maintain(&*store).await;
        let mut ids: Vec<String> =
            store.pushes(None).await.unwrap().into_iter().map(|run| run.id).collect();
        ids.sort();
        ids
    };
    advance(Duration::from_millis(PUSHES_MS)).await;
    assert_eq!(ids().await, ["ended", "open", "unsealed"]);
    advance(Duration::from_millis(1)).await;
    assert_eq!(ids().await, ["open"]);
    for id in ["ended", "unsealed"] {
        assert_eq!(store.intents(id, 0, 9).await, Ok(vec![]));
        assert_eq!(Intents::run(&*store, id).await, Ok(None));
    }
}

pub async fn a_removed_connection_takes_its_runs(database: &impl Database) {
    let store = begun(database, "r", &["k", "l"]).await;
    let me = holder("r", 0, "me");
    assert!(is_ours(&*store, &me).await);
    let remove = Change::RemoveConnection { id: "id-of-a".to_owned() };
    store.commit(vec![remove]).await.unwrap();
    let nothing = async || {
        let no_push = StoreError::NoPush("r".to_owned());
        assert_eq!(Intents::run(&*store, "r").await, Ok(None));
        assert_eq!(store.pushes(None).await, Ok(vec![]));
        assert_eq!(store.intents("r", 0, 9).await, Ok(vec![]));
        assert_eq!(store.claim(&me, FOR_MS).await, Err(no_push.clone()));
        assert_eq!(store.add(vec![item("r", 2, "m")]).await, Err(no_push));
    };
    nothing().await;
    maintain(&*store).await;
    nothing().await;
    // Nothing of it comes back with the id, and its record is free.
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    nothing().await;
    sealed(&*store, "other", &["k"]).await;
    assert!(is_ours(&*store, &holder("other", 0, "you")).await);
}
