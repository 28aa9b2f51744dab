//! What a program that runs for long does for its state: every minute, what is older than is kept
//! is forgotten and what is left of removed connections erased.

use std::sync::Arc;
use std::time::Duration;

use connector_state::{Store, StoreError};
use tokio::time::sleep;

use crate::jobs::{Jobs, NotBegun, Shutdown, Stage, Stopped};

/// Name of the job; one runs, however often it is begun.
pub const NAME: &str = "forgetting what is old";

/// How often it is looked whether something is to be done.
const EVERY: Duration = Duration::from_secs(60);
/// Between two pieces, so that others write.
const BETWEEN: Duration = Duration::from_millis(10);

/// Begins the job. `report` hears of each failure.
///
/// # Errors
/// [`NotBegun`].
pub fn keep(
    jobs: &Jobs,
    store: Arc<dyn Store>,
    report: impl Fn(&Stopped) + Send + 'static,
) -> Result<(), NotBegun> {
    jobs.keep(Stage::Work, NAME, report, move |stop| run(Arc::clone(&store), stop))
}

/// Pieces that a program does which ends by itself.
const SOME: usize = 40;

/// Does some of it, for a program that ends by itself and may be the only one that uses the state.
///
/// # Errors
/// When the store cannot be used.
pub async fn some(store: &dyn Store) -> Result<(), StoreError> {
    for _ in 0..SOME {
        if !store.maintain().await? {
            break;
        }
    }
    Ok(())
}

async fn run(store: Arc<dyn Store>, stop: Shutdown) -> Result<(), String> {
    loop {
        let pause = match store.maintain().await.map_err(|why| why.to_string())? {
            true => BETWEEN,
            false => EVERY,
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.requested() => return Ok(()),
        }
    }
}
