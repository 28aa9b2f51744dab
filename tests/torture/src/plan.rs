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
/// How long a provider takes a refresh token that was replaced, if nobody says how long.
const GRACE_S: u64 = 3_600;
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
    /// In the order of their times.
    pub storms: Vec<Storm>,
    /// Lists show changes so much later at most, in milliseconds.
    pub lag_ms: u64,
    /// A refresh token that was replaced is taken for so many seconds more.
    pub grace_s: u64,
    /// The state is an SQLite file instead of the one in memory.
    pub sqlite: bool,
}

/// The end of a host.
#[derive(Debug, Clone)]
pub struct Kill {
    pub host: usize,
    /// At the begin of a push where it is to end while one is under way.
    pub at: Duration,
    pub while_pushing: bool,
    pub moment: Moment,
    /// Its tasks stay where they are, and so do its leases: a machine that is cut off, and not a
    /// process that ended. Only in memory: a file has nothing that stops its calls.
    pub frozen: bool,
    /// Another one takes its place after this time.
    pub down: Duration,
}

/// What a host is at when it ends.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// So many calls of the state after the time, each counting before and after it is done.
    Call(usize),
    /// So many requests after the time: the last one is sent, and its answer reaches nobody.
    Request(usize),
}

/// A disk that is full, or whose answers are lost.
#[derive(Debug, Clone)]
pub struct DiskFault {
    pub host: usize,
    pub at: Duration,
    pub kind: DiskKind,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy)]
pub enum DiskKind {
    /// It is full for so many calls of the host; only in memory.
    Full(u32),
    /// The answers to so many commits of the host are lost; only in memory.
    Lost(u32),
    /// It has no page left for so long; only with a file.
    NoPages(Duration),
}

/// A time in which many more requests go wrong.
#[derive(Debug, Clone)]
pub struct Storm {
    /// Of one account, or of all.
    pub account: Option<usize>,
    pub at: Duration,
    pub length: Duration,
    /// Part of all requests that go wrong.
    pub faults: f64,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let faults = [0.0, 0.01, 0.03, 0.1][(seed % 4) as usize];
        let sqlite = std::env::var_os("SQLITE").is_some() || seed % 20 == 7;
        let hosts = random.usize(1..=2);
        let skews = (0..hosts).map(|_| skew(&mut random)).collect();
        let time = |random: &mut Rng| Duration::from_millis(random.u64(60_000..TROUBLE * 1_000));
        let mut kills: Vec<Kill> = (0..random.usize(1..=4))
            .map(|_| Kill {
                host: random.usize(0..hosts),
                at: time(&mut random),
                while_pushing: random.u8(0..3) == 0,
                moment: match random.bool() {
                    true => Moment::Call(random.usize(0..60)),
                    false => Moment::Request(random.usize(1..12)),
                },
                frozen: random.bool() && !sqlite,
                down: Duration::from_secs(random.u64(1..1_800)),
            })
            .collect();
        kills.sort_by_key(|kill| kill.at);
        let mut disks: Vec<DiskFault> = (0..random.usize(0..=4))
            .map(|_| DiskFault {
                host: random.usize(0..hosts),
                at: time(&mut random),
                kind: match (sqlite, random.bool()) {
                    (true, _) => DiskKind::NoPages(Duration::from_secs(random.u64(60..1_800))),
                    (false, true) => DiskKind::Lost(random.u32(1..30)),
                    (false, false) => DiskKind::Full(random.u32(1..30)),
                },
            })
            .collect();
        disks.sort_by_key(|disk| disk.at);
        let count = if faults > 0.0 { random.usize(0..=4) } else { 0 };
        let mut storms: Vec<Storm> = (0..count)
            .map(|_| Storm {
                account: random.bool().then(|| random.usize(0..ACCOUNTS)),
                at: time(&mut random),
                length: Duration::from_secs(random.u64(60..1_200)),
                faults: random.choice([0.5, 1.0]).unwrap(),
            })
            .collect();
        storms.sort_by_key(|storm| storm.at);
        let lag_ms = random.choice([0, 5_000, 30_000]).unwrap();
        let grace_s = std::env::var("GRACE").map_or(GRACE_S, |text| text.parse().unwrap());
        Self { seed, faults, skews, kills, disks, storms, lag_ms, grace_s, sqlite }
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
