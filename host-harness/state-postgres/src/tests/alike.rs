//! This database, the one in SQLite and the one in memory answer alike, whatever comes.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::{Clock, TokioClock};
use connector_state::conformance::{Database, InMemory, START_S, State, mirror, random};
use connector_state::scratch::Scratch;
use connector_state_sqlite::Sqlite;

use super::InSchema;

/// A file of its own.
struct OnDisk(Scratch, Arc<dyn Clock>);

impl Database for OnDisk {
    fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        Self(Scratch::new(), Arc::new(TokioClock::starting_at(start)))
    }

    fn open(&self) -> Arc<dyn State> {
        let path = self.0.path().join("state/state.db");
        Arc::new(Sqlite::open(&path, Arc::clone(&self.1)).unwrap())
    }
}

fn same(seed: u64, here: &str, other: &str, name: &str) {
    let differs = here.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(here == other, "seed {seed}, {name}: {differs:#?}");
}

#[tokio::test(start_paused = true)]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn every_answer_of_a_mirror_is_the_same() {
    for seed in 0..6 {
        let here = mirror::random::transcript(&InSchema::new(), seed).await;
        same(seed, &here, &mirror::random::transcript(&OnDisk::new(), seed).await, "SQLite");
        same(seed, &here, &mirror::random::transcript(&InMemory::new(), seed).await, "memory");
    }
}

#[tokio::test(start_paused = true)]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn every_answer_of_all_else_is_the_same() {
    for seed in 0..6 {
        let here = random::transcript(&InSchema::new(), seed).await;
        same(seed, &here, &random::transcript(&OnDisk::new(), seed).await, "SQLite");
        same(seed, &here, &random::transcript(&InMemory::new(), seed).await, "memory");
    }
}
