//! How persistent calls are.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How persistent the calls of a connection are. The default: 4 attempts, 120 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Policy {
    /// Tries of one call, the first included. A lost answer of a write is looked for up to three
    /// more times.
    pub attempts: u32,
    /// No new try begins after this time from the call's start.
    pub deadline: Duration,
    /// Seed of the jitter; `None` takes one from the system.
    pub seed: Option<u64>,
}

impl Policy {
    /// Each call is made once, and its error is the caller's to judge.
    pub fn once() -> Self {
        Self { attempts: 1, deadline: Duration::ZERO, seed: None }
    }

    /// The same with so many tries of a call.
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// The same with this seed of the jitter, so that pauses can be foretold.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    pub(super) fn random(self) -> Arc<Mutex<fastrand::Rng>> {
        let random = self.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Arc::new(Mutex::new(random))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts: 4, deadline: Duration::from_secs(120), seed: None }
    }
}
