//! One limit as arithmetic: the generic cell rate algorithm.
//!
//! Sends are spaced by `window / (0.96 n)`, with a burst of `max(1, n / 50)` and a
//! fiftieth of the window to make up for a late one. Together these stay within the
//! 4 % left free, so no closed window of that length ever holds more than `n` sends,
//! wherever the provider's own window begins.
//!
//! Points are sent in lumps, so half of them may go at once and the other half is spread over the
//! window, until the provider tells how it counts ([`PacedLimit::report`]). Then its own bucket is
//! followed.
//!
//! Slots that are reserved ahead ([`PacedLimit::reserve`]) make up for nothing, and may instead be used
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub struct Rate {
    /// At least 1.
    amount: u32,
    window: Duration,
    /// Whether points are counted, and not requests.
    points: bool,
}

/// What the provider says of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReport {
    /// So many remain ...
    pub left: u32,
    /// ... of so many ...
    pub total: u32,
    /// ... and all of them again after so long.
    pub full_in: Duration,
}

/// How the provider counts, by its last report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reported {
    /// Between two of one.
    pub interval: Duration,
    /// So many may go at once.
    pub burst: u32,
    /// The report says nothing of the time after; `None`: it does.
    pub until: Option<Duration>,
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
    /// What the provider told last.
    pub reported: Option<Reported>,
}

/// One limit and how far it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacedLimit {
    /// As it is declared.
    pub rate: Rate,
    /// How far it is used.
    pub used: Used,
}

impl Rate {
    /// At most `requests` in any `window`; none counts as one.
    pub fn new(requests: u32, window: Duration) -> Self {
        Self { amount: requests.max(1), window, points: false }
    }

    /// At most so many points in any `window`.
    pub fn of_points(amount: u32, window: Duration) -> Self {
        Self { points: true, ..Self::new(amount, window) }
    }

    /// How many requests, or points.
    pub fn amount(self) -> u32 {
        self.amount
    }

    /// Length of its window.
    pub fn window(self) -> Duration {
        self.window
    }

    /// The same with another window.
    pub fn over(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// How late a reserved slot may be used, and still no window holds too many: at most one
    /// interval.
    pub fn lateness(self) -> Duration {
        match self.points {
            true => self.window / 100,
            false => self.interval().min((self.window / 25).saturating_sub(self.tolerance())),
        }
    }

    fn interval(self) -> Duration {
        let share = if self.points { 0.48 } else { 0.96 };
        self.window.div_f64(share * f64::from(self.amount))
    }

    fn burst(self) -> u32 {
        if self.points { (self.amount / 2).max(1) } else { (self.amount / 50).max(1) }
    }

    fn tolerance(self) -> Duration {
        self.interval() * (self.burst() - 1)
    }
}

impl PacedLimit {
    /// Not used yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, used: Used::default() }
    }

    /// When a request that counts for `count` may go; in the past when it may go at once.
    pub fn ready_at(&self, count: u32) -> Duration {
        let (interval, burst) = self.pace();
        let paced = match count.checked_sub(burst) {
            Some(over) => self.used.due + interval * over,
            None => self.used.due.saturating_sub(interval * (burst - count)),
        };
        self.used.held_until.map_or(paced, |held| held.max(paced))
    }

    /// Counts a request that goes at `now`.
    pub fn take(&mut self, count: u32, now: Duration) {
        self.count(count, now.saturating_sub(self.rate.window / 50), now);
        if self.used.held_until.is_some_and(|held| held <= now) {
            self.used.held_until = None;
        }
    }

    /// Counts a request that will go at `at` or a little later, not before [`PacedLimit::ready_at`].
    pub fn reserve(&mut self, count: u32, at: Duration) {
        self.count(count, at, at);
    }

    /// Counts as the provider does, from `now` on.
    ///
    /// Of points its bucket is followed: what is missing comes back evenly. Of requests it is not
    /// known whether some come back sooner, so what is left has to last until all are there.
    pub fn report(&mut self, report: LimitReport, now: Duration) {
        let LimitReport { left, total, full_in } = report;
        let missing = total.saturating_sub(left);
        self.used.reported = None;
        if self.rate.points {
            let interval = match missing {
                0 => self.rate.window / total.max(1),
                missing => full_in / missing,
            };
            self.used.reported = Some(Reported { interval, burst: total, until: None });
            self.used.due = now + full_in;
        } else if left == 0 && missing > 0 {
            self.used.held_until = Some(now + full_in);
        } else if missing > 0 {
            let interval = self.pace().0.max(full_in / left);
            let until = Some(now + full_in);
            self.used.reported = Some(Reported { interval, burst: 1, until });
        }
    }

    /// Whether it is as if it had never been used.
    pub fn is_full(&self, now: Duration) -> bool {
        let free = |at: Option<Duration>| at.is_none_or(|at| at <= now);
        self.used.due <= now && free(self.used.held_until) && self.share(now) >= 1.0
    }

    /// The time between two of one, and how many may go at once: as the provider told, or else as it
    /// is declared.
    fn pace(&self) -> (Duration, u32) {
        let due = self.used.due;
        match self.used.reported.filter(|told| told.until.is_none_or(|until| due < until)) {
            Some(told) => (told.interval, told.burst),
            None => (self.rate.interval(), self.rate.burst()),
        }
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

    fn count(&mut self, count: u32, earliest: Duration, now: Duration) {
        let spent = (self.pace().0 * count).div_f64(self.share(now));
        self.used.due = self.used.due.max(earliest) + spent;
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
            let mut rule = PacedLimit::new(Rate::new(requests, window));
            let mut sent = Vec::new();
            for pause in pauses {
                // Mostly at once or a little late, now and then after a pause.
                let late = Duration::from_millis(if pause < 4_500 { pause / 100 } else { pause - 4_500 });
                now = rule.ready_at(1).max(now) + late;
                rule.take(1, now);
                sent.push(now);
            }
            for (index, first) in sent.iter().enumerate() {
                let within = sent[index..].iter().take_while(|at| **at - *first <= window).count();
                prop_assert!(within <= requests as usize, "{within} of {requests} in {window:?}");
            }
        }
    }

    proptest! {
        /// However dear the requests are, no closed window holds more points than the limit.
        #[test]
        fn no_window_ever_holds_too_many_points(
            costs in prop::collection::vec((1_u32..=1_000, 0_u64..3_000), 50..400),
        ) {
            let window = Duration::from_secs(20);
            let (mut now, mut sent) = (Duration::from_secs(9), Vec::new());
            let mut rule = PacedLimit::new(Rate::of_points(1_000, window));
            for (cost, pause) in costs {
                let late = Duration::from_millis(if pause < 2_500 { pause / 100 } else { pause });
                now = rule.ready_at(cost).max(now) + late;
                rule.take(cost, now);
                sent.push((now, cost));
            }
            for (index, (first, _)) in sent.iter().enumerate() {
                let within = sent[index..].iter().take_while(|(at, _)| *at - *first <= window);
                let points: u32 = within.map(|(_, cost)| cost).sum();
                prop_assert!(points <= 1_000, "{points} in {window:?}");
            }
        }
    }

    #[test]
    fn a_report_replaces_the_count() {
        let (start, second) = (Duration::from_secs(100), Duration::from_secs(1));
        let mut points = PacedLimit::new(Rate::of_points(2_000, 20 * second));
        points.take(900, start);
        points.report(LimitReport { left: 500, total: 1_000, full_in: 10 * second }, start);
        assert_eq!(points.ready_at(500), start, "what is left may go at once");
        assert_eq!(points.ready_at(600), start + 2 * second, "and the rest comes back evenly");
        let mut requests = PacedLimit::new(Rate::new(100, 60 * second));
        requests.report(LimitReport { left: 0, total: 100, full_in: 30 * second }, start);
        assert_eq!(requests.ready_at(1), start + 30 * second);
        requests.report(LimitReport { left: 3, total: 100, full_in: 30 * second }, start);
        requests.used.held_until = None;
        let sent = (0..).scan(start, |now, _| {
            *now = requests.ready_at(1).max(*now);
            requests.take(1, *now);
            Some(*now)
        });
        assert!(sent.take_while(|at| *at < start + 30 * second).count() <= 4);
    }

    #[test]
    fn at_full_demand_95_percent_are_used() {
        for (requests, window_s) in [(3_u32, 1_u64), (5, 1), (6, 1), (20, 1), (600, 60)] {
            let mut now = Duration::ZERO;
            let mut rule = PacedLimit::new(Rate::new(requests, Duration::from_secs(window_s)));
            let mut sent = 0_u32;
            while now < Duration::from_secs(60) {
                now = rule.ready_at(1).max(now);
                rule.take(1, now);
                sent += 1;
            }
            let allowed = u64::from(requests) * 60 / window_s;
            assert!(u64::from(sent) * 100 >= allowed * 95, "{sent} of {allowed}");
        }
    }

    #[test]
    fn throttling_holds_slows_and_recovers() {
        let start = Duration::from_secs(100);
        let mut rule = PacedLimit::new(Rate::new(10, Duration::from_secs(1)));
        rule.throttled(Duration::from_secs(2), start);
        let held = start + Duration::from_secs(2);
        assert_eq!(rule.ready_at(1), held);
        rule.take(1, held);
        assert!(rule.ready_at(1) - held > Duration::from_millis(150), "slower than 104 ms");
        let later = start + Duration::from_secs(60);
        rule.take(1, later);
        assert!(rule.ready_at(1) - later < Duration::from_millis(105), "and back again");
    }
}
