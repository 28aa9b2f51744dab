//! One limit as arithmetic: the generic cell rate algorithm.
//!
//! Sends are spaced by `window / (0.96 n)`, with a burst of `max(1, n / 50)` and a
//! fiftieth of the window to make up for a late one. Together these stay within the
//! 4 % left free, so no closed window of that length ever holds more than `n` sends,
//! wherever the provider's own window begins.

use std::time::Duration;

use tokio::time::Instant;

/// A limit answered with "too many requests" falls to this part of its rate ...
const BACK_OFF: f64 = 0.6;
/// ... but never below this one ...
const SLOWEST: f64 = 0.05;
/// ... and gains this part back, times the square of the seconds since: slowly where a rival
/// was just met, and whole again half a minute later where there is none.
const RECOVERY: f64 = 0.000_5;

/// One limit and how far it is used.
#[derive(Debug, Clone)]
pub struct Rule {
    window: Duration,
    interval: Duration,
    tolerance: Duration,
    /// When the next request would be due if all came evenly spaced.
    due: Instant,
    held_until: Option<Instant>,
    /// Part of the declared rate that was left after the last such answer, and when that was.
    left: f64,
    left_at: Instant,
}

impl Rule {
    /// At most `requests` in any `window`; the first may go at `now`.
    #[must_use]
    pub fn new(requests: u32, window: Duration, now: Instant) -> Self {
        let requests = requests.max(1);
        let interval = window.div_f64(0.96 * f64::from(requests));
        let burst = (requests / 50).max(1);
        Self {
            window,
            interval,
            tolerance: interval * (burst - 1),
            due: now,
            held_until: None,
            left: 1.0,
            left_at: now,
        }
    }

    /// When the next request may go; in the past or `now` when it may go at once.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        let paced = self.due.checked_sub(self.tolerance).unwrap_or(now);
        self.held_until.map_or(paced, |held| held.max(paced))
    }

    /// Counts a request that goes at `now`.
    pub fn take(&mut self, now: Instant) {
        let earliest = now.checked_sub(self.window / 50).unwrap_or(now);
        self.due = self.due.max(earliest) + self.interval.div_f64(self.share(now));
        if self.held_until.is_some_and(|held| held <= now) {
            self.held_until = None;
        }
    }

    /// The provider answered "too many requests": somebody else shares this limit.
    /// Nothing goes for `pause`, and then less than before. One window's worth of
    /// such answers counts once.
    pub fn throttled(&mut self, pause: Duration, now: Instant) {
        let until = now + pause;
        let again = self.held_until.is_some_and(|held| held > now);
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
        if !again {
            self.left = (self.share(now) * BACK_OFF).max(SLOWEST);
        }
        self.left_at = until;
    }

    /// Length of its window.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window
    }

    /// Part of the declared rate that others seem to leave to us.
    fn share(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.left_at).as_secs_f64();
        (self.left + RECOVERY * passed * passed).min(1.0)
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
            let mut now = Instant::now();
            let mut rule = Rule::new(requests, window, now);
            let mut sent = Vec::new();
            for pause in pauses {
                // Mostly at once or a little late, now and then after a pause.
                let late = Duration::from_millis(if pause < 4_500 { pause / 100 } else { pause - 4_500 });
                now = rule.ready_at(now).max(now) + late;
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
            let start = Instant::now();
            let mut now = start;
            let mut rule = Rule::new(requests, Duration::from_secs(window_s), now);
            let mut sent = 0_u32;
            while now - start < Duration::from_secs(60) {
                now = rule.ready_at(now).max(now);
                rule.take(now);
                sent += 1;
            }
            let allowed = u64::from(requests) * 60 / window_s;
            assert!(u64::from(sent) * 100 >= allowed * 95, "{sent} of {allowed}");
        }
    }

    #[test]
    fn throttling_holds_slows_and_recovers() {
        let start = Instant::now();
        let mut rule = Rule::new(10, Duration::from_secs(1), start);
        rule.throttled(Duration::from_secs(2), start);
        let held = start + Duration::from_secs(2);
        assert_eq!(rule.ready_at(start), held);
        rule.take(held);
        assert!(rule.ready_at(held) - held > Duration::from_millis(150), "slower than 104 ms");
        let later = start + Duration::from_secs(60);
        rule.take(later);
        assert!(rule.ready_at(later) - later < Duration::from_millis(105), "and back again");
    }
}
