//! What a store does for pushes.

use super::rows::{IntentCounts, IntentRow, IntentState, Outcome, PushRow, Sent};
use crate::Answer;
use crate::mirror::{Applied, Batch};

/// Keeps wishes before they are sent, for all processes of one machine. An answer that came is
/// durable.
pub trait Intents: Send + Sync {
    /// Begins a run. Nothing of it is worked on before [`Intents::seal`].
    fn begin(&self, run: PushRow) -> Answer<'_, ()>;

    /// Adds items to a run: to one that is not sealed, or that goes on while it is worked off.
    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()>;

    /// All items have been added. If another run of this connection asks for the same (its digest
    /// says so) and has not ended, this one is removed. Answers the one to go on with.
    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String>;

    /// Removes a run that was not sealed.
    fn forget(&self, run: &str) -> Answer<'_, ()>;

    /// Runs, oldest first, with the counts of their items; those of one connection, or all.
    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<(PushRow, IntentCounts)>>;

    /// Items of a run in their order, at most `limit`, those from index `from` on.
    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>>;

    /// Takes an item, and the right to write the record that its key names, until `until_ms`.
    fn claim(&self, item: &Holder, until_ms: u64) -> Answer<'_, Claimed>;

    /// Takes the right to write one record more for an item that is claimed. Answers since when
    /// somebody else has it until, if so.
    fn hold(&self, item: &Holder, key: &str, until_ms: u64) -> Answer<'_, Option<u64>>;

    /// Notes that a write is about to be sent. Fails with `StoreError::TakenOver` when the claim
    /// has been taken over.
    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()>;

    /// Ends an item, gives its claims back, and commits what its answer told with it: all of that
    /// or nothing. Ends the run with its last item. Fails with `StoreError::TakenOver` when the
    /// claim has been taken over.
    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>>;

    /// Moves the end of all claims of an owner.
    fn renew(&self, owner: &str, until_ms: u64) -> Answer<'_, ()>;

    /// Removes runs that ended before `before_ms`, and those that were never sealed and made
    /// before it.
    fn prune(&self, before_ms: u64) -> Answer<'_, ()>;
}

/// Who works on an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which run.
    pub run: String,
    /// Which item of it.
    pub index: u64,
    /// Who: unique to one process's work on a run.
    pub owner: String,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours, as it stands.
    Ours(Box<IntentRow>),
    /// Somebody else writes this record, until then if nothing more is heard.
    Busy(u64),
    /// It has ended.
    Ended(Box<IntentRow>),
}

/// How an item ended, or stopped for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentEnd {
    /// Where it stands now.
    pub state: IntentState,
    /// How, when it is as wished.
    pub outcome: Option<Outcome>,
    /// The record.
    pub id: Option<String>,
    /// Why it was not applied, for people.
    pub error: Option<String>,
}
