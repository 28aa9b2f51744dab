//! Whoever reads changes while they are made: each number is there when the next one is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_state::conformance::State;
use tokio::time::sleep;

use crate::World;

/// Changes that are read at once.
const AT_ONCE: u32 = 500;

/// Reads the changes of all connections again and again until the calm, and then all that is left.
/// Answers the numbers that it saw of each.
pub async fn read(world: Arc<World>, state: Arc<dyn State>) -> Vec<Vec<u64>> {
    let mut read: Vec<Vec<u64>> = vec![vec![]; world.accounts.len()];
    loop {
        let is_last = world.is_settled.load(Ordering::SeqCst);
        for (account, read) in world.accounts.iter().zip(&mut read) {
            loop {
                let after = read.last().copied().unwrap_or_default();
                let rows = state.changes(&account.row.id, after, AT_ONCE).await.unwrap_or_default();
                if rows.is_empty() {
                    break;
                }
                read.extend(rows.iter().map(|row| row.number));
            }
        }
        if is_last {
            return read;
        }
        sleep(Duration::from_millis(100)).await;
    }
}
