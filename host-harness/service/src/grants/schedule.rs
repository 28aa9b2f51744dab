//! When a grant is renewed, how long its tokens are used, and how long to wait after a failure.
//!
//! Pure: the time is an argument, in milliseconds since 1970-01-01T00:00:00Z. What is spread by
//! chance is spread by the connection's id, so that asking twice does not roll the dice twice.

use connector_contract::backoff::Backoff;
use connector_state::GrantRow;
use sha2::{Digest as _, Sha256};

const SECOND_MS: u64 = 1_000;
/// A minute.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// An hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;

/// How long the right to renew lasts.
pub const LEASE_MS: u64 = 30 * SECOND_MS;
/// A request for tokens ends within this time, well before its lease.
pub const DEADLINE_MS: u64 = 10 * SECOND_MS;
/// Between two tries when the tokens may be lost and the access token has ended.
pub const PROBE_MS: u64 = 15 * MINUTE_MS;
/// Such tries go on for so long after the access token's end.
pub const PROBES_END_MS: u64 = 7 * 24 * HOUR_MS;
/// Replaced tokens are kept for so long.
pub const PREVIOUS_MS: u64 = 24 * HOUR_MS;

/// Pauses after failed tries; the longest is also the longest that a provider may ask for.
const FAILED: Backoff =
    Backoff::new(&[30 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]);

/// Pauses while an answer may be lost: many providers take the replaced token once more, for a minute
/// to an hour.
pub const LOST: Backoff = Backoff::new(&[
    SECOND_MS,
    2 * SECOND_MS,
    4 * SECOND_MS,
    8 * SECOND_MS,
    16 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
]);

/// A token is renewed so long before its end when it lives for hours ...
const EARLY_MS: u64 = 15 * MINUTE_MS;
/// ... and at least so long before.
const LATEST_MS: u64 = MINUTE_MS;
/// A token is not used in the last moments of its life: a request with it takes time.
const MARGIN_MS: u64 = 30 * SECOND_MS;

/// When the grant's tokens are renewed before they end; `None`: they do not end.
///
/// 80 % of their life or 15 minutes before its end, whichever comes first; for a life of less than
/// half an hour, at its half. Spread by 10 % to both sides, and never in the last minute, or in
/// the last quarter of a life of less than four.
pub fn due_ms(row: &GrantRow) -> Option<u64> {
    let life = life_ms(row)?;
    let early = life.saturating_sub(EARLY_MS).max(life / 2);
    let usual = early.min(life / 5 * 4);
    let latest = life - LATEST_MS.min(life / 4);
    Some(row.received_ms + spread(row, usual).min(latest))
}

/// Until when the access token is used; `None`: it does not end.
pub fn usable_until_ms(row: &GrantRow) -> Option<u64> {
    let margin = MARGIN_MS.min(life_ms(row)? / 10);
    row.expires_ms.map(|end| end.saturating_sub(margin))
}

/// When a renewal is tried again after `row.failures` failed tries: soon while tokens may have been sent
/// and their answer lost. The provider may ask for more by `wait_ms`.
pub fn retry_ms(row: &GrantRow, wait_ms: Option<u64>, now_ms: u64) -> u64 {
    let pauses = if row.sends > 0 { LOST } else { FAILED };
    let pause = spread(row, pauses.pause_ms(row.failures));
    now_ms + pause.max(wait_ms.unwrap_or(0)).min(FAILED.longest_ms())
}

fn life_ms(row: &GrantRow) -> Option<u64> {
    row.expires_ms.map(|end| end.saturating_sub(row.received_ms))
}

/// `ms`, up to 10 % less or more: the same for the same tokens and number of failures.
fn spread(row: &GrantRow, ms: u64) -> u64 {
    let mut digest = Sha256::new();
    digest.update(row.epoch.to_be_bytes());
    digest.update(row.failures.to_be_bytes());
    digest.update(row.connection.as_bytes());
    let [first, second, ..] = <[u8; 32]>::from(digest.finalize());
    let share = u64::from(u16::from_be_bytes([first, second]));
    ms - ms / 10 + ms / 5 * share / u64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grants::protocol::tests::valid;

    fn lives(life_ms: u64) -> GrantRow {
        GrantRow { received_ms: 1_000, expires_ms: Some(1_000 + life_ms), ..valid() }
    }

    /// After how many seconds of a life of so many.
    #[test]
    fn tokens_are_renewed_well_before_their_end() {
        for (life, usual) in
            [(7 * 24 * 3_600, 483_840), (7_200, 5_760), (3_600, 2_700), (1_200, 600), (300, 150)]
        {
            let due = due_ms(&lives(life * SECOND_MS)).unwrap() - 1_000;
            let usual = usual * SECOND_MS;
            assert!(due.abs_diff(usual) <= usual / 10, "{life} s: {due} ms, not {usual}");
        }
        assert_eq!(due_ms(&GrantRow { expires_ms: None, ..valid() }), None);
    }

    #[test]
    fn many_connections_are_not_due_at_once() {
        let due = |id: u32| due_ms(&GrantRow { connection: id.to_string(), ..lives(HOUR_MS) });
        let mut all: Vec<_> = (0..100).map(due).collect();
        all.sort();
        assert!(all[95].unwrap() - all[5].unwrap() > 5 * MINUTE_MS);
    }

    #[test]
    fn the_pauses_grow_and_end() {
        for (failures, pause) in [(1, 30), (2, 60), (3, 120), (4, 300), (5, 900), (4_000, 900)] {
            let row = GrantRow { failures, ..valid() };
            let (got, pause) = (retry_ms(&row, None, 0), pause * SECOND_MS);
            assert!(
                got.abs_diff(pause) <= pause / 10 && got <= 15 * MINUTE_MS,
                "{failures}: {got}"
            );
        }
        let row = GrantRow { failures: 1, ..valid() };
        assert_eq!(retry_ms(&row, Some(7 * MINUTE_MS), 0), 7 * MINUTE_MS);
        assert_eq!(retry_ms(&row, Some(24 * HOUR_MS), 0), 15 * MINUTE_MS);
    }

    #[test]
    fn after_a_lost_answer_many_tries_fit_into_a_minute() {
        let pause = |failures| retry_ms(&GrantRow { sends: 1, failures, ..valid() }, None, 0);
        // The first failure is the lost answer itself.
        assert!((2..=6).map(pause).sum::<u64>() <= MINUTE_MS + 6 * SECOND_MS);
        assert_eq!(retry_ms(&GrantRow { sends: 1, ..valid() }, Some(MINUTE_MS), 0), MINUTE_MS);
    }

    proptest! {
        #[test]
        fn renewal_comes_before_the_last_use(life in 0_u64..40 * 24 * HOUR_MS, id in "[0-9a-f]{32}") {
            let row = GrantRow { connection: id, ..lives(life) };
            let (due, last) = (due_ms(&row).unwrap(), usable_until_ms(&row).unwrap());
            prop_assert!(due <= last, "{due} {last}");
            prop_assert!(due >= row.received_ms + life / 5 * 2);
            prop_assert!(due + MINUTE_MS.min(life / 4) <= row.expires_ms.unwrap());
        }
    }
}
