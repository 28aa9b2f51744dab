//! What a store does for pushes.

use super::rows::{Conflict, Decision, IntentRow, IntentState, Outcome, PushRow, Sent};
use crate::Answer;
use crate::mirror::{Applied, Batch};

/// Keeps wishes before they are sent, for all processes of one machine. An answer that came is
/// durable. What is decided stands in [`super::plan`]; each of these may be asked for again after
/// an answer that was lost. All who claim ask for the same length: a claim that lasts longer than
/// one that is made now is taken to be of a clock that was set back ([`crate::Lease`]).
pub trait Intents: Send + Sync {
    /// Begins a run. Nothing of it is worked on before [`Intents::seal`]. Fails with
    /// `StoreError::NoConnection`.
    fn begin(&self, run: PushRow) -> Answer<'_, ()>;

    /// Adds items to a run: to one that is not sealed, or that goes on while it is worked off.
    /// Items that are there already stay as they are. Fails with `StoreError::NoPush`.
    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()>;

    /// All items have been added. If another run of this connection asks for the same (its digest
    /// says so) and has not ended, this one is removed. Answers the one to go on with. Fails with
    /// `StoreError::NoPush`.
    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String>;

    /// Removes a run that was not sealed.
    fn forget(&self, run: &str) -> Answer<'_, ()>;

    /// Removes a run of which nothing was begun ([`super::plan::is_unbegun`]). Answers whether that was so.
    fn discard(&self, run: &str) -> Answer<'_, bool>;

    /// The run with this id.
    fn run(&self, run: &str) -> Answer<'_, Option<PushRow>>;

    /// Runs, oldest first; those of one connection, or all.
    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<PushRow>>;

    /// Items of a run in their order, at most `limit`, those from index `from` on.
    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>>;

    /// Takes an item, and the right to write the record that its key names, for so long. Fails with
    /// `StoreError::NoPush`.
    fn claim(&self, item: &Holder, for_ms: u64) -> Answer<'_, Claimed>;

    /// Takes the right to write one record more for an item that is claimed. Answers for how long
    /// somebody else has it, if so (milliseconds). Fails with `StoreError::TakenOver`.
    fn hold(&self, item: &Holder, key: &str, for_ms: u64) -> Answer<'_, Option<u64>>;

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

    /// Items of a run that wait for a decision, in their order: at most `limit`, those from index
    /// `from` on.
    fn conflicts(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>>;

    /// Decides about items of a run: each is named by its index, with the [`Conflict::theirs`] that
    /// was seen. Answers what came of each. Who asks for many asks for some at a time. Fails with
    /// `StoreError::NoPush`.
    fn decide(
        &self,
        run: &str,
        items: Vec<(u64, [u8; 32])>,
        decision: Decision,
    ) -> Answer<'_, Vec<Decided>>;

    /// All claims of an owner last for so long from now on.
    fn renew(&self, owner: &str, for_ms: u64) -> Answer<'_, ()>;
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
    /// Somebody else writes this record, for so long if nothing more is heard (milliseconds).
    Busy(u64),
    /// It has ended, or waits for a decision.
    Settled(Box<IntentRow>),
}

/// What a decision about an item came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It is kept, and the item goes on with its run.
    Now,
    /// It was decided earlier, and that stays.
    Before(Decision),
    /// The item met another change meanwhile, which nobody has seen yet.
    Changed,
    /// There is nothing to decide about an item in this state.
    NoConflict(IntentState),
    /// The run has no such item.
    NoItem,
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
    /// Somebody else's change that it met, if it is to wait for a decision.
    pub conflict: Option<Conflict>,
}
