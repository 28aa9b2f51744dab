//! How many requests each limit of an account let go, minute by minute.
//!
//! They are counted in the commit that reserves their times, so nothing more is committed for them. A
//! time that could not be used is counted too.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use connector_contract::limits::slots::Reserved;
use connector_contract::limits::{LimitId, SlotRequest};

use crate::Answer;

/// Keeps the rates of limits, for [`crate::retention::RATES_MS`].
pub trait Rates: Send + Sync {
    /// Those of these accounts from a minute on, by account, limit and minute.
    fn rates(&self, accounts: Vec<String>, since_minute: u64) -> Answer<'_, Vec<RateRow>>;
}

/// What a limit let go in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// Whose limit it is ([`LimitId::scope`]).
    pub account: String,
    /// Its name in the manifest.
    pub name: String,
    /// Minutes since 1970-01-01T00:00:00Z.
    pub minute: u64,
    /// How much of it.
    pub counts: RateCounts,
}

/// Requests of a minute, or what they cost where a limit counts points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateCounts {
    /// Those that had their time in it.
    pub sent: u64,
    /// Those of them that this limit made wait.
    pub waited: u64,
    /// Those that the provider refused ("too many requests").
    pub refused: u64,
}

impl RateCounts {
    /// As much, and `more`.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(more.sent),
            waited: self.waited.saturating_add(more.waited),
            refused: self.refused.saturating_add(more.refused),
        }
    }
}

/// A limit that is used up for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Name in the manifest.
    pub name: String,
    /// Until when, in milliseconds since 1970 by the store's clock.
    pub until_ms: u64,
    /// The provider asked for it ("too many requests").
    pub held: bool,
}

/// What is to be added, by limit and minute.
pub type Counted<'r> = BTreeMap<(&'r LimitId, u64), RateCounts>;

/// What was reserved at `time`, which may lie in the minutes after it.
#[must_use]
pub fn of_reserved<'r>(
    request: &'r SlotRequest,
    reserved: &Reserved,
    time: SystemTime,
) -> Counted<'r> {
    let mut counted = Counted::new();
    let Reserved::Slots(slots) = reserved else { return counted };
    for slot in slots {
        for charge in &request.charges {
            let is_made_wait = slot.time > time && slot.limit == charge.limit.name;
            let sent = u64::from(charge.count);
            let waited = if is_made_wait { sent } else { 0 };
            let counts = counted.entry((&charge.limit, minute(slot.time))).or_default();
            *counts = counts.and(RateCounts { sent, waited, refused: 0 });
        }
    }
    counted
}

/// That the provider refused a request.
#[must_use]
pub fn of_refused() -> RateCounts {
    RateCounts { refused: 1, ..RateCounts::default() }
}

/// The minute of a time.
#[must_use]
pub fn minute(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60)
}
