//! Two connections of one account, and tasks that ask as much as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aftership_simulator::{Entry, Options, Simulator};
use host_harness::contract::limits::Rate;
use host_harness::contract::types::ErrorKind;
use host_harness::egress::Limiter;
use host_harness::retry::Policy;
use host_harness::runtime::CallError;
use host_harness::runtime::Connection;
use serde_json::json;
use tokio::time::Instant;

use crate::support::world::{KEY, NOW_MS, connecting, list};
use crate::support::{Watch, component, runtime};

/// How long the demand lasts.
pub const MINUTE: Duration = Duration::from_secs(60);
/// Tasks that ask at the same time, shared between the connections.
const TASKS: u32 = 8;

/// What the tasks ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Get,
    List,
    Create,
    /// Each task its own: together more than all limits over everything allow.
    Everything,
}

/// An account that two connections use.
pub struct Account {
    pub simulator: Simulator,
    pub watch: Arc<Watch>,
    connections: [Connection; 2],
    made: Arc<AtomicU32>,
}

/// What became of the calls.
#[derive(Debug, Default, Clone, Copy)]
pub struct Calls {
    pub well: u32,
    pub rate_limited: u32,
}

/// Id of the tracking that is always there.
pub const ID: &str = "00000000000000000000000000000001";

impl Account {
    /// With the limits that the connector declares.
    pub async fn new() -> Self {
        Self::sharing(Limiter::default()).await
    }

    /// The limit over everything does not count, so that one endpoint's own can be seen.
    pub async fn of_endpoints() -> Self {
        let wide = Rate::new(60_000, Duration::from_secs(60));
        Self::sharing(Limiter::default().instead("all", wide)).await
    }

    async fn sharing(limiter: Limiter) -> Self {
        let clock = Arc::new(aftership_simulator::TokioClock::new(NOW_MS));
        let api_keys = vec![KEY.to_owned()];
        let simulator = Simulator::new(Options { api_keys, clock, ..Options::default() });
        let at = "2026-11-20T08:00:00+00:00";
        let tracking = json!({
            "id": ID, "tracking_number": "OLD-0001", "slug": "dhl",
            "created_at": at, "updated_at": at,
        });
        simulator.insert(&tracking.to_string()).unwrap();
        let connector = runtime().load(&component()).await.unwrap();
        let (watch, limiter) = (Arc::default(), Arc::new(limiter));
        let mut connections = Vec::new();
        for seed in [1, 2] {
            let connection = connecting(&connector, &simulator, &watch, KEY)
                .limiter(Arc::clone(&limiter))
                .account("one")
                .build()
                .await
                .unwrap();
            connections.push(connection.with_policy(Policy::default().seed(seed)));
        }
        let connections = connections.try_into().unwrap_or_else(|_| panic!("two of them"));
        Self { simulator, watch, connections, made: Arc::default() }
    }

    /// The connection with calls that are made once.
    pub fn once(&self) -> Connection {
        self.connection().clone().with_policy(Policy::once())
    }

    /// Calls that are repeated.
    pub fn connection(&self) -> &Connection {
        &self.connections[0]
    }

    /// Asks for [`MINUTE`], with all tasks at once.
    pub async fn demand(&self, demand: Demand) -> Calls {
        let began = Instant::now();
        let tasks = (0..TASKS).map(|task| {
            let connection = self.connections[task as usize % 2].clone();
            let made = Arc::clone(&self.made);
            tokio::spawn(async move {
                let mut calls = Calls::default();
                while began.elapsed() < MINUTE {
                    match ask(&connection, demand, task, &made).await {
                        Ok(()) => calls.well += 1,
                        Err(error) if is_rate_limited(&error) => calls.rate_limited += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                calls
            })
        });
        let mut sum = Calls::default();
        for task in tasks.collect::<Vec<_>>() {
            let calls = task.await.unwrap();
            sum.well += calls.well;
            sum.rate_limited += calls.rate_limited;
        }
        sum
    }

    /// The requests of our own in the first [`MINUTE`]; a rival's name no `accept`.
    pub fn requests(&self) -> Vec<Entry> {
        let end = NOW_MS + MINUTE.as_millis() as u64;
        let all = self.simulator.journal().into_iter();
        all.filter(|one| one.at_ms < end && one.header("accept").is_some()).collect()
    }

    /// How many of them were too many.
    pub fn refused(&self) -> usize {
        self.requests().iter().filter(|one| one.status == Some(429)).count()
    }
}

async fn ask(
    connection: &Connection,
    demand: Demand,
    task: u32,
    made: &AtomicU32,
) -> Result<(), CallError> {
    let own = match (demand, task % 4) {
        (Demand::Everything, 0) => Demand::Get,
        (Demand::Everything, 1) => Demand::List,
        (Demand::Everything, _) => Demand::Create,
        (demand, _) => demand,
    };
    match own {
        Demand::Get => connection.get("trackings", ID).await.map(drop),
        Demand::List => connection.list(&list(None, Some(1))).await.map(drop),
        Demand::Create | Demand::Everything => {
            let number = format!("NEW-{:06}", made.fetch_add(1, Ordering::Relaxed));
            let wish = json!({ "tracking_number": number, "slug": "dhl" }).to_string();
            connection.create("trackings", &wish).await.map(drop)
        }
    }
}

fn is_rate_limited(error: &CallError) -> bool {
    matches!(error, CallError::Connector(error) if matches!(error.kind, ErrorKind::RateLimited(_)))
}
