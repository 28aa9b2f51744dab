//! What a seed decides before its day begins.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

/// Connections of a day, each to an account of its own.
pub const ACCOUNTS: usize = 20;
/// 2026-11-22T12:00:00Z.
pub const START_MS: u64 = 1_795_348_800_000;
/// How long it lasts.
pub const DAY: Duration = Duration::from_secs(24 * 3_600);
/// From then on nothing fails and nothing changes, so that all must come right.
pub const CALM: Duration = Duration::from_secs(24 * 3_600 / 10 * 9);
/// The last kill and the last full disk come earlier.
const TROUBLE: u64 = 75_000;

/// How a day goes.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// Part of all requests and deliveries that go wrong.
    pub faults: f64,
    /// How far the clock of each host is off, in milliseconds.
    pub skews: Vec<i64>,
    /// In the order of their times.
    pub kills: Vec<Kill>,
    /// In the order of their times.
    pub disks: Vec<DiskFault>,
    /// Lists show changes so much later at most, in milliseconds.
    pub lag_ms: u64,
    /// The state is an SQLite file instead of the one in memory.
    pub sqlite: bool,
}

/// The end of a host.
#[derive(Debug, Clone)]
pub struct Kill {
    pub host: usize,
    pub at: Duration,
    /// Calls of the state that are made after that time, each counting before and after it is done.
    pub steps: usize,
    /// Its tasks stay where they are, and so do its leases: a machine that is cut off, and not a
    /// process that ended. Only in memory: a file has nothing that stops its calls.
    pub frozen: bool,
    /// Another one takes its place after this time.
    pub down: Duration,
}

/// A disk that is full, or whose answers are lost, for so many calls of a host.
#[derive(Debug, Clone)]
pub struct DiskFault {
    pub host: usize,
    pub at: Duration,
    pub calls: u32,
    pub lost: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let faults = [0.0, 0.01, 0.03, 0.1][(seed % 4) as usize];
        let sqlite = std::env::var_os("SQLITE").is_some() || seed % 25 == 20;
        let hosts = if sqlite { 1 } else { random.usize(1..=2) };
        let skews = (0..hosts).map(|_| skew(&mut random)).collect();
        let mut kills: Vec<Kill> = (0..random.usize(1..=3))
            .map(|_| Kill {
                host: random.usize(0..hosts),
                at: Duration::from_millis(random.u64(60_000..TROUBLE * 1_000)),
                steps: random.usize(0..60),
                frozen: random.u8(0..3) == 0 && !sqlite,
                down: Duration::from_secs(random.u64(1..1_800)),
            })
            .collect();
        kills.sort_by_key(|kill| kill.at);
        let mut disks: Vec<DiskFault> = (0..random.usize(0..=4))
            .map(|_| DiskFault {
                host: random.usize(0..hosts),
                at: Duration::from_millis(random.u64(60_000..TROUBLE * 1_000)),
                calls: random.u32(1..30),
                lost: random.bool(),
            })
            .collect();
        disks.sort_by_key(|disk| disk.at);
        let lag_ms = random.choice([0, 5_000, 30_000]).unwrap();
        Self { seed, faults, skews, kills, disks, lag_ms, sqlite }
    }
}

/// Right, a little wrong, or wrong by minutes.
fn skew(random: &mut Rng) -> i64 {
    let most = random.choice([0, 2_000, 90_000, 600_000]).unwrap();
    random.i64(-most..=most)
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}
