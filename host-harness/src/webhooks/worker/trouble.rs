//! What to do about an event that could not be applied.

use std::time::Duration;

use crate::runtime::bindings::types::ErrorKind;
use crate::runtime::{CallError, Stop};

/// Failed tries after which an event is given up.
pub const TRIES: u32 = 8;
/// The longest wait between two tries.
const CAP: Duration = Duration::from_secs(4 * 3_600);
/// The wait before the second try, and how each one grows. All of them together are less than
/// the 24 hours after which a daily scan with overlap has brought the same news.
const FIRST: Duration = Duration::from_secs(10);
const GROWTH: u32 = 12;

/// Whose fault it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The event's, or the connector's with it: the try counts.
    Event,
    /// The world's: try again then, however often that is.
    World(Duration),
}

/// Judges a failed call.
pub fn judge(error: &CallError) -> Trouble {
    let seconds = |seconds| Trouble::World(Duration::from_secs(seconds));
    match error {
        CallError::Connector(error) => match &error.kind {
            ErrorKind::RateLimited(wait) => {
                let wait = Duration::from_millis(u64::from(wait.unwrap_or(30_000).max(1_000)));
                Trouble::World(wait.min(CAP))
            }
            ErrorKind::Unavailable | ErrorKind::OutcomeUnknown => seconds(30),
            ErrorKind::Unauthenticated => seconds(300),
            _ => Trouble::Event,
        },
        CallError::Stopped { reason: Stop::NoInstance(_), .. } => seconds(5),
        CallError::Stopped { .. } | CallError::TooLarge => Trouble::Event,
    }
}

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

    #[test]
    fn an_outage_costs_no_try() {
        let failed = |kind| CallError::Connector(crate::runtime::error(kind, "no"));
        assert_eq!(judge(&failed(ErrorKind::Unavailable)), Trouble::World(Duration::from_secs(30)));
        let limited = failed(ErrorKind::RateLimited(Some(7_000)));
        assert_eq!(judge(&limited), Trouble::World(Duration::from_secs(7)));
        for kind in [ErrorKind::Forbidden, ErrorKind::Internal, ErrorKind::InvalidInput(vec![])] {
            assert_eq!(judge(&failed(kind)), Trouble::Event);
        }
        let trapped = Stop::Trapped("unreachable".to_owned());
        assert_eq!(judge(&CallError::Stopped { reason: trapped, wrote: false }), Trouble::Event);
    }
}
