//! A process of its own that uses a kept connection: this test program, run again as a child.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};

use host_harness::clock::{Clock, SystemClock};
use host_harness::grants::Grants;
use host_harness::retry::Policy;
use host_harness::runtime::Connection;
use host_harness::store::{Sqlite, Store};
use host_harness::vault::{Key, MasterKey, Secrets, Vault};
use tokio::task::JoinSet;

use super::stops::Stops;
use super::world::{MASTER, with};
use crate::support::world::list;
use crate::support::{component, runtime};

/// Tells the child that it is one.
const CHILD: &str = "CONNECTING_CHILD";
/// Begins what a child says.
const SAYS: &str = "child says: ";
/// A child that is silent for longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The machine's clock, set forward or back.
#[derive(Debug, Default)]
pub struct Shifted(AtomicI64);

impl Shifted {
    pub fn by(ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(ms)))
    }

    pub fn ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> SystemTime {
        let by = Duration::from_millis(self.ms().unsigned_abs());
        let now = SystemClock.now();
        if self.ms() < 0 { now - by } else { now + by }
    }
}

/// What a child is to do.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// Calls that it makes at once.
    pub tasks: usize,
    /// How far its clock is off.
    pub shift_ms: i64,
    /// The step of its store where it stops for good.
    pub stop: Option<usize>,
}

/// A child, killed when dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts one that uses the state in `base`. It begins its calls when it is told to.
    pub fn start(base: &Path, orders: &Orders) -> Self {
        let stop = orders.stop.map_or_else(String::new, |stop| stop.to_string());
        let orders = format!("{} {} {stop}", orders.tasks, orders.shift_ms);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "connecting::process::child", "--nocapture"])
            .env(CHILD, base)
            .env("CONNECTING_ORDERS", orders)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let said = out.lines().map_while(Result::ok);
            let said = said.filter_map(|line| line.strip_prefix(SAYS).map(str::to_owned));
            said.map_while(|line| to.send(line).ok()).for_each(drop);
        });
        Self { child, lines }
    }

    /// What it says next.
    pub fn says(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|why| panic!("a child is silent: {why}"))
    }

    /// Lets it begin.
    pub fn go(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn say(line: &str) {
    // A line of its own, whatever the test program has written.
    println!("\n{SAYS}{line}");
    let _ = std::io::stdout().flush();
}

/// The kept connection, as another process opens it.
pub async fn connection(base: &Path, clock: Arc<Shifted>, stop: Option<usize>) -> Connection {
    let store = Sqlite::open(&base.join("state.db"), clock.clone()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let vault = Vault::new(Arc::clone(&store), clock.clone(), MasterKey::from(Key::new(MASTER)));
    let row = store.connection("shop").await.unwrap().unwrap();
    let secrets = Arc::new(Secrets::default());
    vault.load(&row, &secrets).await.unwrap();
    let connector = runtime().load(&component()).await.unwrap();
    let builder = Connection::builder(&connector).allow_private().without_limits().clock(clock);
    let connection = with(builder, &row).secrets(secrets).build().await.unwrap();
    let store = Arc::new(Stops::new(store, stop));
    let grants = Grants::of(&connection, store, &row.id, vault.key(&row).unwrap());
    let connection = connection.with_tokens(Arc::new(grants));
    connection.with_policy(Policy::default().seed(7))
}

/// The child; alone it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(base) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let orders = std::env::var("CONNECTING_ORDERS").unwrap();
    let orders: Vec<&str> = orders.split(' ').collect();
    let [tasks, shift_ms, stop] = orders[..] else { panic!("{orders:?}") };
    let clock = Shifted::by(shift_ms.parse().unwrap());
    let connection = connection(&base, clock, stop.parse().ok()).await;
    say("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..tasks.parse().unwrap() {
        let connection = connection.clone();
        calls.spawn(async move { connection.list(&list(None, None)).await.map(drop) });
    }
    let mut ended = BTreeMap::new();
    for result in calls.join_all().await {
        let word = result.map_or_else(|error| error.to_string(), |()| "well".to_owned());
        *ended.entry(word).or_insert(0) += 1;
    }
    say(&format!("{ended:?}"));
}
