//! A simulated account, and a state on the disk that outlives those who use it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use aftership_simulator::{Options, Simulator};
use host_harness::clock::TokioClock;
use host_harness::contract::records::{ListRequest, Start, View};
use host_harness::contract::types::{DataRecord, ErrorKind};
use host_harness::egress::Connect;
use host_harness::mirror::{Applied, Batch, ChangeRow, Derived, Mirror, Source};
use host_harness::push::{
    IntentRow, IntentState, Intents, Mode, OnConflict, Push, PushError, Summary, Word as _,
};
use host_harness::retry::Policy;
use host_harness::runtime::{CallError, Connector};
use host_harness::runtime::{Connection, ScanError};
use host_harness::source::{Items, ReadOptions, SourceForm};
use host_harness::store::{Change, ConnectionRow, Sqlite, Store};
use host_harness::vault::{MasterKey, Vault};
use serde_json::{Value, json};

use crate::support::world::{KEY, NOW_MS, connecting};
use crate::support::{Watch, component, runtime};

/// Objects that lie inside trackings.
const DERIVED: [&str; 3] = ["checkpoints", "notifications", "estimated-delivery-dates"];

/// What all processes of a machine share.
pub struct Shop {
    pub simulator: Simulator,
    pub connector: Connector,
    clock: TokioClock,
    folder: PathBuf,
}

/// One process.
pub struct Process {
    pub store: Arc<Sqlite>,
    pub connection: Connection,
    pub row: ConnectionRow,
    vault: Vault,
    clock: TokioClock,
}

/// What a run came to: the summary, and each item's end in the order in which it was told.
pub type Ran = (Summary, Vec<IntentRow>);

impl Shop {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("push-{}-{count}", std::process::id()));
        let mut options = Options {
            api_keys: vec![KEY.to_owned()],
            clock: Arc::new(aftership_simulator::TokioClock::new(NOW_MS)),
            ..Options::default()
        };
        change(&mut options);
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MS);
        let shop = Self {
            simulator: Simulator::new(options),
            connector: runtime().load(&component()).await.unwrap(),
            clock: TokioClock::starting_at(start),
            folder,
        };
        let vault = shop.vault(shop.store());
        let row = vault.new_connection("shop", "aftership", "api-key", BTreeMap::new()).unwrap();
        vault.store().commit(vec![Change::PutConnection(row)]).await.unwrap();
        shop
    }

    pub fn store(&self) -> Arc<Sqlite> {
        Arc::new(Sqlite::open(&self.file(), Arc::new(self.clock)).unwrap())
    }

    pub fn file(&self) -> PathBuf {
        self.folder.join("state.db")
    }

    fn vault(&self, store: Arc<Sqlite>) -> Vault {
        let master = MasterKey::read_or_make(&self.folder.join("master.key")).unwrap();
        Vault::new(store, Arc::new(self.clock), master)
    }

    /// A process that just started.
    pub async fn process(&self) -> Process {
        self.process_by(|builder| builder).await
    }

    /// As [`Shop::process`], over another network.
    pub async fn process_over(&self, network: Arc<dyn Connect>) -> Process {
        self.process_by(|builder| builder.network(network)).await
    }

    async fn process_by(
        &self,
        change: impl FnOnce(host_harness::runtime::Builder) -> host_harness::runtime::Builder,
    ) -> Process {
        let store = self.store();
        let vault = self.vault(Arc::clone(&store));
        let row = store.connection("shop").await.unwrap().unwrap();
        let watch = Arc::<Watch>::default();
        let builder = connecting(&self.connector, &self.simulator, &watch, KEY);
        let connection = change(builder).build().await.unwrap();
        let connection = connection.with_policy(Policy::default().seed(7));
        Process { store, connection, row, vault, clock: self.clock }
    }

    /// Trackings of the account by their numbers.
    pub fn trackings(&self) -> BTreeMap<String, Value> {
        let all = self.simulator.trackings().into_iter();
        let parsed = all.map(|text| serde_json::from_str::<Value>(&text).unwrap());
        let mut found = BTreeMap::new();
        for one in parsed {
            let number = one["tracking_number"].as_str().unwrap().to_owned();
            assert_eq!(found.insert(number, one), None, "a number is there once");
        }
        found
    }

    /// Requests of this method so far.
    pub fn count(&self, method: &str) -> usize {
        self.simulator.journal().iter().filter(|entry| entry.method == method).count()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Process {
    pub async fn push(&self, object: &str) -> Push {
        self.push_by(object, Arc::clone(&self.store) as _).await
    }

    /// As [`Process::push`], with a store that something stands before.
    pub async fn push_by(&self, object: &str, intents: Arc<dyn Intents>) -> Push {
        let (mirror, key) = (Arc::clone(&self.store), self.vault.key(&self.row).unwrap());
        let clock = Arc::new(self.clock);
        Push::new(self.connection.clone(), intents, mirror, clock, &self.row.id, key, object)
            .await
            .unwrap()
    }

    /// Pushes lines of JSON.
    pub async fn run(&self, lines: &[Value], mode: Mode) -> Ran {
        self.run_to("trackings", lines, mode, OnConflict::Fail).await.unwrap()
    }

    pub async fn run_to(
        &self,
        object: &str,
        lines: &[Value],
        mode: Mode,
        on_conflict: OnConflict,
    ) -> Result<Ran, PushError> {
        run(&self.push(object).await, lines, mode, on_conflict).await
    }

    /// A full pull: every page into the mirror.
    pub async fn pull(&self) -> Applied {
        self.try_pull().await.unwrap()
    }

    /// As [`Process::pull`], as far as it comes.
    pub async fn try_pull(&self) -> Result<Applied, ScanError> {
        let mut sum = Applied::default();
        let request = ListRequest {
            object: "trackings".to_owned(),
            start: Start::Beginning,
            page_size: Some(50),
            filter: None,
            view: View { fields: vec![], options: None },
        };
        let mut scan = self.connection.scan(request);
        loop {
            let asked = self.store.moment(&self.row.id).await.unwrap();
            let Some(page) = scan.next().await? else { return Ok(sum) };
            let derived = self.derive(page.records.clone()).await;
            let mut batch = self.batch(Source::Page, asked);
            batch.records = page.records;
            batch.derived = derived;
            let applied = self.store.apply(batch).await.unwrap();
            sum.created += applied.created;
            sum.updated += applied.updated;
            sum.deleted += applied.deleted;
            sum.derived += applied.derived;
            for id in applied.look_up {
                self.look_up(&id, &mut sum).await;
            }
        }
    }

    async fn derive(&self, parents: Vec<DataRecord>) -> Vec<Derived> {
        let objects = DERIVED.map(str::to_owned);
        let lists = self.connection.derive(&objects, parents).await.unwrap();
        let named = objects.into_iter().zip(lists);
        named.map(|(object, lists)| Derived { object, lists }).collect()
    }

    async fn look_up(&self, id: &str, sum: &mut Applied) {
        let asked = self.store.moment(&self.row.id).await.unwrap();
        let mut batch = self.batch(Source::Lookup, asked);
        match self.connection.get("trackings", id).await {
            Ok(record) => {
                batch.derived = self.derive(vec![record.clone()]).await;
                batch.records.push(record);
            }
            Err(CallError::Connector(error)) if error.kind == ErrorKind::NotFound => {
                batch.deleted.push(id.to_owned());
            }
            Err(_) => return,
        }
        let applied = self.store.apply(batch).await.unwrap();
        sum.created += applied.created;
        sum.updated += applied.updated;
        sum.deleted += applied.deleted;
        sum.derived += applied.derived;
    }

    fn batch(&self, source: Source, asked: u64) -> Batch {
        Batch::new(&self.row.id, "trackings", source, asked)
    }

    /// Every change so far.
    pub async fn changes(&self) -> Vec<ChangeRow> {
        self.store.changes(&self.row.id, 0, 1_000_000).await.unwrap()
    }
}

/// Keeps a source and works it off.
pub async fn run(
    push: &Push,
    lines: &[Value],
    mode: Mode,
    on_conflict: OnConflict,
) -> Result<Ran, PushError> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let source = Box::new(std::io::Cursor::new(text.into_bytes()));
    let items = Items::new(source, &ReadOptions::of(SourceForm::Json)).unwrap();
    let run = push.read(items, mode, None).await?.run;
    let mut told = Vec::new();
    let summary = push.run(&run, on_conflict, |ended| told.push(ended)).await?;
    assert!(told.is_sorted_by_key(|ended| ended.index));
    Ok((summary, told))
}

/// A wish for a tracking of the courier `dhl`.
pub fn wish(number: &str, title: &str) -> Value {
    json!({ "tracking_number": number, "slug": "dhl", "title": title })
}

/// Outcome, or state of an item that is not as wished.
pub fn ends(told: &[IntentRow]) -> Vec<&'static str> {
    let word = |one: &IntentRow| match (one.state, one.outcome) {
        (IntentState::Done, Some(outcome)) => outcome.word(),
        (state, _) => state.word(),
    };
    told.iter().map(word).collect()
}

/// No change that a pull brought was our own.
pub fn assert_no_echo(applied: &Applied) {
    let changes = (applied.created, applied.updated, applied.deleted, applied.derived);
    assert_eq!(changes, (0, 0, 0, 0), "a pull after a push brings nothing");
}
