//! What must be true in the end, by the journals of both sides.

mod effects;
mod rates;
mod records;
mod watch;

use std::sync::Arc;

use crate::day::World;
use crate::find::Violation;

pub use self::watch::watch;

/// Every rule that was broken, and a note of what is kept, so that the journal's digest tells it.
pub async fn judge(world: &Arc<World>) -> Vec<Violation> {
    let mut found = Vec::new();
    let state = world.state();
    for account in &world.accounts {
        records::judge(world, account, &state, &mut found).await;
        effects::judge(world, account, &state, &mut found).await;
    }
    rates::judge(world, &mut found);
    found
}
