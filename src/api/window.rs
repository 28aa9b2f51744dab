//! Which change times a scan covers, and what may be promised after it.
//!
//! All bounds are seconds since 1970 and inclusive. The rules:
//!
//! - The upper end of an incremental scan stays 60 s behind now: AfterShip's index is not updated
//!   in the instant of a change. It is frozen for the whole scan, so that rows changing meanwhile
//!   do not move between pages.
//! - An incremental scan begins 10 minutes before its bookmark. Clocks differ, and what was late
//!   last time is seen now; the host drops what it has already.
//! - A full scan sets no bound on change times. Its bookmark is its start minus those 60 s.
//! - `created_at_min` is always sent. AfterShip keeps trackings for 120 days and would default to
//!   that bound anyway, but anew on each page.
//! - Bounds in the caller's own filter count as well: the narrower one wins. A scan that the
//!   caller cut by change time yields no bookmark, because not everything changed up to any point
//!   has then been handed over.

/// Seconds that AfterShip's index may lag behind.
const LAG: i64 = 60;
/// Seconds by which an incremental scan overlaps the one before.
const OVERLAP: i64 = 600;
/// Seconds for which AfterShip keeps trackings (AfterShip API 2026-07, GET /trackings).
const RETENTION: i64 = 120 * 86_400;

/// Time bounds; `None`: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// `created_at_min`.
    pub created_min: Option<i64>,
    /// `created_at_max`.
    pub created_max: Option<i64>,
    /// `updated_at_min`.
    pub updated_min: Option<i64>,
    /// `updated_at_max`.
    pub updated_max: Option<i64>,
}

impl Bounds {
    /// Whether nothing can lie between a lower bound and its upper one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let crossed =
            |min: Option<i64>, max: Option<i64>| min.zip(max).is_some_and(|(min, max)| min > max);
        crossed(self.created_min, self.created_max) || crossed(self.updated_min, self.updated_max)
    }
}

/// What a new scan asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The bounds to send.
    pub bounds: Bounds,
    /// Up to when everything has been handed over once the scan is complete.
    pub bookmark: Option<i64>,
}

/// Plans a scan at `now`: everything, or what changed since `bookmark`, within the caller's own
/// bounds.
#[must_use]
pub fn plan(now: i64, bookmark: Option<i64>, own: Bounds) -> Plan {
    let mut bounds = own;
    bounds.created_min = own.created_min.or(Some(now - RETENTION));
    let until = now - LAG;
    if let Some(bookmark) = bookmark {
        let since = bookmark - OVERLAP;
        bounds.updated_min = Some(own.updated_min.map_or(since, |min| min.max(since)));
        bounds.updated_max = Some(own.updated_max.map_or(until, |max| max.min(until)));
    }
    let cut_by_caller = own.updated_min.is_some() || own.updated_max.is_some();
    // Never back: a clock set back must not make a promise smaller than the last one.
    let reached = bookmark.map_or(until, |bookmark| bookmark.max(until));
    Plan { bounds, bookmark: (!cut_by_caller).then_some(reached) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_339_800;

    fn own(updated_min: Option<i64>, updated_max: Option<i64>) -> Bounds {
        Bounds { updated_min, updated_max, ..Bounds::default() }
    }

    #[test]
    fn a_full_scan_is_bounded_by_creation_only() {
        let plan = plan(NOW, None, Bounds::default());
        let created_min = Some(NOW - 10_368_000);
        assert_eq!(plan.bounds, Bounds { created_min, ..Bounds::default() });
        assert_eq!(plan.bookmark, Some(NOW - 60));
    }

    #[test]
    fn an_incremental_scan_overlaps_and_lags() {
        let plan = plan(NOW, Some(NOW - 3600), Bounds::default());
        assert_eq!(plan.bounds.updated_min, Some(NOW - 3600 - 600));
        assert_eq!(plan.bounds.updated_max, Some(NOW - 60));
        assert_eq!(plan.bookmark, Some(NOW - 60));
    }

    #[test]
    fn scans_in_a_row_leave_no_gap() {
        let first = plan(NOW, None, Bounds::default());
        let second = plan(NOW + 5, first.bookmark, Bounds::default());
        let third = plan(NOW + 3605, second.bookmark, Bounds::default());
        assert!(second.bounds.updated_min <= first.bookmark);
        assert!(third.bounds.updated_min <= second.bounds.updated_max);
    }

    #[test]
    fn the_narrower_bound_wins_and_nothing_is_promised() {
        let since = NOW - 3600;
        for (caller, min, max) in [
            (own(Some(NOW - 900), None), NOW - 900, NOW - 60),
            (own(Some(NOW - 9000), None), since - 600, NOW - 60),
            (own(None, Some(NOW - 900)), since - 600, NOW - 900),
            (own(None, Some(NOW + 900)), since - 600, NOW - 60),
        ] {
            let plan = plan(NOW, Some(since), caller);
            assert_eq!(plan.bounds.updated_min, Some(min));
            assert_eq!(plan.bounds.updated_max, Some(max));
            assert_eq!(plan.bookmark, None);
        }
        let full = plan(NOW, None, own(Some(5), Some(9)));
        assert_eq!((full.bounds.updated_min, full.bounds.updated_max), (Some(5), Some(9)));
        assert_eq!(full.bookmark, None);
    }

    #[test]
    fn crossed_bounds_hold_nothing() {
        assert!(plan(NOW, Some(NOW - 60), own(None, Some(NOW - 900))).bounds.is_empty());
        assert!(!plan(NOW, Some(NOW - 60), Bounds::default()).bounds.is_empty());
    }

    #[test]
    fn a_clock_set_back_takes_no_promise_back() {
        let plan = plan(NOW, Some(NOW + 86_400), Bounds::default());
        assert_eq!(plan.bookmark, Some(NOW + 86_400));
        assert!(plan.bounds.is_empty());
    }
}
