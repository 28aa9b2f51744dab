//! Look-ups that failed by what their records are.

use crate::mirror::{LOOK_UP_FAILED, LOOK_UP_TRIES, Unreadable};

/// What becomes of a failed look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailedLookUp {
    /// It is tried again.
    Again {
        /// Failed tries.
        tries: u32,
        /// When it is due.
        due_ms: u64,
    },
    /// It is given up: this becomes a dead letter.
    GivenUp(Unreadable),
}

/// Decides on the look-up of `id` that failed `tries` times before, and now because of `reason`.
#[must_use]
pub fn fail_look_ups(id: &str, reason: &str, tries: u32, now_ms: u64) -> FailedLookUp {
    let tries = tries.saturating_add(1);
    if tries < LOOK_UP_TRIES {
        let due_ms = now_ms.saturating_add(LOOK_UP_FAILED.pause_ms(tries));
        return FailedLookUp::Again { tries, due_ms };
    }
    FailedLookUp::GivenUp(Unreadable {
        id: Some(id.to_owned()),
        raw: String::new(),
        reason: format!("asked for {tries} times, and never answered: {reason}"),
    })
}
