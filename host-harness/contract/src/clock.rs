//! Wall time, as the host and its guests see it.
//!
//! Waiting goes through `tokio::time` and so through the runtime's clock; only
//! the time of day comes from here. Tests pause the runtime's clock and use
//! [`TokioClock`], so that both move together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment of the runtime's clock, for how long something takes.
pub use tokio::time::Instant;

/// Where the host reads the time of day.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> SystemTime;

    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64 {
        unix_ms(self.now())
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A time of day that moves with the runtime's clock, paused or not.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: SystemTime,
    started: Instant,
}

impl TokioClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: SystemTime) -> Self {
        Self { start, started: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        self.start + self.started.elapsed()
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z; 0 for a time before.
pub fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
