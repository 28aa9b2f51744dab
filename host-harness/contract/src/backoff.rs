//! Pauses between failed tries, each at least as long as the one before.
//!
//! | what is tried again | pauses | beside that |
//! |---|---|---|
//! | a call, after something transient | 50 ms, doubled up to 20 s | drawn from between nothing and this |
//! | a call that was asked to slow down | 1 s (4 s where it was not told how long), doubled up to 20 s | as long as was asked for at least; the upper half |
//! | an object's scan | 5 s, doubled up to 5 min | |
//! | a record's look-up | 1 min, five times as long each, up to 2 h | given up after five tries |
//! | an item of a push | 2 s, doubled up to 30 s | as long as was asked for, within that; left for the next time after five tries |
//! | an event of a delivery | 10 s, 2 min, 24 min, 4 h | drawn from between nothing and this; given up after eight tries |
//! | a target of changes | 1 s, doubled up to 5 min | as long as it asks for at least, within 1 h |
//! | a change that is not taken while others are | 5 s, four times as long each, up to 4 h | parked after a week |
//! | a job of a supervisor | 1 s, doubled up to 1 min | begins with the first again after five good minutes |
//! | a grant's renewal | 30 s, 1, 2, 5, 15 min | as long as was asked for, within 15 min; 10 % more or less by the connection's id |
//! | a grant's renewal after a lost answer | 1, 2, 4, 8, 16, 30 s, 1, 2, 5, 15 min | the same |

use std::time::Duration;

/// Pauses in milliseconds, the first one first; the last one is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff(&'static [u64]);

impl Backoff {
    /// These pauses, in milliseconds.
    pub const fn new(pauses_ms: &'static [u64]) -> Self {
        Self(pauses_ms)
    }

    /// The pause after so many failures in a row, in milliseconds.
    pub fn pause_ms(&self, failures: u32) -> u64 {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(index).copied().unwrap_or_else(|| self.longest_ms())
    }

    /// The pause after so many failures in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        Duration::from_millis(self.pause_ms(failures))
    }

    /// The longest pause, in milliseconds.
    pub fn longest_ms(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// The longest pause.
    pub fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pause_is_repeated() {
        let backoff = Backoff::new(&[10, 200]);
        let pauses = [0, 1, 2, 3, u32::MAX].map(|failures| backoff.pause_ms(failures));
        assert_eq!(pauses, [10, 10, 200, 200, 200]);
    }
}
