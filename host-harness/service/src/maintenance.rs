//! What a program that runs for long does for its state: every minute, what is older than is kept
//! is forgotten and what is left of removed connections erased.

use std::sync::Arc;
use std::time::Duration;

use connector_state::{Store, StoreError};
use tokio::time::{Instant, sleep};

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

/// For so long at most a program does it which ends by itself.
const SOME: Duration = Duration::from_secs(30);

/// Does it, or some of it, for a program that ends by itself and may be the only one that uses the state.
///
/// # Errors
/// When the store cannot be used.
pub async fn some(store: &dyn Store) -> Result<(), StoreError> {
    let end = Instant::now() + SOME;
    while store.maintain().await? && Instant::now() < end {}
    Ok(())
}

async fn run(store: Arc<dyn Store>, stop: Shutdown) -> Result<(), String> {
    loop {
        let pause = match store.maintain().await.map_err(|why| why.to_string())? {
            true => BETWEEN,
            false => EVERY,
        };
        tokio::select! {
            biased;
            () = stop.requested() => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::UNIX_EPOCH;

    use connector_contract::clock::{TokioClock, unix_ms};
    use connector_state::conformance::{START_S, session};
    use connector_state::memory::{Halt, Memory, Rows};
    use connector_state::{Change, SessionRow};

    use super::*;
    use crate::jobs::Supervisor;

    /// Also after the store could not be used for a while.
    #[tokio::test(start_paused = true)]
    async fn what_ended_is_forgotten_within_a_minute_or_two() {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        let rows = Arc::<Mutex<Rows>>::default();
        let clock = Arc::new(TokioClock::starting_at(start));
        let store = Memory::open(&rows, &Halt::at(None), clock);
        let ends = |after: u64| unix_ms(start + Duration::from_secs(after));
        let sessions: [SessionRow; 2] = [session(1, ends(30)), session(2, ends(3_600))];
        store.commit(sessions.map(Change::PutSession).to_vec()).await.unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let jobs = Supervisor::new(shutdown);
        keep(jobs.jobs(), Arc::clone(&store) as _, |_| {}).unwrap();
        sleep(Duration::from_secs(1)).await;
        store.fail(1);
        sleep(Duration::from_secs(150)).await;
        let left: Vec<[u8; 32]> = rows.lock().unwrap().store.sessions.keys().copied().collect();
        assert_eq!(left, [[2; 32]]);
        trigger.request();
    }
}
