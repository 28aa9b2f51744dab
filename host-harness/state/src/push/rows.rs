//! The rows of a push. Times are milliseconds since 1970-01-01T00:00:00Z.

use super::intents::Holder;
use crate::Sealed;
use crate::words::words;

/// One run: what one source asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRow {
    /// Names it: 32 hexadecimal digits.
    pub id: String,
    /// Whose: the id of its row.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// What is asked of each item.
    pub mode: Mode,
    /// First line of its source, which names the columns; only of CSV.
    pub header: Option<String>,
    /// SHA-256 of all that it asks for, once its source has been read to the end. Until then
    /// nothing of it is sent.
    pub digest: Option<[u8; 32]>,
    /// When it was made.
    pub made_ms: u64,
    /// When the last of its items was done.
    pub ended_ms: Option<u64>,
    /// How many of its items are where.
    pub counts: IntentCounts,
}

words! {
    /// What is asked of an item.
    pub enum Mode {
        /// That there is a record with these members.
        Upsert = "upsert",
        /// That a record is made.
        Create = "create",
        /// That a record is changed.
        Update = "update",
        /// That a record is gone.
        Delete = "delete",
    }
}

/// One item: kept before anything of it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentRow {
    /// Which run.
    pub run: String,
    /// Its place among the items of its source, from 0.
    pub index: u64,
    /// Its line in the source, from 1.
    pub line: u64,
    /// Names the record, as far as the item tells: one write at a time for each.
    pub key: String,
    /// What is wished, with its write-only members sealed; `None` once it is done, and of one
    /// that could not be read.
    pub input: Option<String>,
    /// The item as it came, sealed; `None` where `input` says the same.
    pub raw: Option<Sealed>,
    /// Where it stands.
    pub state: IntentState,
    /// The write that was begun, which may have been applied.
    pub sent: Option<Sent>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The record.
    pub id: Option<String>,
    /// Why it failed, or is parked.
    pub error: Option<String>,
    /// Times that it was tried.
    pub attempts: u32,
    /// Somebody else's change that it met, until it ends.
    pub conflict: Option<Conflict>,
    /// Since when it waits for a decision about that.
    pub conflict_ms: Option<u64>,
    /// What was decided about it last.
    pub decision: Option<Decision>,
}

impl IntentRow {
    /// Whether there is nothing to do for it: it has ended, or waits for a decision.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let has_ended = matches!(self.state, IntentState::Done | IntentState::Failed);
        has_ended || self.conflict_ms.is_some()
    }
}

/// Somebody else's change of the record that an item was to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// For people, as JSON: of each member what was seen, what stands there and what would be written.
    /// Empty once it is decided.
    pub members: String,
    /// SHA-256 of the record as it stood there.
    pub theirs: [u8; 32],
}

words! {
    /// What becomes of an item that met somebody else's change.
    pub enum Decision {
        /// It is written all the same, if the record still is what was decided about.
        Ours = "ours",
        /// Their change stays: the item ends as [`Outcome::Skipped`].
        Theirs = "theirs",
    }
}

words! {
    /// Where an intent stands.
    #[derive(Default)]
    pub enum IntentState {
        /// Nothing of it was sent.
        #[default]
        Pending = "pending",
        /// Something may have been sent, and its end is not known.
        Sending = "sending",
        /// It is as wished.
        Done = "done",
        /// It cannot be told whether it was applied, so it is looked at again later; or it waits for a
        /// decision about somebody else's change ([`IntentRow::conflict_ms`]).
        Parked = "parked",
        /// It was not applied.
        Failed = "failed",
    }
}

words! {
    /// A write that was begun.
    pub enum Sent {
        /// Of a new record.
        Create = "create",
        /// Of members of one.
        Update = "update",
        /// The end of one.
        Delete = "delete",
    }
}

words! {
    /// How an item ended that is as wished.
    pub enum Outcome {
        /// It made the record.
        Created = "created",
        /// It changed the record.
        Updated = "updated",
        /// It removed the record.
        Deleted = "deleted",
        /// The answer was lost, and the record is there as wished: made by this, or by another
        /// program at the same time.
        Found = "found",
        /// Nothing had to be done.
        Unchanged = "unchanged",
        /// Somebody else's change was kept ([`super::OnConflict::Theirs`]).
        Skipped = "skipped",
    }
}

/// The right to write a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// Whose record: the id of a connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Names the record.
    pub key: String,
    /// Who has it, for which item.
    pub holder: Holder,
    /// Until when, unless it is renewed.
    pub until_ms: u64,
}

/// Counts of a run's items by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntentCounts {
    /// See [`IntentState::Pending`].
    pub pending: u64,
    /// See [`IntentState::Sending`].
    pub sending: u64,
    /// See [`IntentState::Done`].
    pub done: u64,
    /// See [`IntentState::Parked`].
    pub parked: u64,
    /// See [`IntentState::Failed`].
    pub failed: u64,
}

impl IntentCounts {
    /// Items in all.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.open() + self.done + self.failed
    }

    /// Those of a state.
    pub(super) fn of(&mut self, state: IntentState) -> &mut u64 {
        match state {
            IntentState::Pending => &mut self.pending,
            IntentState::Sending => &mut self.sending,
            IntentState::Done => &mut self.done,
            IntentState::Parked => &mut self.parked,
            IntentState::Failed => &mut self.failed,
        }
    }

    /// Items whose end is not known.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.pending + self.sending + self.parked
    }
}
