//! An account whose every call is compared with what the simulator holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{Options, Simulator};
use host_harness::contract::types::{DataRecord, ErrorKind};
use host_harness::retry::Policy;
use host_harness::runtime::{CallError, Connector};
use host_harness::runtime::{Connection, ScanError};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::Watch;
use crate::support::world::{KEY, NOW_MS, connect, list};

/// Trackings of a fresh account.
const TRACKINGS: usize = 11;
/// Courier of all trackings.
const SLUG: &str = "dhl";
/// Few enough that a scan takes several pages.
const PAGE: u32 = 5;

/// One call, or all calls of a scan.
#[derive(Debug, Clone)]
pub enum Operation {
    List,
    Get(String),
    Find(String),
    Create(String),
    Update(String, String),
    Delete(String),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With a result.
    Well,
    /// It is open whether it was applied.
    Open,
    /// Certainly without effect; the error says why.
    Failed(String),
}

/// All trackings by id.
type Stored = BTreeMap<String, Value>;

/// What a call that ended well brought.
type Brought = Vec<DataRecord>;

pub struct Account {
    pub simulator: Simulator,
    connection: Connection,
}

impl Account {
    /// Some trackings, and a connection of its own.
    pub async fn new(connector: &Connector, seed: u64) -> Self {
        let clock = Arc::new(aftership_simulator::TokioClock::new(NOW_MS));
        let api_keys = vec![KEY.to_owned()];
        let simulator = Simulator::new(Options { api_keys, clock, seed, ..Options::default() });
        for number in 0..TRACKINGS {
            // Some of the same second, so that pages end between equals.
            let at = format!("2026-11-20T08:00:{:02}+00:00", number / 3);
            let tracking = json!({
                "id": format!("{number:032x}"), "tracking_number": format!("OLD-{number:04}"),
                "slug": SLUG, "title": "old", "created_at": at, "updated_at": at,
            });
            simulator.insert(&tracking.to_string()).unwrap();
        }
        let watch = Arc::<Watch>::default();
        let connection = connect(connector, &simulator, &watch, KEY).await;
        let policy = Policy::default().seed(seed);
        Self { simulator, connection: connection.with_policy(policy) }
    }

    /// Ids that are there.
    pub fn ids(&self) -> Vec<String> {
        self.stored().into_keys().collect()
    }

    /// Requests that `operation` takes when nothing goes wrong.
    pub fn needed(&self, operation: &Operation) -> usize {
        match operation {
            Operation::List => self.simulator.count().div_ceil(PAGE as usize).max(1),
            _ => 1,
        }
    }

    /// Does it. `Err` when the end is not true; the time that it took comes with it.
    pub async fn perform(&self, operation: &Operation) -> Result<(Ended, Duration), String> {
        let before = self.stored();
        let began = Instant::now();
        let brought = self.call(operation).await;
        let took = began.elapsed();
        let after = self.stored();
        let told = format!("{brought:?}");
        let ended = judge(operation, &before, &after, brought);
        ended.map(|ended| (ended, took)).map_err(|why| {
            let told: String = told.chars().take(600).collect();
            format!("{operation:?}: {why}; told: {told}")
        })
    }

    async fn call(&self, operation: &Operation) -> Result<Brought, CallError> {
        let connection = &self.connection;
        match operation {
            Operation::List => self.scan().await,
            Operation::Get(id) => connection.get("trackings", id).await.map(|record| vec![record]),
            Operation::Find(number) => connection.find("trackings", &wish(number)).await,
            Operation::Create(number) => {
                let created = connection.create("trackings", &wish(number)).await;
                created.map(|created| created.record().into_iter().collect())
            }
            Operation::Update(id, title) => {
                let patch = json!({ "title": title }).to_string();
                connection
                    .update("trackings", id, &patch)
                    .await
                    .map(|written| written.record().into_iter().collect())
            }
            Operation::Delete(id) => connection.delete("trackings", id).await.map(|()| vec![]),
        }
    }

    async fn scan(&self) -> Result<Brought, CallError> {
        let mut scan = self.connection.scan(list(None, Some(PAGE)));
        let mut records = Vec::new();
        loop {
            match scan.next().await {
                Ok(Some(page)) => records.extend(page.records),
                Ok(None) => return Ok(records),
                Err(ScanError::Call(error)) => return Err(error),
                Err(guard) => panic!("the connector's own guard comes first: {guard}"),
            }
        }
    }

    fn stored(&self) -> Stored {
        let all = self.simulator.trackings().into_iter();
        let parsed = all.map(|text| serde_json::from_str::<Value>(&text).unwrap());
        parsed.map(|value| (text(&value, "id").to_owned(), value)).collect()
    }
}

fn wish(number: &str) -> String {
    json!({ "tracking_number": number, "slug": SLUG }).to_string()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// Whether what was told is what happened.
fn judge(
    operation: &Operation,
    before: &Stored,
    after: &Stored,
    brought: Result<Brought, CallError>,
) -> Result<Ended, String> {
    let error = match brought {
        Ok(records) => return well(operation, before, after, &records).map(|()| Ended::Well),
        Err(error) => error,
    };
    let kind = match &error {
        CallError::Connector(error) => error.kind.clone(),
        CallError::TooLarge => ErrorKind::Unavailable,
        _ => return Err("a fault of the provider stopped a guest".into()),
    };
    let named = |number: &str| before.values().any(|one| text(one, "tracking_number") == number);
    match (&kind, operation) {
        (ErrorKind::OutcomeUnknown, Operation::List | Operation::Get(_) | Operation::Find(_)) => {
            return Err("a read leaves nothing open".into());
        }
        (ErrorKind::OutcomeUnknown, _) => return open(operation, before, after),
        (
            ErrorKind::NotFound,
            Operation::Get(id) | Operation::Delete(id) | Operation::Update(id, _),
        ) if before.contains_key(id) => {
            return Err("what was there was not found".into());
        }
        (ErrorKind::Conflict(_), Operation::Create(number)) if !named(number) => {
            return Err("nothing was there to conflict with".into());
        }
        _ => {}
    }
    if before == after {
        let name = format!("{kind:?}").chars().take_while(|c| c.is_alphabetic()).collect();
        Ok(Ended::Failed(name))
    } else {
        Err(format!("{kind:?} means that nothing was changed, and something was"))
    }
}

fn well(
    operation: &Operation,
    before: &Stored,
    after: &Stored,
    brought: &[DataRecord],
) -> Result<(), String> {
    let same = |record: &DataRecord, stored: Option<&Value>| {
        stored.is_some() && serde_json::from_str(&record.data).ok().as_ref() == stored
    };
    let all_same = brought.iter().all(|record| same(record, after.get(&record.id)));
    let unchanged = |but: &str| {
        let others = |all: &Stored| {
            let others = all.iter().filter(|(id, _)| *id != but);
            others.map(|(id, value)| (id.clone(), value.clone())).collect::<Stored>()
        };
        others(before) == others(after)
    };
    let matching = |number: &str| {
        let hits = after.values().filter(|one| text(one, "tracking_number") == number);
        hits.filter(|one| text(one, "slug") == SLUG).count()
    };
    let id = brought.first().map_or("", |record| record.id.as_str());
    let holds = match operation {
        Operation::List => {
            let ids: std::collections::BTreeSet<_> =
                brought.iter().map(|record| &record.id).collect();
            all_same && brought.len() == after.len() && ids.len() == after.len()
        }
        Operation::Get(wanted) => all_same && id == wanted,
        Operation::Find(number) => all_same && brought.len() == matching(number),
        Operation::Create(number) => {
            let fits = before.contains_key(id) || unchanged(id);
            all_same && brought.len() == 1 && matching(number) == 1 && fits
        }
        Operation::Update(wanted, title) => {
            all_same && id == wanted && unchanged(id) && text(&after[id], "title") == title
        }
        Operation::Delete(id) => !after.contains_key(id) && unchanged(id),
    };
    let (was, is) = (before.len(), after.len());
    holds.then_some(()).ok_or(format!("not what the account holds ({was} before, {is} after)"))
}

/// Either what was before, or what was wished.
fn open(operation: &Operation, before: &Stored, after: &Stored) -> Result<Ended, String> {
    let done = match operation {
        Operation::Create(number) => {
            let fresh: Vec<_> = after.iter().filter(|(id, _)| !before.contains_key(*id)).collect();
            let fits = fresh.iter().all(|(_, one)| text(one, "tracking_number") == number);
            fits && fresh.len() == 1 && after.len() == before.len() + 1
        }
        Operation::Update(id, title) => text(&after[id], "title") == title,
        Operation::Delete(id) => !after.contains_key(id) && after.len() + 1 == before.len(),
        _ => false,
    };
    if done || before == after { Ok(Ended::Open) } else { Err("neither done nor not done".into()) }
}
