//! This database and the one in memory answer alike, whatever comes.

use std::sync::{Arc, Mutex};

use connector_contract::clock::TokioClock;
use connector_state::conformance::mirror::random::transcript;
use connector_state::conformance::{Database, START_S, State};
use connector_state::memory::{Halt, Memory, Rows};

use super::super::super::tests::OnDisk;

struct InMemory(Arc<Mutex<Rows>>);

impl Database for InMemory {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Arc<dyn State> {
        let start = std::time::UNIX_EPOCH + std::time::Duration::from_secs(START_S);
        Memory::at(&self.0, &Halt::at(None), Arc::new(TokioClock::starting_at(start)))
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_the_same() {
    for seed in 0..24 {
        let begun = tokio::time::Instant::now();
        let on_disk = transcript(&OnDisk::new(), seed).await;
        let passed = begun.elapsed();
        let in_memory = transcript(&InMemory::new(), seed).await;
        // Each begins at the same time of day.
        let shifted = |text: &str| {
            text.lines().filter(|line| !line.contains("_ms")).map(str::to_owned).collect::<Vec<_>>()
        };
        let (one, other) = (shifted(&on_disk), shifted(&in_memory));
        let differs = one.iter().zip(&other).find(|(one, other)| one != other);
        assert!(
            differs.is_none() && one.len() == other.len(),
            "seed {seed}, {passed:?}: {differs:#?}"
        );
    }
}
