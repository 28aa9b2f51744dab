//! What keeps changes until they are handed on.

use crate::Answer;
use crate::mirror::ChangeRow;

/// Keeps, for each target, how far it is in the log of changes, and what it did not take.
pub trait Outbox: Send + Sync {
    /// Changes of this target are kept from now on: a new one begins with the next change.
    fn open(&self, target: &str) -> Answer<'_, ()>;

    /// Changes that the target has not seen, in order, at most `limit`.
    fn unseen(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>>;

    /// Everything up to `position` was taken, but for `parked`, which is to be tried again.
    fn seen(&self, target: &str, position: u64, parked: Vec<Parked>) -> Answer<'_, ()>;

    /// Of each record the oldest change that was parked, if it is due, at most `limit`.
    fn due_parked(
        &self,
        target: &str,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(Parked, Outgoing)>>;

    /// What came of a parked change: tried again later, or (`None`) done with.
    fn tried(&self, target: &str, change: u64, again: Option<Parked>) -> Answer<'_, ()>;

    /// Which of these changes are of records with a parked one.
    fn behind_parked(&self, target: &str, changes: Vec<u64>) -> Answer<'_, Vec<u64>>;

    /// Forgets versions that every target has seen.
    fn forget_seen(&self) -> Answer<'_, ()>;
}

/// A change with what it is between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The entry of the log.
    pub change: ChangeRow,
    /// Name of its connection.
    pub connection: String,
    /// The record before; `None` for a new one.
    pub before: Option<String>,
    /// The record after; `None` for one that is gone.
    pub after: Option<String>,
}

/// A change that a target did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its number.
    pub change: u64,
    /// Since when.
    pub since_ms: u64,
    /// Failed tries.
    pub attempts: u32,
    /// When it is tried again.
    pub next_ms: u64,
    /// What the target said.
    pub reason: String,
}
