//! Real `connector-host serve` on one state, against simulated accounts: what tests of several hosts, and
//! `make bench`, are made of.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails at once, and says what it found"
)]

pub mod account;
pub mod chaos;
pub mod containers;
pub mod judge;
pub mod process;
pub mod reader;
pub mod show;
pub mod state;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::account::Account;
use self::process::Fleet;
use self::state::Disk;

/// What a run is of.
pub struct Options {
    /// Hosts.
    pub hosts: usize,
    /// Accounts, each with a connection.
    pub accounts: usize,
    /// For so long something goes wrong all the time.
    pub chaos: Duration,
    /// What decides on what goes wrong.
    pub seed: u64,
}

/// Everything that there is in a run.
pub struct World {
    /// What it is of.
    pub options: Options,
    /// The state.
    pub disk: Disk,
    /// The hosts.
    pub fleet: Fleet,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Rules that were broken.
    pub found: Mutex<Vec<String>>,
    /// Nothing changes any more, and nothing fails.
    pub calm: AtomicBool,
    /// What followed of that is done.
    pub is_settled: AtomicBool,
}

impl World {
    /// A state with so many accounts and hosts, none of which runs yet.
    pub async fn new(options: Options, disk: Disk, fleet: Fleet) -> Self {
        let state = disk.open().await;
        let mut accounts = Vec::new();
        for number in 0..options.accounts {
            accounts.push(Account::new(number, options.seed, &state).await);
        }
        Self {
            options,
            disk,
            fleet,
            accounts,
            found: Mutex::default(),
            calm: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
        }
    }

    /// Notes that a rule was broken.
    pub fn broken(&self, what: String) {
        println!("BROKEN {what}");
        lock(&self.found).push(what);
    }
}

/// What a mutex guards, also after somebody has panicked with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
