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
//! - A start is the earlier of the host's clock and the `date` of the scan's first answer: what
//!   changed after that answer was made is not in it, whatever a clock says.
//! - A bookmark is always 60 s behind AfterShip's clock, so one that is ahead of it was made by a
//!   wrong clock and is refused; the host then takes an older one. Whether it is ahead is told by
//!   the answer; an answer that does not tell the time leaves it to the host's clock, from 9
//!   minutes on. By that clock alone nothing is refused: it may be behind. Such a scan has no upper
//!   bound, and the answer decides.
//! - `created_at_min` is always sent. AfterShip keeps trackings for 120 days and would default to
//!   that bound anyway, but anew on each page.
//! - Bounds in the caller's own filter count as well: the narrower one wins. A scan that the
//!   caller cut by change time yields no bookmark, because not everything changed up to any point
//!   has then been handed over.

use connector_sdk::served::Served;

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
    /// What its end promises.
    pub promise: Promise,
}

/// Up to when everything will have been handed over, as far as that is known before an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The bookmark that the scan begins at.
    since: Option<i64>,
    /// By the host's clock; `None` when the bookmark lies in the future by it.
    until: Option<i64>,
    /// Whether the caller cut the scan by change time.
    is_cut: bool,
}

/// The bookmark lies in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Future;

/// Plans a scan at `now`: everything, or what changed since `bookmark`, within the caller's own
/// bounds.
#[must_use]
pub fn plan(now: i64, bookmark: Option<i64>, own: Bounds) -> Plan {
    let mut bounds = own;
    bounds.created_min = own.created_min.or(Some(now - RETENTION));
    let mut until = Some(now - LAG);
    if let Some(bookmark) = bookmark {
        let since = bookmark - OVERLAP;
        until = until.filter(|until| since <= *until);
        bounds.updated_min = Some(own.updated_min.map_or(since, |min| min.max(since)));
        bounds.updated_max = [own.updated_max, until].into_iter().flatten().min();
    }
    let is_cut = own.updated_min.is_some() || own.updated_max.is_some();
    Plan { bounds, promise: Promise { since: bookmark, until, is_cut } }
}

impl Promise {
    /// The bookmark to hand out at the scan's end, once its first answer has come; `None` for a
    /// scan that the caller cut.
    ///
    /// # Errors
    /// [`Future`]: nothing that the scan would read can be trusted.
    pub fn kept(&self, served: Option<Served>) -> Result<Option<i64>, Future> {
        let is_future = match (self.since, served) {
            (Some(since), Some(served)) => since > served.came,
            (_, None) => self.until.is_none(),
            (None, Some(_)) => false,
        };
        if is_future {
            return Err(Future);
        }
        let theirs = served.map(|served| served.made - LAG);
        let until = [self.until, theirs].into_iter().flatten().min();
        // Never back: a clock set back must not make a promise smaller than the last one.
        Ok(until.max(self.since).filter(|_| !self.is_cut))
    }
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
        assert_eq!(plan.promise.kept(None), Ok(Some(NOW - 60)));
    }

    /// An answer that was made at `made` and came from no cache.
    fn at(made: i64) -> Option<Served> {
        Some(Served { made, came: made })
    }

    #[test]
    fn an_incremental_scan_overlaps_and_lags() {
        let plan = plan(NOW, Some(NOW - 3600), Bounds::default());
        assert_eq!(plan.bounds.updated_min, Some(NOW - 3600 - 600));
        assert_eq!(plan.bounds.updated_max, Some(NOW - 60));
        assert_eq!(plan.promise.kept(None), Ok(Some(NOW - 60)));
    }

    #[test]
    fn scans_in_a_row_leave_no_gap() {
        let first = plan(NOW, None, Bounds::default()).promise.kept(None).unwrap();
        let second = plan(NOW + 5, first, Bounds::default());
        let third = plan(NOW + 3605, second.promise.kept(None).unwrap(), Bounds::default());
        assert!(second.bounds.updated_min <= first);
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
            assert_eq!(plan.promise.kept(at(NOW)), Ok(None));
        }
        let full = plan(NOW, None, own(Some(5), Some(9)));
        assert_eq!((full.bounds.updated_min, full.bounds.updated_max), (Some(5), Some(9)));
        assert_eq!(full.promise.kept(at(NOW)), Ok(None));
    }

    #[test]
    fn crossed_bounds_hold_nothing() {
        assert!(plan(NOW, Some(NOW - 60), own(None, Some(NOW - 900))).bounds.is_empty());
        assert!(!plan(NOW, Some(NOW - 60), Bounds::default()).bounds.is_empty());
    }

    /// The earlier of both clocks, and never before what was promised.
    #[test]
    fn nothing_is_promised_beyond_either_clock() {
        let kept = |bookmark, served| plan(NOW, bookmark, Bounds::default()).promise.kept(served);
        let (old, ten_days) = (NOW - 3600, 10 * 86_400);
        for bookmark in [None, Some(old)] {
            assert_eq!(kept(bookmark, at(NOW - 1800)), Ok(Some(NOW - 1860)), "host ahead");
            assert_eq!(kept(bookmark, at(NOW + 1800)), Ok(Some(NOW - 60)), "host behind");
            assert_eq!(kept(bookmark, at(NOW + ten_days)), Ok(Some(NOW - 60)), "an odd date");
            let cached = Some(Served { made: NOW - 600, came: NOW });
            assert_eq!(kept(bookmark, cached), Ok(Some(NOW - 660)), "a cache");
        }
        let cached = Some(Served { made: old - 600, came: NOW });
        assert_eq!(kept(Some(old), cached), Ok(Some(old)), "never back");
    }

    #[test]
    fn a_bookmark_in_the_future_is_refused_by_the_answer_not_by_a_clock_that_may_be_behind() {
        for ahead in [1, 600, 10 * 86_400] {
            let plan = plan(NOW, Some(NOW + ahead), Bounds::default());
            assert!(!plan.bounds.is_empty());
            assert_eq!(plan.promise.kept(at(NOW)), Err(Future), "{ahead}");
            // The host is behind.
            let theirs = NOW + ahead + 60;
            assert_eq!(plan.promise.kept(at(theirs)), Ok(Some(NOW + ahead)), "{ahead}");
        }
        // The host is ahead as well, as it was when the bookmark was made.
        let plan_of = |bookmark| plan(NOW, Some(bookmark), Bounds::default());
        assert_eq!(plan_of(NOW - 60).promise.kept(at(NOW - 1800)), Err(Future));
        // Nobody else tells the time.
        assert_eq!(plan_of(NOW + 540).promise.kept(None), Ok(Some(NOW + 540)));
        assert_eq!(plan_of(NOW + 541).promise.kept(None), Err(Future));
        assert_eq!(plan_of(NOW + 541).bounds.updated_max, None);
    }
}
