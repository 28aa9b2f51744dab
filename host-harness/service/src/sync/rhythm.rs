//! What a scan of an object reads, and when it is due. Pure.
//!
//! | how the object stands | read |
//! |---|---|
//! | a full scan is wanted | everything |
//! | a scan was cut | the rest of it |
//! | no bookmark | everything |
//! | the last full scan is `full_every` ago | everything |
//! | the last scan with overlap is a day ago | what changed since 72 hours before |
//! | else | what changed since the bookmark |
//!
//! A time of ours that lies in the future was told by a clock that was set back since: it counts
//! as long ago.

use std::time::Duration;

use connector_contract::backoff::Backoff;
use connector_state::mirror::{ScanKind, ScanRow};

/// A scan with overlap is due after this time.
const OVERLAP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// From when on it reads, in hours before now. Where the oldest bookmark is younger, the next one
/// serves as well: all before it was read by the scan that made it.
pub(super) const OVERLAP_HOURS: [u64; 5] = [72, 48, 24, 1, 0];

/// How often everything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Time between two full scans.
    pub full_every: Duration,
}

impl Default for Rhythm {
    /// A week.
    fn default() -> Self {
        Self { full_every: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

/// How long an object is left alone that failed so many times in a row.
pub(super) const FAILED: Backoff =
    Backoff::new(&[5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000]);
/// A clock that was set back by less makes nobody read more.
const SET_BACK: Duration = Duration::from_secs(60 * 60);

impl Rhythm {
    /// What a scan that begins now reads, when none was cut.
    pub fn kind(&self, row: &ScanRow, now_ms: u64) -> ScanKind {
        if row.bookmark.is_none() || is_past(row.full_ms, self.full_every, now_ms) {
            ScanKind::Full
        } else if is_past(row.overlap_ms, OVERLAP_EVERY, now_ms) {
            ScanKind::Overlap
        } else {
            ScanKind::Incremental
        }
    }

    /// When the object is to be read next, in milliseconds since 1970: `every` after the last
    /// time, later after failures.
    pub fn due_ms(row: &ScanRow, every: Duration, now_ms: u64) -> u64 {
        // The state may have another clock, a little ahead of ours.
        let latest_ms = now_ms.saturating_add(millis(SET_BACK));
        let last = row.completed_ms.filter(|last| *last <= latest_ms);
        let after = last.map_or(0, |last| last.saturating_add(millis(every)));
        match row.retry_ms {
            Some(retry) if row.failures > 0 => {
                let longest = latest_ms.saturating_add(FAILED.longest_ms());
                Some(retry).filter(|retry| *retry <= longest).unwrap_or(0)
            }
            _ if row.running => 0,
            _ => after,
        }
    }
}

fn is_past(last_ms: Option<u64>, every: Duration, now_ms: u64) -> bool {
    let told = last_ms.filter(|last| *last <= now_ms.saturating_add(millis(SET_BACK)));
    told.is_none_or(|last| now_ms.saturating_sub(last) >= millis(every))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60 * 1_000;
    const NOW: u64 = 1_000_000 * HOUR;

    fn row(full_ago: u64, overlap_ago: u64) -> ScanRow {
        ScanRow {
            bookmark: Some("b".to_owned()),
            full_ms: Some(NOW - full_ago),
            overlap_ms: Some(NOW - overlap_ago),
            completed_ms: Some(NOW - HOUR),
            ..ScanRow::new("c", "orders")
        }
    }

    #[test]
    fn each_kind_has_its_time() {
        let rhythm = Rhythm::default();
        let kind = |row: &ScanRow| rhythm.kind(row, NOW);
        assert_eq!(kind(&ScanRow::new("c", "orders")), ScanKind::Full);
        assert_eq!(kind(&row(HOUR, HOUR)), ScanKind::Incremental);
        assert_eq!(kind(&row(24 * HOUR, 24 * HOUR)), ScanKind::Overlap);
        assert_eq!(kind(&row(168 * HOUR - 1, HOUR)), ScanKind::Incremental);
        assert_eq!(kind(&row(168 * HOUR, HOUR)), ScanKind::Full);
        assert_eq!(kind(&ScanRow { bookmark: None, ..row(HOUR, HOUR) }), ScanKind::Full);
        let often = Rhythm { full_every: Duration::from_secs(60) };
        assert_eq!(often.kind(&row(HOUR, HOUR), NOW), ScanKind::Full);
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing() {
        let ahead = NOW + 240 * HOUR;
        let row = ScanRow { completed_ms: Some(ahead), ..row(HOUR, HOUR) };
        assert_eq!(Rhythm::due_ms(&row, Duration::from_secs(300), NOW), 0);
        let failed = ScanRow { failures: 1, retry_ms: Some(ahead), ..row.clone() };
        assert_eq!(Rhythm::due_ms(&failed, Duration::from_secs(300), NOW), 0);
        let rhythm = Rhythm::default();
        let full = ScanRow { full_ms: Some(ahead), ..row.clone() };
        assert_eq!(rhythm.kind(&full, NOW), ScanKind::Full);
        let overlap = ScanRow { overlap_ms: Some(ahead), ..row.clone() };
        assert_eq!(rhythm.kind(&overlap, NOW), ScanKind::Overlap);
        let a_second = ScanRow { full_ms: Some(NOW + 1_000), ..row };
        assert_eq!(rhythm.kind(&a_second, NOW), ScanKind::Incremental);
    }

    #[test]
    fn a_state_whose_clock_is_ahead_of_ours_is_not_read_all_the_time() {
        let every = Duration::from_secs(300);
        let row = ScanRow { completed_ms: Some(NOW + 60_000), ..row(HOUR, HOUR) };
        assert_eq!(Rhythm::due_ms(&row, every, NOW), NOW + 360_000);
        let retry_ms = Some(NOW + 60_000 + 300_000);
        let failed = ScanRow { failures: 9, retry_ms, ..row };
        assert_eq!(Rhythm::due_ms(&failed, every, NOW), NOW + 360_000);
    }

    #[test]
    fn failures_are_left_alone_for_longer_each_time() {
        let every = Duration::from_secs(300);
        let due_ms = |row: &ScanRow| Rhythm::due_ms(row, every, NOW);
        assert_eq!(due_ms(&ScanRow::new("c", "orders")), 0);
        assert_eq!(due_ms(&row(HOUR, HOUR)), NOW - HOUR + 300_000);
        let failed = ScanRow { failures: 2, retry_ms: Some(NOW + 5), ..row(HOUR, HOUR) };
        assert_eq!(due_ms(&failed), NOW + 5);
        let cut = ScanRow { running: true, ..row(HOUR, HOUR) };
        assert_eq!(due_ms(&cut), 0);
        let pauses: Vec<u64> = [1, 2, 3, 7, 99].map(|n| FAILED.pause(n).as_secs()).to_vec();
        assert_eq!(pauses, [5, 10, 20, 300, 300]);
    }
}
