//! What a run did.

use connector_state::mirror::{Applied, ScanKind};
use schemars::JsonSchema;
use serde::Serialize;

/// How a run ended that met no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullOutcome {
    /// The object is up to date.
    Done(Box<PullReport>),
    /// Another process or task reads the object, and its lease holds until then (milliseconds
    /// since 1970). Nothing was done.
    Busy {
        /// Until when, at least.
        until_ms: u64,
    },
}

/// What a run read, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Which object.
    pub object: String,
    /// What was read; `None` when only a sweep was left to do.
    pub kind: Option<ScanKind>,
    /// It went on where an earlier run had been cut.
    pub resumed: bool,
    /// Times that it began anew because a cursor or bookmark was no longer accepted.
    pub restarts: u32,
    /// Why it did so last.
    pub restarted: Option<String>,
    /// Pages read.
    pub pages: u64,
    /// Records read.
    pub records: u64,
    /// Records that lay outside the window that was asked for; applied all the same.
    pub outside: u64,
    /// Records that were asked for one by one, because a page could not decide on them.
    pub looked_up: u64,
    /// Such records that stay to be asked for: too young for "not found" to prove anything.
    pub open: u64,
    /// Records that could not be had by their own fault, and are asked for again later.
    pub refused: u64,
    /// What was applied, all in all. `look_up` is empty.
    pub applied: Applied,
    /// What the sweep did, if one was due.
    pub swept: Option<Swept>,
}

impl PullReport {
    /// Whether it read, from its beginning, more than what changed since the bookmark.
    pub fn overlaps(&self) -> bool {
        !self.resumed && matches!(self.kind, Some(ScanKind::Overlap | ScanKind::Full))
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Swept {
    /// Live records that the full scan had not seen, those that aged out apart.
    pub nominated: u64,
    /// Live records before it.
    pub live: u64,
    /// Those of `nominated` that the provider still has.
    pub found: u64,
    /// Those that are too young to be judged.
    pub young: u64,
    /// Removed.
    pub deleted: u64,
    /// Found to be beyond the provider's lists.
    pub aged_out: u64,
    /// More were nominated than can be believed; none was removed.
    pub alarm: bool,
    /// Those that could not be had by their own fault, and are asked for again later.
    pub refused: u64,
}

impl PullReport {
    /// Adds what came of a batch.
    pub(super) fn add(&mut self, applied: &Applied) {
        let all = &mut self.applied;
        all.created += applied.created;
        all.updated += applied.updated;
        all.deleted += applied.deleted;
        all.aged_out += applied.aged_out;
        all.unchanged += applied.unchanged;
        all.stale += applied.stale;
        all.derived += applied.derived;
        all.unreadable += applied.unreadable;
        all.unseen += applied.unseen;
        all.newest = all.newest.max(applied.newest);
    }
}
