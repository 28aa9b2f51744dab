//! Whose fault a failed call about one record or event is.

use std::time::Duration;

use connector_contract::types::ErrorKind;

use crate::{CallError, Stop};

/// However long a limit lasts, its end is looked for so often.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);

/// Whose fault it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Blame {
    /// The item's, or the connector's with it: others are answered, and the try counts.
    Item,
    /// The world's: try again then, however often that is.
    World(Duration),
}

/// Judges a failed call.
pub fn blame(error: &CallError) -> Blame {
    let seconds = |seconds| Blame::World(Duration::from_secs(seconds));
    let wait = |ms: Option<u32>, else_ms| {
        Duration::from_millis(u64::from(ms.unwrap_or(else_ms).max(1_000)))
    };
    match error {
        CallError::Connector(error) => match &error.kind {
            ErrorKind::RateLimited(ms) => Blame::World(wait(*ms, 30_000).min(LONGEST)),
            ErrorKind::QuotaExhausted(ms) => Blame::World(wait(*ms, 3_600_000)),
            ErrorKind::Unavailable | ErrorKind::OutcomeUnknown => seconds(30),
            ErrorKind::Unauthenticated => seconds(300),
            _ => Blame::Item,
        },
        CallError::Paused(paused) => Blame::World(paused.left.max(Duration::from_secs(1))),
        CallError::Stopped { reason: Stop::NoInstance(_), .. } => seconds(5),
        CallError::Stopped { .. } | CallError::TooLarge => Blame::Item,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_costs_no_try() {
        let failed = |kind| CallError::Connector(crate::error(kind, "no"));
        assert_eq!(blame(&failed(ErrorKind::Unavailable)), Blame::World(Duration::from_secs(30)));
        let limited = failed(ErrorKind::RateLimited(Some(7_000)));
        assert_eq!(blame(&limited), Blame::World(Duration::from_secs(7)));
        for kind in [ErrorKind::Forbidden, ErrorKind::Internal, ErrorKind::InvalidInput(vec![])] {
            assert_eq!(blame(&failed(kind)), Blame::Item);
        }
        let trapped = Stop::Trapped("unreachable".to_owned());
        assert_eq!(blame(&CallError::Stopped { reason: trapped, wrote: false }), Blame::Item);
    }
}
