//! One limit as arithmetic: the generic cell rate algorithm.
//!
//! Sends are spaced by `window / (0.96 n)`, with a burst of `max(1, n / 50)` and a
//! fiftieth of the window to make up for a late one. Together these stay within the
//! 4 % left free, so no closed window of that length ever holds more than `n` sends,
//! wherever the provider's own window begins.
//!
//! Slots that are reserved ahead ([`Rule::reserve`]) make up for nothing, and may instead be used
//! late by [`Rate::lateness`]. They need not be reserved in their order: each lies at or after its
//! due time less the tolerance and never after it unless it moves it, and due times are an
//! interval apart.
//!
//! Times are on a line that the caller chooses, as durations since it begins.

use std::time::Duration;

/// A limit answered with "too many requests" falls to this part of its rate ...
const BACK_OFF: f64 = 0.6;
/// ... but never below this one ...
const SLOWEST: f64 = 0.05;
/// ... and gains this part back, times the square of the seconds since: slowly where a rival
/// was just met, and whole again half a minute later where there is none.
const RECOVERY: f64 = 0.000_5;

/// A limit as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    requests: u32,
    window: Duration,
}

/// How far a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Used {
    /// When the next request would be due if all came evenly spaced.
    pub due: Duration,
    /// Nothing goes before.
    pub held_until: Option<Duration>,
    /// Part of the declared rate that the last "too many requests" took away ...
    pub lost: f64,
    /// ... and since when it comes back.
    pub lost_at: Duration,
}

/// One limit and how far it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    rate: Rate,
    used: Used,
}

impl Rate {
    /// At most `requests` in any `window`; none counts as one.
    #[must_use]
    pub fn new(requests: u32, window: Duration) -> Self {
        Self { requests: requests.max(1), window }
    }

    /// How many requests.
    #[must_use]
    pub fn requests(self) -> u32 {
        self.requests
    }

    /// Length of its window.
    #[must_use]
    pub fn window(self) -> Duration {
        self.window
    }

    /// How late a reserved slot may be used, and still no window holds too many: at most one
    /// interval.
    #[must_use]
    pub fn lateness(self) -> Duration {
        self.interval().min((self.window / 25).saturating_sub(self.tolerance()))
    }

    fn interval(self) -> Duration {
        self.window.div_f64(0.96 * f64::from(self.requests))
    }

    fn tolerance(self) -> Duration {
        self.interval() * ((self.requests / 50).max(1) - 1)
    }
}

impl Rule {
    /// Not used yet.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::of(rate, Used::default())
    }

    /// Used so far.
    #[must_use]
    pub fn of(rate: Rate, used: Used) -> Self {
        Self { rate, used }
    }

    /// How far it is used.
    #[must_use]
    pub fn used(&self) -> Used {
        self.used
    }

    /// When the next request may go; in the past when it may go at once.
    #[must_use]
    pub fn ready_at(&self) -> Duration {
        let paced = self.used.due.saturating_sub(self.rate.tolerance());
        self.used.held_until.map_or(paced, |held| held.max(paced))
    }

    /// Counts a request that goes at `now`.
    pub fn take(&mut self, now: Duration) {
        self.count(now.saturating_sub(self.rate.window / 50), now);
        if self.used.held_until.is_some_and(|held| held <= now) {
            self.used.held_until = None;
        }
    }

    /// Counts a request that will go at `at` or a little later, not before [`Rule::ready_at`].
    pub fn reserve(&mut self, at: Duration) {
        self.count(at, at);
    }

    /// The provider answered "too many requests": somebody else shares this limit.
    /// Nothing goes for `pause`, and then less than before. One window's worth of
    /// such answers counts once.
    pub fn throttled(&mut self, pause: Duration, now: Duration) {
        let until = now + pause;
        let again = self.used.held_until.is_some_and(|held| held > now);
        self.used.held_until = Some(self.used.held_until.map_or(until, |held| held.max(until)));
        if !again {
            self.used.lost = 1.0 - (self.share(now) * BACK_OFF).max(SLOWEST);
        }
        self.used.lost_at = until;
    }

    fn count(&mut self, earliest: Duration, now: Duration) {
        self.used.due = self.used.due.max(earliest) + self.rate.interval().div_f64(self.share(now));
    }

    /// Part of the declared rate that others seem to leave to us.
    fn share(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.used.lost_at).as_secs_f64();
        (1.0 - self.used.lost + RECOVERY * passed * passed).clamp(SLOWEST, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the requests come, no closed window holds more than the limit.
        #[test]
        fn no_window_ever_holds_too_many(
            requests in prop::sample::select(vec![1_u32, 3, 5, 6, 20, 26, 50, 100, 600]),
            window_ms in prop::sample::select(vec![1_000_u64, 60_000]),
            pauses in prop::collection::vec(0_u64..5_000, 50..800),
        ) {
            let window = Duration::from_millis(window_ms);
            let mut now = Duration::from_secs(9);
            let mut rule = Rule::new(Rate::new(requests, window));
            let mut sent = Vec::new();
            for pause in pauses {
                // Mostly at once or a little late, now and then after a pause.
                let late = Duration::from_millis(if pause < 4_500 { pause / 100 } else { pause - 4_500 });
                now = rule.ready_at().max(now) + late;
                rule.take(now);
                sent.push(now);
            }
            for (index, first) in sent.iter().enumerate() {
                let within = sent[index..].iter().take_while(|at| **at - *first <= window).count();
                prop_assert!(within <= requests as usize, "{within} of {requests} in {window:?}");
            }
        }
    }

    #[test]
    fn at_full_demand_95_percent_are_used() {
        for (requests, window_s) in [(3_u32, 1_u64), (5, 1), (6, 1), (20, 1), (600, 60)] {
            let mut now = Duration::ZERO;
            let mut rule = Rule::new(Rate::new(requests, Duration::from_secs(window_s)));
            let mut sent = 0_u32;
            while now < Duration::from_secs(60) {
                now = rule.ready_at().max(now);
                rule.take(now);
                sent += 1;
            }
            let allowed = u64::from(requests) * 60 / window_s;
            assert!(u64::from(sent) * 100 >= allowed * 95, "{sent} of {allowed}");
        }
    }

    #[test]
    fn throttling_holds_slows_and_recovers() {
        let start = Duration::from_secs(100);
        let mut rule = Rule::new(Rate::new(10, Duration::from_secs(1)));
        rule.throttled(Duration::from_secs(2), start);
        let held = start + Duration::from_secs(2);
        assert_eq!(rule.ready_at(), held);
        rule.take(held);
        assert!(rule.ready_at() - held > Duration::from_millis(150), "slower than 104 ms");
        let later = start + Duration::from_secs(60);
        rule.take(later);
        assert!(rule.ready_at() - later < Duration::from_millis(105), "and back again");
    }
}
