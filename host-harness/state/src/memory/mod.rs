//! A state in memory, for tests of whoever embeds a host and for simulations: all that a database
//! keeps, without a disk.
//!
//! ```
//! use connector_contract::clock::Clock as _;
//! use connector_state::memory::Memory;
//! use connector_state::{Change, ConnectionRow, Sealed, Store as _, StoreError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let state = Memory::new();
//! let connection = ConnectionRow {
//!     id: "c1".to_owned(),
//!     name: "main".to_owned(),
//!     connector: "orders".to_owned(),
//!     scheme: "api-key".to_owned(),
//!     settings: [].into(),
//!     sealed_key: Sealed(b"sealed by a vault".to_vec()),
//!     made_ms: state.clock().now_ms(),
//! };
//! state.commit(vec![Change::PutConnection(connection.clone())]).await?;
//!
//! // A full disk: nothing is kept.
//! state.fail(1);
//! let refused = state.commit(vec![Change::RemoveConnection { id: "c1".to_owned() }]).await;
//! assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
//!
//! // Another process, and what is on the disk.
//! let other = state.again();
//! assert_eq!(other.connection("main").await?, Some(connection));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Memory`] is one process's way to the rows, which outlive it. It can stop for good at any of
//! its calls, as a killed process does ([`Halt`]), be full ([`Memory::fail`]), and lose the answer
//! to a commit ([`Memory::lose`]). It asks [`crate::GrantChange`] and [`crate::SecretChange`] twice,
//! as a database that several hosts share may.

mod access;
mod hosts;
mod inbox;
mod journal;
mod lists;
mod mirror;
mod moving;
mod outbox;
mod push;
mod runs;
mod slots;
mod store;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_contract::clock::{Clock, SystemClock};
use tokio::sync::Notify;

pub use self::access::AccessTables;
pub use self::hosts::HostTables;
pub use self::inbox::InboxTables;
pub use self::journal::JournalTables;
pub use self::mirror::MirrorTables;
pub use self::moving::MoveTables;
pub use self::outbox::OutboxTables;
pub use self::push::PushTables;
pub use self::slots::SlotTables;
pub use self::store::StoreTables;
#[cfg(test)]
pub(crate) use self::store::write;
use crate::{Answer, StoreError};

/// The rows, as a disk has them.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    /// Connections and what belongs to them.
    pub store: StoreTables,
    /// What is known of the provider's records.
    pub mirror: MirrorTables,
    /// Forwards, and what their targets did not take.
    pub outbox: OutboxTables,
    /// Runs of pushes.
    pub push: PushTables,
    /// Limits that processes share.
    pub slots: SlotTables,
    /// Deliveries and their events.
    pub inbox: InboxTables,
    /// What happened to connections.
    pub journal: JournalTables,
    /// Hosts, and what each works for.
    pub hosts: HostTables,
    /// Tokens, writes and reads from beside the host, links.
    pub access: AccessTables,
    /// Connections on their way.
    pub moves: MoveTables,
}

/// Removes what an area keeps for a connection.
type Erase = fn(&mut Rows, &str);
/// Forgets what an area has kept for long enough at a time.
type Forget = fn(&mut Rows, u64);

/// One of each area that keeps rows of a connection.
const ERASE: [Erase; 8] = [
    mirror::erase,
    outbox::erase,
    push::erase,
    inbox::erase,
    journal::erase,
    hosts::erase,
    access::erase,
    lists::erase,
];
/// One of each area that keeps rows for a time.
const FORGET: [Forget; 7] = [
    store::forget,
    mirror::forget,
    push::forget,
    slots::forget,
    inbox::forget,
    journal::forget,
    access::forget,
];

/// A process's way to the rows.
pub struct Memory {
    rows: Arc<Mutex<Rows>>,
    halt: Arc<Halt>,
    clock: Arc<dyn Clock>,
    failing: AtomicU32,
    losing: AtomicU32,
}

/// Stops everybody who comes by after a number of steps, and says so. Each call of a [`Memory`] has
/// one step before it is done and one after.
#[derive(Default)]
pub struct Halt {
    state: Mutex<(usize, Option<usize>)>,
    /// Told when somebody was stopped.
    pub reached: Notify,
}

impl Halt {
    /// Stops whoever takes more than so many steps; `None`: nobody.
    #[must_use]
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

    /// Stops whoever takes more than so many further steps.
    pub fn stop_after(&self, steps: usize) {
        let mut state = lock(&self.state);
        state.1 = Some(state.0.saturating_add(steps));
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        lock(&self.state).0
    }
}

impl Memory {
    /// An empty state, by the machine's clock.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::open(&Arc::default(), &Halt::at(None), Arc::new(SystemClock))
    }

    /// A process's way to `rows`, by this clock, until `halt` stops it.
    #[must_use]
    pub fn open(rows: &Arc<Mutex<Rows>>, halt: &Arc<Halt>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (rows, halt) = (Arc::clone(rows), Arc::clone(halt));
        let (failing, losing) = (AtomicU32::default(), AtomicU32::default());
        Arc::new(Self { rows, halt, clock, failing, losing })
    }

    /// Another process's way to the same rows.
    #[must_use]
    pub fn again(&self) -> Arc<Self> {
        Self::open(&self.rows, &Halt::at(None), Arc::clone(&self.clock))
    }

    /// The store's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The next `calls` find the disk full: nothing is done.
    pub fn fail(&self, calls: u32) {
        self.failing.store(calls, Ordering::SeqCst);
    }

    /// The next `calls` that could be done are done, and their answers lost.
    pub fn lose(&self, calls: u32) {
        self.losing.store(calls, Ordering::SeqCst);
    }

    /// As [`Memory::answer`], at the store's time (milliseconds since 1970).
    fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Rows, u64) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let clock = Arc::clone(&self.clock);
        self.answer(move |rows| act(rows, clock.now_ms()))
    }

    /// A stop may come before a change is durable and after it.
    fn answer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Rows) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let path = || "memory".to_owned();
        Box::pin(async move {
            self.halt.step().await;
            if one_less(&self.failing) {
                return Err(StoreError::Unavailable { path: path(), why: "full".to_owned() });
            }
            let answer = act(&mut lock(&self.rows));
            self.halt.step().await;
            if answer.is_ok() && one_less(&self.losing) {
                return Err(StoreError::Unknown { path: path(), why: "no answer".to_owned() });
            }
            answer
        })
    }
}

/// Counts down; whether there was something to count.
fn one_less(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(feature = "conformance")]
#[cfg(test)]
mod tests {
    use crate::conformance::InMemory;

    crate::conformance_tests!(InMemory);
}
