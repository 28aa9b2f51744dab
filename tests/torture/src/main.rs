//! A fleet for a simulated day: hosts with the real component, their state, AfterShip's simulator and
//! the network between them, in one thread on a clock that stands still while anybody works.
//! Everything comes from one seed, so a day that goes wrong can be seen again.
//!
//! `SEED=n` runs one day and prints its journal; `SEEDS=n` runs days 1 to n. See README.md.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::exit,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails at once, and says what it found"
)]

mod account;
mod day;
mod find;
mod host;
mod journal;
mod judge;
mod network;
mod plan;
mod provider;
mod state;
mod sum;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use host_harness::runtime::{Connector, Runtime, RuntimeOptions};
use host_harness::sync::Catalog;

use self::day::Day;
use self::plan::Plan;
use self::sum::Sum;

/// Days when nobody says how many.
const SEEDS: u64 = 200;
/// Of so many days one is run twice.
const TWICE: u64 = 10;
/// Failed days after which no further one is begun, when nobody says how many.
const ENOUGH: u64 = 5;
/// A day takes so long at most, on a machine that others use too; one or two seconds are usual.
const LONGEST: Duration = Duration::from_secs(90);

thread_local! {
    /// Panics of the day that this thread runs.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What a thread runs its days with.
#[derive(Clone)]
pub struct Engine {
    connector: Connector,
    catalog: Catalog,
}

fn main() -> ExitCode {
    set_hook(Box::new(|panic| PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()))));
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    if let Some(seed) = number("SEED") {
        return one(seed);
    }
    let enough = number("ENOUGH").unwrap_or(ENOUGH);
    all(number("FROM").unwrap_or(1), number("SEEDS").unwrap_or(SEEDS), enough)
}

/// Runs one day, and prints what happened.
fn one(seed: u64) -> ExitCode {
    let day = run(&Engine::new(), seed, true);
    println!("{}", day.plan);
    println!("journal {}", day.hash);
    println!("{}", day.sum);
    day.found.iter().for_each(|found| println!("{found}"));
    if day.found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs days side by side, and prints what they came to.
fn all(from: u64, count: u64, enough: u64) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(from);
    let failed = Mutex::new(BTreeMap::new());
    let sum = Mutex::new(Sum::default());
    let work = || {
        let engine = Engine::new();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= from + count || lock(&failed).len() as u64 >= enough {
                return;
            }
            let mut day = run(&engine, seed, false);
            lock(&sum).add(&day.sum);
            if seed.is_multiple_of(TWICE) {
                let again = run(&engine, seed, false);
                lock(&sum).twice += 1;
                if again.hash != day.hash {
                    day.found
                        .push(find::Violation::new("I-20", "the same seed gave another journal"));
                }
            }
            if !day.found.is_empty() {
                lock(&failed).insert(seed, day.found);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (failed, sum) = (lock(&failed), lock(&sum));
    println!("{sum}");
    println!("{:.0} s on {threads} threads", began.elapsed().as_secs_f64());
    for (seed, found) in failed.iter() {
        found.iter().take(3).for_each(|found| println!("SEED={seed}: {found}"));
    }
    match failed.len() {
        0 => println!("0 violations"),
        count => println!("{count} days with violations"),
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a day in a runtime of its own.
fn run(engine: &Engine, seed: u64, shown: bool) -> Day {
    let plan = Plan::of(seed);
    let _ends = watch(seed);
    let live = || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(day::live(engine.clone(), plan.clone(), shown))
    };
    let lived = catch_unwind(AssertUnwindSafe(live));
    let mut day = lived.unwrap_or_else(|_| Day::ended(plan));
    let panics = PANICS.with_borrow_mut(std::mem::take).into_iter();
    day.found.extend(panics.map(|panic| find::Violation::new("I-15", panic)));
    day
}

/// Ends the program when a day does not end: hosts that go round in circles let no time pass, in which
/// anything else could stop them. Dropping what it answers is the day's end.
fn watch(seed: u64) -> mpsc::Sender<()> {
    let (day, ends) = mpsc::channel();
    std::thread::spawn(move || {
        if ends.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
            println!("SEED={seed}: I-17 the day does not end: it takes more than {LONGEST:?}");
            std::process::exit(1);
        }
    });
    day
}

impl Engine {
    fn new() -> Self {
        let mut options = RuntimeOptions::default();
        options.cache = Some(std::env::temp_dir().join("torture-compiled"));
        // Turns that depend on the machine's speed would tell two runs of a seed apart.
        options.measures_time = false;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let engine = Runtime::new(&options).unwrap();
            let file = component();
            let loaded = engine.load(&file).await;
            let connector = loaded.unwrap_or_else(|why| panic!("{why}: run `make component`"));
            let catalog = Catalog::of(&connector).await.unwrap();
            Self { connector, catalog }
        })
    }
}

/// The component: that of `dist`, or the one that `CONNECTOR_COMPONENT` names.
fn component() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/aftership-connector.wasm");
    std::env::var_os("CONNECTOR_COMPONENT").map_or(built, PathBuf::from)
}

/// What a mutex guards, also after a day has panicked with it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
