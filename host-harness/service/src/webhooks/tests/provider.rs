//! A provider that a worker can ask, with orders that hold lines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::egress::Pending;
use connector_runtime::{CallError, Stop, error};
use connector_state::mirror::{Derived, Mirror as _};
use serde_json::Value;

use super::world::{Fake, SHOP, World};
use crate::webhooks::{Notes, Pace, Reads, Worker, WorkerConnection};

/// Records by id, as the provider has them.
#[derive(Default)]
pub struct Provider {
    pub records: Mutex<BTreeMap<String, DataRecord>>,
    /// Every question fails so.
    pub fails: Mutex<Option<ErrorKind>>,
    pub asked: AtomicU32,
}

impl Provider {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn put(&self, id: &str, updated_at: &str, n: u32) {
        let record = record(id, updated_at, n);
        self.records.lock().unwrap().insert(id.to_owned(), record);
    }

    pub fn fail(&self, kind: Option<ErrorKind>) {
        *self.fails.lock().unwrap() = kind;
    }

    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn answer(&self, id: &str) -> Result<DataRecord, CallError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(kind) = self.fails.lock().unwrap().clone() {
            return Err(error(kind, "no").into());
        }
        let found = self.records.lock().unwrap().get(id).cloned();
        found.ok_or_else(|| error(ErrorKind::NotFound, "not there").into())
    }
}

impl Reads for Provider {
    /// One line for each of the members in `lines`; a poison one traps.
    fn derive<'a>(
        &'a self,
        object: &'a str,
        records: &'a [DataRecord],
    ) -> Pending<'a, Result<Vec<Derived>, CallError>> {
        if object != "orders" || records.is_empty() {
            return Box::pin(async { Ok(vec![]) });
        }
        let derive = |parent: &DataRecord| {
            let data: Value = serde_json::from_str(&parent.data).unwrap();
            if data["poison"] == true {
                let reason = Stop::Trapped("unreachable".to_owned());
                return Err(CallError::Stopped { reason, wrote: false });
            }
            let lines = data["lines"].as_array().cloned().unwrap_or_default();
            let line = |line: &Value| DataRecord {
                id: format!("{}/{}", parent.id, line.as_str().unwrap()),
                updated_at: parent.updated_at.clone(),
                created_at: None,
                version: None,
                data: line.to_string(),
            };
            Ok(lines.iter().map(line).collect())
        };
        let lists = records.iter().map(derive).collect::<Result<_, _>>();
        let derived = lists.map(|lists| vec![Derived { object: "lines".to_owned(), lists }]);
        Box::pin(async move { derived })
    }

    fn get<'a>(&'a self, _: &'a str, id: &'a str) -> Pending<'a, Result<DataRecord, CallError>> {
        let answer = self.answer(id);
        Box::pin(async move { answer })
    }

    fn find<'a>(
        &'a self,
        _: &'a str,
        input: &'a str,
    ) -> Pending<'a, Result<Vec<DataRecord>, CallError>> {
        let input: Value = serde_json::from_str(input).unwrap();
        let found = match self.answer(input["id"].as_str().unwrap()) {
            Ok(record) => Ok(vec![record]),
            Err(CallError::Connector(error)) if error.kind == ErrorKind::NotFound => Ok(vec![]),
            Err(why) => Err(why),
        };
        Box::pin(async move { found })
    }
}

pub fn record(id: &str, updated_at: &str, n: u32) -> DataRecord {
    let data = serde_json::json!({ "id": id, "n": n }).to_string();
    let updated_at = Some(updated_at.to_owned()).filter(|at| !at.is_empty());
    DataRecord { id: id.to_owned(), updated_at, created_at: None, version: None, data }
}

pub fn worker(world: &World, provider: &Arc<Provider>, tick: Duration) -> Arc<Worker> {
    let worker = Worker::new(
        world.sqlite.clone(),
        world.sqlite.clone(),
        world.clock.clone() as Arc<dyn Clock>,
        world.noted.clone() as Arc<dyn Notes>,
        Pace { tick, seed: Some(7) },
    );
    let connection =
        WorkerConnection { reads: provider.clone(), decode: world.fake.clone() as Arc<Fake> };
    worker.work_for([(SHOP.to_owned(), connection)].into());
    worker
}

impl World {
    /// What the mirror has of an order: its state and the member `n`.
    pub async fn n(&self, id: &str) -> Option<i64> {
        let found = self.sqlite.record(SHOP, "orders", id).await.unwrap()?;
        let data: Value = serde_json::from_str(&found.data).ok()?;
        data["n"].as_i64()
    }

    /// Ids of changes, with what happened.
    pub async fn changes(&self) -> Vec<String> {
        let changes = self.sqlite.changes(SHOP, 0, 1_000).await.unwrap();
        changes.iter().map(|row| format!("{:?} {}", row.kind, row.id)).collect()
    }
}
