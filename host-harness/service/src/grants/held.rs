//! The tokens that a process holds, and until when, by a clock that nobody sets.

use std::sync::Arc;
use std::time::Duration;

use connector_runtime::{Current, Tokens};
use connector_state::{GrantRow, GrantState};
use tokio::time::Instant;

use super::schedule::{due_ms, usable_until_ms};

/// The tokens that `row` seals.
pub fn current(row: &GrantRow, tokens: Tokens) -> Current {
    let (tokens, scopes, learned) = (Arc::new(tokens), row.scopes.clone(), row.learned.clone());
    Current { epoch: row.epoch, tokens, scopes, learned }
}

/// Tokens, and when to ask for others.
#[derive(Clone)]
pub struct CachedTokens {
    pub current: Current,
    /// When the row is looked at again; `None`: never.
    ask: Option<Instant>,
    /// Until when the access token is used; `None`: without end.
    until: Option<Instant>,
}

impl CachedTokens {
    /// Holds what `row` has. `again`: look at the row then, whatever it says.
    pub fn new(current: Current, row: &GrantRow, now_ms: u64, again: Option<Duration>) -> Self {
        let now = Instant::now();
        let at = |ms: u64| now.checked_add(Duration::from_millis(ms.saturating_sub(now_ms)));
        let until = usable_until_ms(row);
        let due = if row.state == GrantState::Valid { due_ms(row) } else { until };
        let erase = row.previous.as_ref().map(|previous| previous.until_ms);
        let ask = match again {
            Some(again) => now.checked_add(again),
            None => due.into_iter().chain(erase).min().and_then(at),
        };
        Self { current, ask, until: until.and_then(at) }
    }

    /// Whether it is time to look at the row.
    pub fn is_due(&self, now: Instant) -> bool {
        self.ask.is_some_and(|ask| ask <= now) || !self.lives(now)
    }

    /// Whether the access token can be used.
    pub fn lives(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
