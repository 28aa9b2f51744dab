//! Pages of a scan.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use host_harness::clock::TokioClock;
use host_harness::mirror::Mirror as _;
use host_harness::retry::Policy;
use host_harness::runtime::{Connection, ScanError};
use host_harness::store::{Change, Sqlite};
use host_harness::sync::{
    Catalog, Pull, PullOptions, PullOutcome, SyncError, SyncedConnection, Turns,
};
use host_harness::vault::{MasterKey, Vault};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{Asked, connection, provider};
use crate::support::scratch;

/// A mirror of a provider that is written.
struct Kept {
    folder: std::path::PathBuf,
    clock: Arc<TokioClock>,
    connection: String,
    client: Connection,
    catalog: Catalog,
}

impl Kept {
    async fn of(answers: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Self {
        let folder = scratch("pages");
        let clock = Arc::new(TokioClock::starting_at(SystemTime::now()));
        let vault = Vault::new(
            Arc::new(Sqlite::open(&folder.join("state.db"), clock.clone()).unwrap()),
            clock.clone(),
            MasterKey::read_or_make(&folder.join("master.key")).unwrap(),
        );
        let row = vault.new_connection("default", "scripted", "key", [].into()).unwrap();
        let id = row.id.clone();
        vault.store().commit(vec![Change::PutConnection(row)]).await.unwrap();
        let connection = connection(provider(answers)).await;
        let catalog = Catalog::of(connection.connector()).await.unwrap();
        let client = connection.with_policy(Policy::default().seed(7));
        Self { folder, clock, connection: id, client, catalog }
    }

    /// As a process that has just started.
    fn open(&self) -> Arc<Sqlite> {
        Arc::new(Sqlite::open(&self.folder.join("state.db"), self.clock.clone()).unwrap())
    }

    async fn sync(&self, object: &str) -> Result<PullOutcome, SyncError> {
        let account = SyncedConnection {
            client: self.client.clone(),
            mirror: self.open(),
            clock: self.clock.clone(),
            connection: self.connection.clone(),
            turns: Turns::default(),
        };
        let object = self.catalog.bringing(object).unwrap().clone();
        Box::pin(Pull::new(account, object).run(&PullOptions::default())).await
    }

    async fn ids(&self, object: &str) -> Vec<String> {
        let records = self.open().records(&self.connection, object, None, 100).await.unwrap();
        records.into_iter().map(|record| record.id).collect()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn page(id: &str, next: Option<&str>) -> Value {
    json!({ "records": [{ "id": id, "data": { "id": id } }], "next": next })
}

/// While the provider is at work nobody asks, also no process that starts meanwhile.
#[tokio::test(start_paused = true)]
async fn a_page_is_not_asked_for_before_its_time_also_after_a_restart() {
    let began = Instant::now();
    let kept = Kept::of(move |asked| match asked.input["start"]["at"].as_str() {
        None => {
            let mut page = page("1", Some("second"));
            page["not_before_ms"] = json!(60_000);
            page
        }
        Some(_) => page(&began.elapsed().as_secs().to_string(), None),
    })
    .await;
    {
        let waits = kept.sync("things");
        tokio::pin!(waits);
        timeout(Duration::from_secs(1), &mut waits).await.unwrap_err();
        let beside = kept.sync("things").await.unwrap();
        assert!(matches!(beside, PullOutcome::Busy { .. }), "who waits is at it: {beside:?}");
    }
    assert_eq!(kept.ids("things").await, ["1"], "the page is kept with its position");
    kept.sync("things").await.unwrap();
    assert_eq!(kept.ids("things").await, ["1", "60"]);
}

#[tokio::test(start_paused = true)]
async fn cursors_that_come_again_stop_the_scan_and_what_came_is_kept() {
    let kept = Kept::of(|_| page("1", Some("one"))).await;
    let stopped = kept.sync("things").await.unwrap_err();
    assert!(matches!(stopped, SyncError::Scan(ScanError::RepeatedCursor { page: 2 })), "{stopped}");
    assert_eq!(kept.ids("things").await, ["1"]);
    // The one before last.
    let kept = Kept::of(|asked| match asked.input["start"]["at"].as_str() {
        Some("one") => page("2", Some("two")),
        _ => page("1", Some("one")),
    })
    .await;
    let stopped = kept.sync("things").await.unwrap_err();
    assert!(matches!(stopped, SyncError::Circle(3)), "{stopped}");
    assert_eq!(kept.ids("things").await, ["1", "2"]);
}

/// Objects of one call are derived from the same: this connector refuses any other call.
#[tokio::test(start_paused = true)]
async fn what_is_derived_together_comes_from_one_object() {
    let kept = Kept::of(|_| {
        let data = json!({ "id": "1", "lines": ["a", "b"], "notes": ["c"], "parts": ["d"] });
        json!({ "records": [{ "id": "1", "data": data }] })
    })
    .await;
    kept.sync("things").await.unwrap();
    assert_eq!(kept.ids("lines").await, ["1/lines/a", "1/lines/b"]);
    assert_eq!(kept.ids("notes").await, ["1/notes/c"]);
    assert!(kept.ids("parts").await.is_empty(), "they lie in others");
    kept.sync("others").await.unwrap();
    assert_eq!(kept.ids("parts").await, ["1/parts/d"]);
}
