//! What keeps changes until they are handed on.

use crate::Answer;
use crate::mirror::ChangeRow;

/// Keeps, for each target, how far it is in the changes of each connection, and what it did not take.
pub trait Outbox: Send + Sync {
    /// Changes are kept for this target from now on: a new one begins with the next change of each
    /// connection.
    fn begin_target(&self, target: &str) -> Answer<'_, ()>;

    /// Changes that the target has not had, at most `limit`: those of a connection in order, and
    /// between connections in none.
    fn outgoing(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>>;

    /// What was forgotten before the target had it, because it was silent for too long
    /// ([`crate::retention`]). Say so, and go on from there ([`Outbox::taken`]).
    fn missed(&self, target: &str) -> Answer<'_, Vec<Missed>>;

    /// Of each of these connections everything up to the number was taken, but for `parked`, which
    /// is to be tried again.
    fn taken(
        &self,
        target: &str,
        positions: Vec<(String, u64)>,
        parked: Vec<Parked>,
    ) -> Answer<'_, ()>;

    /// Of each record the oldest change that was parked, if it is due, at most `limit`.
    fn due_parked(&self, target: &str, limit: u32) -> Answer<'_, Vec<(Parked, Outgoing)>>;

    /// What came of a parked change: tried again later, or (`None`) done with.
    fn tried(
        &self,
        target: &str,
        connection: &str,
        change: u64,
        again: Option<Parked>,
    ) -> Answer<'_, ()>;

    /// Which of these changes (connection, number) are of records with a parked one.
    fn behind_parked(
        &self,
        target: &str,
        changes: Vec<(String, u64)>,
    ) -> Answer<'_, Vec<(String, u64)>>;
}

/// Changes of a connection that a target will not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Id of the connection.
    pub connection: String,
    /// Its name.
    pub name: String,
    /// Number of the last change that the target had; 0: none.
    pub position: u64,
    /// Up to which number changes are forgotten.
    pub forgotten: u64,
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
    /// Id of its connection.
    pub connection: String,
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
