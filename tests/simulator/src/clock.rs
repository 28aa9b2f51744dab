//! Where the simulator's time comes from: the system, a test's hand, or tokio.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time: milliseconds since 1970-01-01 UTC.
///
/// Everything that depends on time reads it here: `date` headers, creation times, rate limit
/// windows, retention and the test courier.
pub trait Clock: Send + Sync + 'static {
    /// Now, in milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> u64;

    /// How long it really takes, on tokio's clock, until this one has gone on by so many
    /// milliseconds; `None` where nobody can tell. As long as it says, unless it runs otherwise.
    fn real_time(&self, ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }
}

/// The time of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| millis(elapsed.as_millis()))
    }
}

/// A clock that moves only when it is told to. Clones share one time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that stands at `now_ms`.
    pub fn new(now_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now_ms)))
    }

    /// Moves the clock forward by `ms` milliseconds.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Puts the clock to `now_ms`, forward or back.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn real_time(&self, _: u64) -> Option<Duration> {
        None
    }
}

/// A start time plus what has elapsed on tokio's clock, so that a runtime with paused time carries
/// the simulator along. Must be made inside a runtime.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start_ms: u64,
    start: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `start_ms` now.
    pub fn new(start_ms: u64) -> Self {
        Self { start_ms, start: tokio::time::Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        self.start_ms + millis(self.start.elapsed().as_millis())
    }
}

/// A start time plus real elapsed time, run faster or slower by a factor.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    start_ms: u64,
    start: Instant,
    scale: f64,
}

impl ScaledClock {
    /// A clock that shows `start_ms` now and runs `scale` times as fast as the machine's.
    pub fn new(start_ms: u64, scale: f64) -> Self {
        Self { start_ms, start: Instant::now(), scale }
    }
}

impl Clock for ScaledClock {
    fn now_ms(&self) -> u64 {
        self.start_ms + (self.start.elapsed().as_secs_f64() * self.scale * 1000.0) as u64
    }

    fn real_time(&self, ms: u64) -> Option<Duration> {
        Duration::try_from_secs_f64(ms as f64 / 1000.0 / self.scale).ok()
    }
}

fn millis(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
