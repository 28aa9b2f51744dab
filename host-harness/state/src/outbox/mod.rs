//! Forwards: to whom changes are handed on, and what keeps changes until they are.
//!
//! A forward has a position in the changes of each connection. Everything up to it was taken, was of
//! no interest, or is [`Undelivered`]: it waits for its next try, or is parked for a person. So a change
//! that is not taken holds up later ones of its own record at most, and those not once it is parked.

pub mod plan;

use std::collections::BTreeSet;

use crate::mirror::ChangeRow;
use crate::{Answer, Sealed};

/// One to whom changes are handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardRow {
    /// Its own for good.
    pub id: String,
    /// For people; no other forward has it.
    pub name: String,
    /// Of whose connections changes are handed on.
    pub connector: String,
    /// Id of the one connection whose changes are; `None`: all of the connector. The forward is
    /// removed with it.
    pub connection: Option<String>,
    /// Scheme, host and port of the target. The rest of its URL may be secret, as a chat's is.
    pub origin: String,
    /// A change is handed on that one of these takes; without any, every one.
    pub filters: Vec<String>,
    /// What is sent, made of a change; `None`: Standard Webhooks.
    pub template: Option<String>,
    /// Whether messages are signed.
    pub is_signed: bool,
    /// The URL and the signing secret.
    pub sealed: Sealed,
    /// Whether changes are handed on now; else they wait.
    pub enabled: bool,
    /// When it was made.
    pub made_ms: u64,
}

/// Keeps forwards, how far each is in the changes of each connection, and what its target did not
/// take. What is asked of a forward that is not there finds and changes nothing.
pub trait Outbox: Send + Sync {
    /// Adds a forward, which begins with the next change of each connection, or replaces the one with
    /// its id, which goes on where it is ([`plan::put`]).
    fn put_forward(&self, forward: ForwardRow) -> Answer<'_, ()>;

    /// Every forward, by name.
    fn list_forwards(&self) -> Answer<'_, Vec<ForwardRow>>;

    /// Removes a forward with all that is kept for it. Its secret is erased on the disk.
    fn remove_forward(&self, forward: &str) -> Answer<'_, ()>;

    /// Takes or extends the right to hand on for this forward, and answers whether that worked.
    fn lease_forward(&self, forward: &str, holder: &str, for_ms: u64) -> Answer<'_, bool>;

    /// How far behind a forward is.
    fn measure_forward(&self, forward: &str) -> Answer<'_, ForwardLag>;

    /// What is to be handed on now: at most `limit` new changes and `limit` that wait for a try.
    fn find_work(&self, forward: &str, limit: u32) -> Answer<'_, ForwardWork>;

    /// Keeps what came of work. A position never goes back.
    fn settle_work(&self, forward: &str, settled: SettledWork) -> Answer<'_, ()>;

    /// Changes that are parked, at most `limit`, by connection and number.
    fn list_parked(&self, forward: &str, limit: u32) -> Answer<'_, Vec<(Undelivered, ChangeRow)>>;

    /// Has parked changes tried again; answers how many there were.
    fn retry_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64>;

    /// Forgets parked changes; answers how many there were.
    fn drop_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64>;
}

/// What is to be handed on, as it is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardWork {
    /// What was forgotten before the target had it. Of these connections there is nothing in
    /// `pending`: they go on once the position is where that ends.
    pub missed: Vec<Missed>,
    /// Changes after the positions: those of a connection in order, and between connections in none.
    pub pending: Vec<Outgoing>,
    /// Which of `pending` (connection and number) are of records with a change that waits for its
    /// next try.
    pub blocked: BTreeSet<(String, u64)>,
    /// Of each record the oldest change that waits for its next try, where that is due.
    pub due: Vec<(Undelivered, Outgoing)>,
    /// How many changes wait for their next try or are parked.
    pub undelivered: u64,
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
pub struct Undelivered {
    /// Id of its connection.
    pub connection: String,
    /// Its number.
    pub change: u64,
    /// Failed tries.
    pub attempts: u32,
    /// When it is tried again; `None`: it is parked.
    pub next_ms: Option<u64>,
    /// What the target said.
    pub reason: String,
}

/// What came of work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettledWork {
    /// Of each of these connections everything up to the number is dealt with.
    pub positions: Vec<(String, u64)>,
    /// Changes that were not taken.
    pub undelivered: Vec<Undelivered>,
    /// Changes (connection and number) that were not taken before, and now were.
    pub delivered: Vec<(String, u64)>,
    /// What went wrong last; `None`: nothing did.
    pub error: Option<String>,
}

/// Which of the parked changes are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichParked {
    /// Those of this connection; `None`: of all.
    pub connection: Option<String>,
    /// Those with these numbers; none: all.
    pub changes: Vec<u64>,
}

impl WhichParked {
    /// Whether this change of this connection is meant.
    #[must_use]
    pub fn is_meant(&self, connection: &str, change: u64) -> bool {
        self.connection.as_ref().is_none_or(|meant| meant == connection)
            && (self.changes.is_empty() || self.changes.contains(&change))
    }
}

/// How far behind a forward is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardLag {
    /// Changes that it has not looked at, at most: numbers may be skipped.
    pub behind: u64,
    /// Changes that wait for their next try.
    pub waiting: u64,
    /// Changes that are parked.
    pub parked: u64,
    /// When the oldest change was noticed that it has not looked at or that waits.
    pub since_ms: Option<u64>,
    /// What went wrong last; `None`: nothing since something was taken.
    pub error: Option<String>,
    /// When that was.
    pub error_ms: Option<u64>,
}
