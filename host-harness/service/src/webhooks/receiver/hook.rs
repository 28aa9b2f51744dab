//! One connection's way in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::route::HOOKS;
use crate::lock;
use crate::vault::{SealError, random_id};
use crate::webhooks::Decode;

/// The path of a hook.
pub fn hook_path(token: &str) -> String {
    format!("/{HOOKS}/{token}")
}

/// A token that nobody guesses: 128 random bits.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_token() -> Result<String, SealError> {
    random_id()
}

/// Where a connection's deliveries come to, and who understands them.
#[derive(Clone)]
pub struct Hook {
    /// Id of the connection's row.
    pub connection: String,
    /// The end of its path.
    pub token: String,
    /// The provider's id of the subscription, where it is known which one delivers here.
    pub subscription: Option<String>,
    /// Verifies and decodes.
    pub decode: Arc<dyn Decode>,
}

/// A hook that is served.
pub struct ServedHook {
    pub hook: Hook,
    standing: Arc<Mutex<HookStanding>>,
}

/// What is counted of a hook. It outlives what decodes for it.
struct HookStanding {
    bucket: Bucket,
    /// Refused as unverified since the last beat.
    refused: u64,
    /// Since when deliveries were turned away, where no gap has been opened for them yet.
    missed_since_ms: Option<u64>,
    /// When a gap was opened for such deliveries last.
    gap_opened: Option<Instant>,
}

impl ServedHook {
    pub fn new(hook: Hook, rate: f64, burst: f64) -> Self {
        let bucket = Bucket { tokens: burst, rate, burst, at: Instant::now() };
        let standing = HookStanding { bucket, refused: 0, missed_since_ms: None, gap_opened: None };
        Self { hook, standing: Arc::new(Mutex::new(standing)) }
    }

    /// The same hook, as `hook` has it from now on.
    pub fn renewed(&self, hook: Hook) -> Self {
        Self { hook, standing: Arc::clone(&self.standing) }
    }

    /// Takes a token, or says when there will be one.
    pub fn take(&self) -> Result<(), Duration> {
        lock(&self.standing).bucket.take(Instant::now())
    }

    pub fn count_refused(&self) {
        lock(&self.standing).refused += 1;
    }

    pub fn take_refused(&self) -> u64 {
        std::mem::take(&mut lock(&self.standing).refused)
    }

    /// A delivery was turned away at this time. It may come again, or have been the last try.
    pub fn miss(&self, at_ms: u64) {
        let since_ms = &mut lock(&self.standing).missed_since_ms;
        *since_ms = Some(since_ms.map_or(at_ms, |since_ms| since_ms.min(at_ms)));
    }

    /// Since when a gap is to be opened for what was turned away. Limited, so that strangers cannot
    /// have us pull all the time.
    pub fn take_missed(&self, not_more_often_than: Duration) -> Option<u64> {
        let mut standing = lock(&self.standing);
        if standing.gap_opened.is_some_and(|at| at.elapsed() < not_more_often_than) {
            return None;
        }
        let since_ms = standing.missed_since_ms.take()?;
        standing.gap_opened = Some(Instant::now());
        Some(since_ms)
    }

    /// The gap could not be opened: the next beat tries it again.
    pub fn give_missed_back(&self, since_ms: u64) {
        self.miss(since_ms);
        lock(&self.standing).gap_opened = None;
    }
}

/// A token bucket: `rate` a second in the long run, `burst` at once.
struct Bucket {
    tokens: f64,
    rate: f64,
    burst: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * self.rate).min(self.burst);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - self.tokens) / self.rate).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: 3.0, rate: 2.0, burst: 3.0, at: start };
        let after = |ms| start + Duration::from_millis(ms);
        for _ in 0..3 {
            assert_eq!(bucket.take(after(0)), Ok(()));
        }
        assert_eq!(bucket.take(after(0)), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(after(500)), Ok(()));
        assert!(bucket.take(after(500)).is_err());
        // However long nothing came.
        for _ in 0..3 {
            assert_eq!(bucket.take(after(60_000)), Ok(()));
        }
        assert!(bucket.take(after(60_000)).is_err());
    }
}
