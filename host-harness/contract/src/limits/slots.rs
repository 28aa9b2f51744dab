//! Limits that several processes share: times at which a request may go, reserved ahead.
//!
//! A slot is one time for all limits of a request, so that none of them waits for another. Every
//! limit keeps one row ([`Row`]), and whoever reserves has all rows of the request to itself. Each
//! row has its own line of time, which never goes back: it is the machine's clock, and where that
//! was set back, as far ahead of it as it takes. So a clock that is set can make the account
//! slower and not faster.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio::time::Instant;

use super::rule::{LimitReport, PacedLimit, Rate, Used};

/// What [`Slots`] answer, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SlotsError>> + Send + 'a>>;

/// The limits cannot be looked up or kept: what other processes have sent is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SlotsError(String);

impl SlotsError {
    /// For the reason that whoever keeps them gives.
    pub fn new(why: &dyn std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// A limit that nobody looked at or used for so long is full again, whatever became of it.
const FULL_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Shorter windows count as this long between processes, so that a slot can be used in time.
const SHORTEST_WINDOW: Duration = Duration::from_millis(250);

/// Keeps the limits of accounts for all processes of a machine.
pub trait Slots: Send + Sync {
    /// Reserves times to send, in one step among all processes.
    fn reserve(&self, request: SlotRequest) -> Answer<'_, Reserved>;

    /// The provider answered "too many requests" to a request that is charged `charge`:
    /// nothing more is reserved within `pause`, and then less than before.
    fn hold(&self, charge: Charge, pause: Duration) -> Answer<'_, ()>;

    /// The provider told how far the limit of `charge` is used.
    fn report(&self, charge: Charge, report: LimitReport) -> Answer<'_, ()>;

    /// The time by which slots are reserved.
    fn time(&self) -> SystemTime;
}

/// Names a limit among those of all connections.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitId {
    /// Whose requests count together: a connection, an account, or all of an operator.
    pub scope: String,
    /// Its name in the manifest.
    pub name: String,
}

/// What a request counts for against one limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charge {
    /// The limit.
    pub limit: LimitId,
    /// What it allows.
    pub rate: Rate,
    /// How many requests or points the request counts for.
    pub count: u32,
}

/// Asks for times to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    /// What each of the requests is charged; not nothing.
    pub charges: Vec<Charge>,
    /// How many requests wait. At most half of what the narrowest limit allows is reserved at
    /// once, and at least one.
    pub slots: usize,
    /// None is reserved that lies further ahead, nor further than the shortest window.
    pub within: Duration,
}

/// A time to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Not before.
    pub at: Instant,
    /// The same by [`Slots::time`]. A clock that was set forward, or a machine that slept, shows
    /// here and not in `at`.
    pub time: SystemTime,
    /// It is not used when it is late by more.
    pub lateness: Duration,
    /// The limit that did not allow an earlier one.
    pub limit: String,
}

impl Slot {
    /// Whether it may not be used any more.
    pub fn is_late(&self, now: Instant, time: SystemTime) -> bool {
        now > self.at + self.lateness || time > self.time + self.lateness
    }
}

/// What was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// In their order; not none.
    Slots(Vec<Slot>),
    /// Others have reserved all that may be.
    NoneYet {
        /// The limit that has no room.
        limit: String,
        /// When the next request may go as it stands now.
        at: Instant,
        /// When there may be something to reserve.
        ask_again: Instant,
    },
}

/// What is kept of one limit of one account. Times are durations since 1970 on the row's line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Row {
    /// How far it is used.
    pub used: Used,
    /// The latest time at which it was looked at.
    pub seen: Duration,
    /// How far its line is ahead of the machine's clock.
    pub ahead: Duration,
}

impl Row {
    /// From when on the row says nothing more, by the machine's clock.
    #[must_use]
    pub fn idle_from(&self) -> Duration {
        let last = self.seen.max(self.used.due).max(self.used.held_until.unwrap_or_default());
        last.saturating_sub(self.ahead).saturating_add(FULL_AGAIN)
    }

    /// Whether it differs from `before` by more than the time of a look, which the clock tells.
    #[must_use]
    pub fn is_other_than(&self, before: &Self) -> bool {
        self.used != before.used || self.ahead != before.ahead
    }

    /// Now, on its line, when the machine's clock shows `time`.
    fn look(&mut self, time: SystemTime) -> Duration {
        let machine = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.seen = self.seen.max(machine + self.ahead);
        self.ahead = self.seen.saturating_sub(machine);
        self.seen
    }
}

/// Reserves in `rows`, which belong to `request.charges` one by one. `time` is now, and `now` is the
/// same or a little later.
pub fn reserve(
    rows: &mut [Row],
    request: &SlotRequest,
    time: SystemTime,
    now: Instant,
) -> Reserved {
    let rates = || request.charges.iter().map(|charge| shared(charge.rate));
    let window = rates().map(Rate::window).min().unwrap_or_default();
    let most = rates().map(|rate| rate.amount() as usize / 2).min().unwrap_or_default().max(1);
    let lateness = rates().map(Rate::lateness).min().unwrap_or_default();
    let looks: Vec<Duration> = rows.iter_mut().map(|row| row.look(time)).collect();
    let mut rules: Vec<PacedLimit> =
        rates().zip(rows.iter()).map(|(rate, row)| PacedLimit { rate, used: row.used }).collect();
    let mut slots = Vec::new();
    let refused = loop {
        // Each on its own line, so that only the time from now on compares.
        let each = rules.iter().zip(&looks).zip(&request.charges);
        let waits =
            each.map(|((rule, now), charge)| rule.ready_at(charge.count).saturating_sub(*now));
        let (wait, limit) = waits.zip(&request.charges).max_by_key(|(wait, _)| *wait).map_or_else(
            || (Duration::ZERO, String::new()),
            |(wait, charge)| (wait, charge.limit.name.clone()),
        );
        if wait > window.min(request.within) || slots.len() >= request.slots.clamp(1, most) {
            break (wait, limit);
        }
        let each = rules.iter_mut().zip(&looks).zip(&request.charges);
        each.for_each(|((rule, now), charge)| rule.reserve(charge.count, *now + wait));
        slots.push(Slot { at: now + wait, time: time + wait, lateness, limit });
    };
    if slots.is_empty() {
        let (wait, limit) = refused;
        let ask_again = now + wait.saturating_sub(window).max(Duration::from_millis(1));
        return Reserved::NoneYet { limit, at: now + wait, ask_again };
    }
    rows.iter_mut().zip(&rules).for_each(|(row, rule)| row.used = rule.used);
    Reserved::Slots(slots)
}

/// Holds a limit for `pause` from `time` on.
pub fn hold(row: &mut Row, rate: Rate, pause: Duration, time: SystemTime) {
    change(row, rate, time, |rule, now| rule.throttled(pause, now));
}

/// Counts a limit as the provider does, from `time` on.
pub fn report(row: &mut Row, rate: Rate, report: LimitReport, time: SystemTime) {
    change(row, rate, time, |rule, now| rule.report(report, now));
}

fn change(row: &mut Row, rate: Rate, time: SystemTime, change: impl Fn(&mut PacedLimit, Duration)) {
    let now = row.look(time);
    let mut rule = PacedLimit { rate: shared(rate), used: row.used };
    change(&mut rule, now);
    row.used = rule.used;
}

fn shared(rate: Rate) -> Rate {
    rate.over(rate.window().max(SHORTEST_WINDOW))
}

#[cfg(test)]
mod tests;
