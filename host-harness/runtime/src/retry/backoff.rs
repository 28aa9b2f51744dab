//! How long to wait before the next try, and how many tries a connection has.

use std::sync::Mutex;
use std::time::Duration;

use super::table::Cause;
use crate::lock::lock;

/// First pause after something transient ...
const TRANSIENT_BASE: Duration = Duration::from_millis(50);
/// ... after being asked to slow down for a stated time, beside that time ...
const ASKED_BASE: Duration = Duration::from_secs(1);
/// ... and after being asked to slow down without one: at least half of it.
const THROTTLED_BASE: Duration = Duration::from_secs(4);
/// Longest pause of our own choosing while somebody waits.
const LONGEST: Duration = Duration::from_secs(20);
/// Pauses after lost answers, one after the other: what was just written may not be listed yet.
pub const INDEX_LAG: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];
/// Spread of an asked pause, so that many callers do not wake at once.
const SPREAD_MS: u64 = 250;

/// The pause before repetition `attempt` (from 1): jitter over an exponential bound, and never less
/// than the provider asked for, however long that is: whether to wait so long is the caller's to
/// decide.
pub fn pause(cause: Cause, attempt: u32, random: &mut fastrand::Rng) -> Duration {
    let base = match cause {
        Cause::Transient | Cause::Lost => TRANSIENT_BASE,
        Cause::Throttled(Some(_)) => ASKED_BASE,
        Cause::Throttled(None) => THROTTLED_BASE,
    };
    let doublings = attempt.saturating_sub(1).min(16);
    let bound = base.saturating_mul(1 << doublings).min(LONGEST);
    let jittered = bound.mul_f64(random.f64());
    match cause {
        Cause::Throttled(Some(asked)) => {
            let spread = Duration::from_millis(random.u64(0..=SPREAD_MS));
            asked.max(jittered) + spread
        }
        Cause::Throttled(None) => (bound + jittered) / 2,
        Cause::Transient | Cause::Lost => jittered,
    }
}

/// What a connection has spent on repetitions. Successes earn it back slowly, so a provider in trouble
/// is not asked ever more often.
#[derive(Default)]
pub struct Budget {
    spent: Mutex<u32>,
}

impl Budget {
    const FULL: u32 = 500;

    /// Takes the price of one repetition, if there is enough.
    pub fn spend(&self, cause: Cause) -> bool {
        let price = if matches!(cause, Cause::Throttled(_)) { 5 } else { 14 };
        let mut spent = lock(&self.spent);
        let is_enough = *spent + price <= Self::FULL;
        *spent += if is_enough { price } else { 0 };
        is_enough
    }

    /// A call succeeded.
    pub fn earn(&self) {
        let mut spent = lock(&self.spent);
        *spent = spent.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_keeps_its_bounds(seed: u64, attempt in 1_u32..40, asked in 0_u64..7_200_000) {
            let mut random = fastrand::Rng::with_seed(seed);
            prop_assert!(pause(Cause::Transient, attempt, &mut random) <= LONGEST);
            let throttled = pause(Cause::Throttled(None), attempt, &mut random);
            prop_assert!((Duration::from_secs(2)..=LONGEST).contains(&throttled));
            let asked = Duration::from_millis(asked);
            let paused = pause(Cause::Throttled(Some(asked)), attempt, &mut random);
            prop_assert!(paused >= asked);
            prop_assert!(paused <= asked.max(LONGEST) + Duration::from_millis(SPREAD_MS));
        }
    }

    #[test]
    fn jitter_covers_the_whole_bound() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut pauses: Vec<_> =
            (0..1_000).map(|_| pause(Cause::Transient, 4, &mut random)).collect();
        pauses.sort();
        assert!(pauses[50] < Duration::from_millis(40) && pauses[950] > Duration::from_millis(360));
    }

    #[test]
    fn the_budget_runs_out_and_comes_back() {
        let budget = Budget::default();
        let repeated = (0..100).filter(|_| budget.spend(Cause::Transient)).count();
        assert_eq!(repeated, 500 / 14);
        for _ in 0..14 {
            budget.earn();
        }
        assert!(budget.spend(Cause::Transient));
    }
}
