//! This database and the one in memory answer alike, whatever comes.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::TokioClock;
use connector_state::conformance::mirror::random::transcript;
use connector_state::conformance::{Database, START_S, State};
use connector_state::memory::{Halt, Memory};

use super::super::super::tests::OnDisk;

struct InMemory(Arc<Memory>);

impl Database for InMemory {
    fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        let clock = Arc::new(TokioClock::starting_at(start));
        Self(Memory::open(&Arc::default(), &Halt::at(None), clock))
    }

    fn open(&self) -> Arc<dyn State> {
        self.0.again()
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
