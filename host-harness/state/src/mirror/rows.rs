//! The rows of a mirror. Times that end in `_ms` are milliseconds since 1970-01-01T00:00:00Z by
//! the host's clock; `updated_at` and `created_at` are the provider's, RFC 3339.

use connector_contract::backoff::Backoff;

use super::Source;
use super::rules::{RuleCount, RuleTold};
use crate::words::words;

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredRecord {
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Its id.
    pub id: String,
    /// The record that holds it, when its object is derived.
    pub holder: Option<String>,
    /// Whether it is still there.
    pub state: RecordState,
    /// When the provider says that it last changed.
    pub updated_at: Option<String>,
    /// When the provider says that it was made.
    pub created_at: Option<String>,
    /// SHA-256 of `data`; of a deleted one, of what it was.
    pub hash: [u8; 32],
    /// The record, as it came; empty for a deleted one.
    pub data: String,
    /// Number of the change that made it what it is.
    pub change: u64,
}

words! {
    /// Whether a record is still there.
    pub enum RecordState {
        /// It is.
        Live = "live",
        /// Lists no longer show it, because of its age. It was not removed.
        AgedOut = "aged-out",
        /// It was removed. Kept so that something older does not bring it back.
        Deleted = "deleted",
    }
}

/// How many records of an object have which value of each member that is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueCounts {
    /// In the order of the index.
    pub members: Vec<MemberCounts>,
    /// The rules over time, with how many records each is raised for.
    pub rules: Vec<RuleCount>,
    /// The index is still being built, and these are the records that it has so far.
    pub is_partial: bool,
}

/// How many records have which value of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberCounts {
    /// JSON Pointer of the member.
    pub pointer: String,
    /// In the order of the values; the empty text: those that have none.
    pub values: Vec<(String, u64)>,
    /// Records with other values: no more than [`super::plan::VALUES`] are counted on their own.
    pub others: u64,
}

/// An entry of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Counts up, over all connections.
    pub number: u64,
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record; empty for a drift.
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// True when it was a write of our own.
    pub ours: bool,
    /// What brought it; `None` of a whole object.
    pub source: Option<Source>,
    /// Number of the delivery that told of it, where one did.
    pub delivery: Option<u64>,
    /// When it was noticed.
    pub at_ms: u64,
    /// The provider's time of the change.
    pub updated_at: Option<String>,
    /// SHA-256 of what it was before.
    pub previous: Option<[u8; 32]>,
    /// SHA-256 of what it is now.
    pub hash: Option<[u8; 32]>,
    /// Top-level members that differ, sorted; of a drift, the JSON Pointers that are new or changed type.
    pub members: Vec<String>,
    /// Of a rule, which one and what became of it.
    pub rule: Option<RuleTold>,
}

words! {
    /// What happened.
    pub enum ChangeKind {
        /// It was not known before.
        Created = "created",
        /// Its content differs.
        Updated = "updated",
        /// It was removed.
        Deleted = "deleted",
        /// Lists no longer show it, because of its age.
        AgedOut = "aged-out",
        /// Records of this object hold something that its schema does not: told once.
        Drift = "drift",
        /// The object was reset: everything before is void.
        Reset = "reset",
        /// A rule over time was raised or cleared for a record, which itself stayed as it was
        /// ([`super::rules`]).
        Rule = "rule",
    }
}

/// How far the scans of one object are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanRow {
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Number of the newest scan; counts up.
    pub scan: u64,
    /// What it reads; `None` before the first.
    pub kind: Option<ScanKind>,
    /// It is not complete: go on at `cursor`, or from its start where that is `None`.
    pub running: bool,
    /// Where it goes on.
    pub cursor: Option<String>,
    /// And not before this time: the provider is still at work.
    pub not_before_ms: Option<u64>,
    /// When it began.
    pub began_ms: u64,
    /// Pages and records that it has read.
    pub pages: u64,
    /// See `pages`.
    pub records: u64,
    /// Records that it created, updated and deleted, as far as its runs have ended.
    pub created: u64,
    /// See `created`.
    pub updated: u64,
    /// See `created`.
    pub deleted: u64,
    /// Records that lay outside the window that was asked for.
    pub outside: u64,
    /// Times that it began anew because its cursor had expired, without getting further.
    pub restarts: u32,
    /// Something went wrong in it: what it did not see proves nothing.
    pub tainted: bool,
    /// Position between scans; kept as soon as a page hands it out.
    pub bookmark: Option<String>,
    /// Who scans now, and until when.
    pub lease: Option<crate::Lease>,
    /// When the last scan was completed.
    pub completed_ms: Option<u64>,
    /// When the last scan with overlap was completed.
    pub overlap_ms: Option<u64>,
    /// When the last full scan was completed.
    pub full_ms: Option<u64>,
    /// A full scan that is complete and untainted, and not yet swept: what it did not see is to be
    /// looked up. Whoever has done that clears it.
    pub sweep: Option<u64>,
    /// What went wrong last, since the last success.
    pub error: Option<String>,
    /// Failures since the last success.
    pub failures: u32,
    /// Not before this time is it tried again.
    pub retry_ms: Option<u64>,
}

words! {
    /// What a scan reads.
    pub enum ScanKind {
        /// What changed since the bookmark.
        Incremental = "incremental",
        /// What changed since some time before the bookmark.
        Overlap = "overlap",
        /// Everything: what it does not see may be gone.
        Full = "full",
    }
}

impl ScanRow {
    /// Of an object that was never scanned.
    #[must_use]
    pub fn new(connection: &str, object: &str) -> Self {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        Self { connection, object, ..Self::default() }
    }
}

/// Records of one object whose look-ups fail by what these records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingRow {
    /// Of which object.
    pub object: String,
    /// Number of these records.
    pub records: u64,
    /// The one that is asked for next.
    pub id: String,
    /// Failed tries of that one.
    pub tries: u32,
    /// When it is asked for.
    pub due_ms: u64,
    /// Why its last try failed.
    pub reason: String,
}

/// How long to leave a record alone whose look-up failed.
pub const LOOK_UP_FAILED: Backoff = Backoff::new(&[60_000, 300_000, 1_500_000, 7_500_000]);

/// Failed look-ups after which a record is given up.
pub const LOOK_UP_TRIES: u32 = 5;

/// Something that could not be read or applied, kept for a person to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    /// Names it.
    pub number: u64,
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record, if that is known.
    pub id: Option<String>,
    /// As it came.
    pub raw: String,
    /// Why it is here.
    pub reason: String,
    /// Since when.
    pub at_ms: u64,
}
