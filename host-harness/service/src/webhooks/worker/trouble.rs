//! When an event that could not be applied is tried again.

use std::time::Duration;

/// Failed tries after which an event is given up.
pub const TRIES: u32 = 8;
/// The longest wait between two tries.
const CAP: Duration = Duration::from_secs(4 * 3_600);
/// The wait before the second try, and how each one grows. All of them together are less than
/// the 24 hours after which a daily scan with overlap has brought the same news.
const FIRST: Duration = Duration::from_secs(10);
const GROWTH: u32 = 12;

/// How long to wait after so many failed tries, at most: the wait itself is drawn from between
/// nothing and this. `None`: it is given up.
pub fn wait(failed: u32) -> Option<Duration> {
    if failed >= TRIES {
        return None;
    }
    let grown = GROWTH.checked_pow(failed.saturating_sub(1)).unwrap_or(u32::MAX);
    Some(FIRST.saturating_mul(grown).min(CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_end_within_a_day() {
        let waits: Vec<u64> = (1..9).map_while(wait).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [10, 120, 1_440, 14_400, 14_400, 14_400, 14_400]);
        assert!(waits.iter().sum::<u64>() < 24 * 3_600);
        assert_eq!(wait(8), None);
    }
}
