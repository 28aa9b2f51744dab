//! Several real `connector-host serve` on one state, against simulated accounts: killed, frozen and cut
//! off while the accounts change, then judged by both sides. See README.md.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails at once, and says what it found"
)]

mod account;
mod chaos;
mod judge;
mod process;
mod reader;
mod show;
mod state;

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Notes that a rule was broken.
    pub fn broken(&self, what: String) {
        println!("BROKEN {what}");
        lock(&self.found).push(what);
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::main]
async fn main() -> ExitCode {
    let is_show = std::env::args().nth(1).as_deref() == Some("show");
    let options = Options {
        hosts: number("HOSTS", if is_show { 3 } else { 4 }) as usize,
        accounts: number("ACCOUNTS", if is_show { 200 } else { 20 }) as usize,
        chaos: Duration::from_secs(number("CHAOS_SECONDS", 60)),
        seed: number("SEED", 1),
    };
    let disk = Disk::new(std::env::var_os("SQLITE").is_some());
    println!("the state is in {}", disk.name());
    let state = disk.open().await;
    let mut accounts = Vec::new();
    for number in 0..options.accounts {
        accounts.push(Account::new(number, options.seed, &state).await);
    }
    let fleet = Fleet::new(options.hosts, &disk);
    let world = World {
        options,
        disk,
        fleet,
        accounts,
        found: Mutex::default(),
        calm: AtomicBool::new(false),
        is_settled: AtomicBool::new(false),
    };
    let world = Arc::new(world);
    if is_show {
        show::run(&world).await;
    } else {
        let read = chaos::run(&world).await;
        judge::run(&world, &read).await;
    }
    world.fleet.end();
    let found = lock(&world.found);
    println!("{} violations", found.len());
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a mutex guards, also after somebody has panicked with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
