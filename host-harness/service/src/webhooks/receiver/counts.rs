//! What a receiver has seen.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the receiver began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that were closed because their address had too many.
    pub turned_away: u64,
    /// Deliveries that were kept.
    pub kept: u64,
    /// Deliveries whose events were all known.
    pub repeats: u64,
    /// Not verified: 401.
    pub unverified: u64,
    /// To be sent again: 429 and 503.
    pub later: u64,
    /// Refused for another reason.
    pub refused: u64,
}

/// Counts while others do.
#[derive(Default)]
pub struct Counting {
    pub open: AtomicU64,
    pub turned_away: AtomicU64,
    pub kept: AtomicU64,
    pub repeats: AtomicU64,
    pub unverified: AtomicU64,
    pub later: AtomicU64,
    pub refused: AtomicU64,
}

impl Counting {
    pub fn one(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn now(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            open: read(&self.open),
            turned_away: read(&self.turned_away),
            kept: read(&self.kept),
            repeats: read(&self.repeats),
            unverified: read(&self.unverified),
            later: read(&self.later),
            refused: read(&self.refused),
        }
    }
}
