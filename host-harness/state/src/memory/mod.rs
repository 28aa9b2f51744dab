//! A state in memory, for tests of whoever embeds a host and for simulations: all that a database
//! keeps, without a disk. It can stop for good at any of its calls, as a killed process does: its
//! rows outlive the stop.

#![allow(missing_docs, reason = "a double for tests in other crates")]

mod inbox;
mod mirror;
mod outbox;
mod push;
mod slots;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_contract::clock::{Clock, SystemClock, unix_ms};
use tokio::sync::Notify;

pub use self::inbox::InboxTables;
pub use self::store::StoreTables;
use crate::{Answer, StoreError};

/// The rows, as the disk has them.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    pub store: StoreTables,
    pub inbox: InboxTables,
}

/// A process's way to the rows.
pub struct Memory {
    pub rows: Arc<Mutex<Rows>>,
    halt: Arc<Halt>,
    /// Calls from now on that fail.
    pub failing: Mutex<u32>,
    clock: Arc<dyn Clock>,
}

/// Stops everybody who comes by at the `nth` step, and says so.
#[derive(Default)]
pub struct Halt {
    state: Mutex<(usize, Option<usize>)>,
    pub reached: Notify,
}

impl Halt {
    pub fn at(nth: Option<usize>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((0, nth)), reached: Notify::new() })
    }

    /// One more step; does not come back from the one where it stops, or a later one.
    pub async fn step(&self) {
        let stopped = {
            let mut state = lock(&self.state);
            state.0 += 1;
            state.1.is_some_and(|nth| state.0 > nth)
        };
        if stopped {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub fn steps(&self) -> usize {
        lock(&self.state).0
    }
}

impl Memory {
    pub fn open(rows: &Arc<Mutex<Rows>>, halt: &Arc<Halt>) -> Arc<Self> {
        Self::at(rows, halt, Arc::new(SystemClock))
    }

    /// As [`Memory::open`], by this clock.
    pub fn at(rows: &Arc<Mutex<Rows>>, halt: &Arc<Halt>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (rows, halt) = (Arc::clone(rows), Arc::clone(halt));
        Arc::new(Self { rows, halt, failing: Mutex::new(0), clock })
    }

    fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now())
    }

    fn missing<T: Send + 'static>(&self) -> Answer<'_, T> {
        self.answer(|_| {
            let (path, why) = ("memory".to_owned(), "not made yet".to_owned());
            Err(StoreError::Unavailable { path, why })
        })
    }

    /// A stop may come before a change is durable and after it.
    fn answer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Rows) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            self.halt.step().await;
            if let Some(left) = { lock(&self.failing).checked_sub(1) } {
                *lock(&self.failing) = left;
                let (path, why) = ("memory".to_owned(), "full".to_owned());
                return Err(StoreError::Unavailable { path, why });
            }
            let answer = act(&mut lock(&self.rows));
            self.halt.step().await;
            answer
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use connector_contract::clock::TokioClock;

    use super::*;
    use crate::conformance::{Database, START_S, State};

    struct InMemory(Arc<Mutex<Rows>>);

    impl Database for InMemory {
        fn new() -> Self {
            Self(Arc::default())
        }

        fn open(&self) -> Arc<dyn State> {
            let start = UNIX_EPOCH + Duration::from_secs(START_S);
            Memory::at(&self.0, &Halt::at(None), Arc::new(TokioClock::starting_at(start)))
        }
    }

    crate::conformance_tests!(InMemory);
}
