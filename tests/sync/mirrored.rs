//! A simulated account and a mirror of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aftership_simulator::{Answer, Matcher, Options};
use host_harness::clock::{Clock, TokioClock};
use host_harness::contract::types::DataRecord;
use host_harness::mirror::{ChangeKind, ChangeRow, Mirror, MirroredRecord, RecordState, ScanRow};
use host_harness::runtime::Connector;
use host_harness::store::{Change, Sqlite, Store};
use host_harness::sync::{
    Catalog, Pull, PullOptions, PullOutcome, PullReport, SyncError, SyncedConnection, Turns,
};
use host_harness::vault::{MasterKey, Vault};

use crate::support::world::{TRACKINGS, World};
use crate::support::{component, runtime, scratch};

pub const OBJECT: &str = "trackings";
pub const DERIVED: [&str; 3] = ["checkpoints", "notifications", "estimated-delivery-dates"];
pub const HOUR: u64 = 60 * 60;

/// Reads what is due, in small pages.
pub const DUE: PullOptions = wish(false);
/// Reads everything.
pub const FULL: PullOptions = wish(true);

const fn wish(full: bool) -> PullOptions {
    let rhythm = host_harness::sync::Rhythm { full_every: Duration::from_secs(7 * 24 * HOUR) };
    PullOptions { full, rhythm, sweep_anyway: false, page_size: Some(10), since_ms: None }
}

/// An account, and what is kept of it.
pub struct Mirrored {
    pub world: World,
    pub catalog: Catalog,
    pub connection: String,
    clock: Arc<TokioClock>,
    database: Option<Arc<Sqlite>>,
    folder: PathBuf,
}

impl Mirrored {
    /// Of so many trackings.
    pub async fn of(trackings: usize) -> Self {
        let connector = runtime().load(&component()).await.unwrap();
        Self::with(&connector, trackings, |_| {}).await
    }

    /// Of an account of another kind.
    pub async fn with(
        connector: &Connector,
        trackings: usize,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        Self::keeping(World::of(connector, change).await, trackings, 0).await
    }

    /// By a host whose clock is ahead by so many seconds.
    pub async fn ahead(trackings: usize, ahead_s: i64) -> Self {
        let connector = runtime().load(&component()).await.unwrap();
        Self::keeping(World::ahead(&connector, ahead_s, |_| {}).await, trackings, ahead_s).await
    }

    async fn keeping(world: World, trackings: usize, ahead_s: i64) -> Self {
        world.simulator.seed(3, trackings);
        let start_ms = world.simulator.now_ms().saturating_add_signed(ahead_s * 1_000);
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(start_ms);
        let clock = Arc::new(TokioClock::starting_at(start));
        let folder = scratch("mirrored");
        let database = open(&folder, &clock);
        let master = MasterKey::read_or_make(&folder.join("master.key")).unwrap();
        let store = Arc::clone(&database) as Arc<dyn Store>;
        let vault = Vault::new(store, Arc::clone(&clock) as _, master);
        let row = vault.new_connection("default", "aftership", "api-key", BTreeMap::new());
        let row = row.unwrap();
        let connection = row.id.clone();
        vault.store().commit(vec![Change::PutConnection(row)]).await.unwrap();
        drop(vault);
        let connector = world.connection.connector();
        let catalog = Catalog::of(connector).await.unwrap();
        Self { world, catalog, connection, clock, database: Some(database), folder }
    }

    pub fn database(&self) -> &Arc<Sqlite> {
        self.database.as_ref().unwrap()
    }

    /// Closes the file, and opens it as another process would.
    pub fn reopen(&mut self) {
        self.database = None;
        self.database = Some(open(&self.folder, &self.clock));
    }

    /// Another process on the same file.
    pub fn elsewhere(&self) -> Arc<Sqlite> {
        open(&self.folder, &self.clock)
    }

    pub fn pull(&self) -> Pull {
        self.pull_into(self.database())
    }

    pub fn pull_into(&self, database: &Arc<Sqlite>) -> Pull {
        let account = SyncedConnection {
            client: self.world.connection.clone(),
            mirror: Arc::clone(database) as _,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            connection: self.connection.clone(),
            turns: Turns::default(),
        };
        Pull::new(account, self.catalog.bringing(OBJECT).unwrap().clone())
    }

    pub async fn run(&self, wish: PullOptions) -> Result<PullOutcome, SyncError> {
        Box::pin(self.pull().run(&wish)).await
    }

    /// A run that does what it is asked.
    pub async fn sync(&self, wish: PullOptions) -> PullReport {
        match self.run(wish).await.unwrap() {
            PullOutcome::Done(report) => *report,
            busy @ PullOutcome::Busy { .. } => panic!("{busy:?}"),
        }
    }

    pub async fn scan(&self) -> ScanRow {
        let scans = self.database().scans(&self.connection).await.unwrap();
        scans.into_iter().find(|scan| scan.object == OBJECT).unwrap()
    }

    /// Lets the next lists answer so, in this order.
    pub fn lists(&self, answers: impl IntoIterator<Item = Answer>) {
        for answer in answers {
            self.world.simulator.answer_next(Matcher::new("GET", TRACKINGS), answer);
        }
    }

    /// Every change, oldest first.
    pub async fn changes(&self) -> Vec<ChangeRow> {
        self.database().changes(&self.connection, 0, 1_000_000).await.unwrap()
    }

    pub async fn changes_of(&self, kind: ChangeKind) -> Vec<ChangeRow> {
        let changes = self.changes().await.into_iter();
        changes.filter(|change| change.object == OBJECT && change.kind == kind).collect()
    }

    pub async fn kept(&self, object: &str) -> BTreeMap<String, MirroredRecord> {
        let records = self.database().records(&self.connection, object, None, 1_000_000).await;
        records.unwrap().into_iter().map(|record| (record.id.clone(), record)).collect()
    }

    /// Ids of the provider's records and their texts.
    pub fn truth(&self) -> BTreeMap<String, String> {
        let trackings = self.world.simulator.trackings().into_iter();
        trackings.map(|text| (id(&text), text)).collect()
    }

    /// The mirror is as the provider, and the log tells how it came to be so.
    pub async fn assert_true(&self) {
        let kept = self.kept(OBJECT).await;
        let live = kept.values().filter(|record| record.state == RecordState::Live);
        let live: BTreeMap<String, String> =
            live.map(|record| (record.id.clone(), record.data.clone())).collect();
        let truth = self.truth();
        let ids = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&live), ids(&truth));
        for (id, text) in &truth {
            assert_eq!(&live[id], text);
        }
        for object in DERIVED {
            self.assert_derived(object, &kept).await;
        }
        self.assert_log().await;
    }

    async fn assert_derived(&self, object: &str, holders: &BTreeMap<String, MirroredRecord>) {
        let parents = holders.values().map(|holder| DataRecord {
            id: holder.id.clone(),
            updated_at: holder.updated_at.clone(),
            created_at: holder.created_at.clone(),
            version: None,
            data: holder.data.clone(),
        });
        let lists =
            self.world.connection.derive(&[object.to_owned()], parents.collect()).await.unwrap();
        let truth: BTreeMap<String, String> =
            lists.into_iter().flatten().flatten().map(|record| (record.id, record.data)).collect();
        let kept: BTreeMap<String, String> =
            self.kept(object).await.into_iter().map(|(id, record)| (id, record.data)).collect();
        assert_eq!(kept, truth, "{object}");
    }

    /// What the log tells, one after the other, is what is kept; and it tells nothing twice.
    pub async fn assert_log(&self) {
        let mut told: BTreeMap<(String, String), [u8; 32]> = BTreeMap::new();
        for change in self.changes().await {
            let key = (change.object.clone(), change.id.clone());
            match change.kind {
                ChangeKind::Created => {
                    let before = told.insert(key, change.hash.unwrap());
                    assert!(before.is_none(), "created twice: {change:?}");
                }
                ChangeKind::Updated => {
                    let before = told.insert(key, change.hash.unwrap());
                    assert_eq!(before, change.previous, "{change:?}");
                }
                ChangeKind::Deleted => {
                    assert_eq!(told.remove(&key), change.previous, "{change:?}");
                }
                ChangeKind::AgedOut => assert!(told.contains_key(&key), "{change:?}"),
                ChangeKind::Drift | ChangeKind::Reset | ChangeKind::Rule => {}
            }
        }
        for object in [OBJECT].into_iter().chain(DERIVED) {
            for (id, record) in self.kept(object).await {
                let told = told.remove(&(object.to_owned(), id.clone()));
                assert_eq!(told, Some(record.hash), "{object} {id}");
            }
        }
        assert!(told.is_empty(), "{told:?}");
    }
}

impl Drop for Mirrored {
    fn drop(&mut self) {
        self.database = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Time passes.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub fn id(tracking: &str) -> String {
    let tracking: serde_json::Value = serde_json::from_str(tracking).unwrap();
    tracking["id"].as_str().unwrap().to_owned()
}

/// A list's answer with these trackings in it, and nothing after it.
pub fn page(trackings: &[&str]) -> Answer {
    let all = trackings.join(",");
    let body = format!(
        r#"{{"meta":{{"code":200}},"data":{{"pagination":{{"total":{},"next_cursor":"","has_next_page":false}},"trackings":[{all}]}}}}"#,
        trackings.len()
    );
    Answer::new(200, body).header("content-type", "application/json")
}

/// A server's error, as often as a call is tried.
pub fn down() -> [Answer; 4] {
    [(); 4].map(|()| Answer::new(500, r#"{"meta":{"code":500,"message":"down"},"data":{}}"#))
}

fn open(folder: &std::path::Path, clock: &Arc<TokioClock>) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(&folder.join("state.db"), Arc::clone(clock) as _).unwrap())
}
