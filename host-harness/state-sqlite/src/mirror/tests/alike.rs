//! This database and the one in memory answer alike, whatever comes.

use connector_state::conformance::mirror::random::transcript;
use connector_state::conformance::{Database, InMemory};

use super::super::super::tests::OnDisk;

#[tokio::test(start_paused = true)]
async fn every_answer_is_the_same() {
    for seed in 0..24 {
        let on_disk = transcript(&OnDisk::new(), seed).await;
        let in_memory = transcript(&InMemory::new(), seed).await;
        let differs = on_disk.lines().zip(in_memory.lines()).find(|(one, other)| one != other);
        assert!(on_disk == in_memory, "seed {seed}: {differs:#?}");
    }
}
