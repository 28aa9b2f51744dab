//! What becomes of a mirror's rows: decided here, written by databases.
//!
//! A database reads what a decision needs ([`ids`], [`letters`], then [`bodies`]), [`apply`] decides,
//! and the database writes the [`Plan`] in the same transaction. No database decides anything.
//!
//! | arrives | decided in |
//! |---|---|
//! | records and their ends | `records` by [`super::version`] |
//! | what records hold | `derived` |
//! | what could not be read, and drift | `unread` |
//! | a page's step of its scan, bookmarks; a reset | `scan` |
//! | look-ups that failed | [`fail_look_ups`] |
//! | whether a record has to be derived at all | [`is_unchanged`] |
//! | what becomes of a record in the index of its object, and of counts by value | `work`, `values` |
//! | what becomes of its rules over time | [`super::rules`] |

mod derived;
mod look_ups;
mod records;
mod ruled;
mod scan;
mod unread;
mod values;
mod work;

use std::collections::{BTreeMap, BTreeSet};

pub use self::look_ups::{FailedLookUp, fail_look_ups};
pub use self::records::{apply, bodies, ids, is_unchanged};
pub use self::ruled::tell_rules;
pub use self::scan::reset;
pub use self::unread::letters;
pub use self::values::{CELLS_KEPT, VALUES, ValueMoves, ValueRows, count_new, forgotten};
use super::held::Held;
use super::index::MemberIndex;
use super::rules::{KeptRules, RuleMoves, RuleSettings, RuleTold};
use super::{Applied, ChangeKind, RecordState, ScanRow, Source, Unreadable};

/// So many pointers of drift are told of an object: a provider that uses keys as data would tell
/// new ones without end.
pub const DRIFTS: usize = 200;

/// A version of a record as it is kept, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whether it is still there.
    pub state: RecordState,
    /// The provider's time of change.
    pub updated_at: Option<String>,
    /// SHA-256 of its content; of a deleted one, of what it was.
    pub hash: [u8; 32],
    /// Number of the change that made it so.
    pub change: u64,
    /// Which component derived what it holds ([`super::Batch::deriver`]).
    pub deriver: u64,
    /// How many changes it has had; 0: no version of before is kept.
    pub versions: u32,
    /// The rules over time that hold for it.
    pub rules: KeptRules,
}

/// The content of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// When the provider says that it was made.
    pub created_at: Option<String>,
    /// The record as it came.
    pub data: String,
    /// What it holds.
    pub held: Held,
}

/// A head with the key by which the database finds its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHead {
    /// Meant for the database alone.
    pub row: i64,
    /// The head.
    pub head: Head,
    /// The running full scan has seen it.
    pub seen: bool,
}

/// The index of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptIndex {
    /// What is indexed.
    pub members: MemberIndex,
    /// It has the records with ids up to this one, in their order; `None`: all of them.
    pub built: Option<String>,
    /// What the connection has set of its rules.
    pub settings: RuleSettings,
}

impl KeptIndex {
    /// Whether it has a record of this id, or would have it.
    #[must_use]
    pub fn covers(&self, id: &str) -> bool {
        self.built.as_deref().is_none_or(|built| id <= built)
    }
}

/// A dead letter that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLetter {
    /// Names it.
    pub number: u64,
    /// The newest scan that met it.
    pub scan: Option<u64>,
}

/// What a database has read before a batch is decided on.
#[derive(Debug, Default)]
pub struct Known {
    /// The connection's moment.
    pub moment: u64,
    /// Changes are forwarded to somebody.
    pub forwarded: bool,
    /// The scan of the object.
    pub scan: Option<ScanRow>,
    /// When the newest bookmark was kept that is not of the future.
    pub bookmarked_ms: Option<u64>,
    /// The index of the object.
    pub index: KeptIndex,
    /// Of all that [`ids`] names, what is there.
    pub heads: BTreeMap<String, KeptHead>,
    /// Of all that [`bodies`] names, what is there.
    pub bodies: BTreeMap<String, Body>,
    /// Of all that [`letters`] names, what is there, by their hashes.
    pub letters: BTreeMap<[u8; 32], KeptLetter>,
    /// The drifts of the object, where the batch brings some.
    pub drifts: BTreeSet<String>,
}

/// What is to be written, in this order, in one transaction. An object is meant by its index in
/// `objects`.
#[derive(Debug, Default)]
pub struct Plan {
    /// The object of the batch, then those that are derived from it.
    pub objects: Vec<String>,
    /// The connection's moment from now on.
    pub moment: u64,
    /// In the order of their ids.
    pub records: Vec<PutRecord>,
    /// Of the members that are counted.
    pub values: ValueMoves,
    /// In the order of their numbers.
    pub changes: Vec<PlannedChange>,
    /// What those changes are between, where they are forwarded.
    pub versions: Vec<ChangedVersions>,
    /// What those changes have replaced, to be kept for the history of its record.
    pub packed: Vec<PackedVersion>,
    /// Changes of records that have had many: walk back from each by [`PlannedChange::prior`], pass
    /// over the newest [`super::history::KEPT`] changes, and forget the versions of the next
    /// [`super::history::TRIM_EVERY`].
    pub trims: Vec<u64>,
    /// Changes of before that were our own writes.
    pub ours: Vec<OurChange>,
    /// Look-ups that were answered: forget those added at [`super::Batch::asked`] or before.
    pub answered: BTreeSet<String>,
    /// Records to be looked up, and since which moment.
    pub look_ups: BTreeMap<String, u64>,
    /// What could not be read.
    pub letters: Vec<PutLetter>,
    /// Pointers that were not told before.
    pub drifts: Vec<String>,
    /// Records that the running full scan had not seen.
    pub seen: BTreeSet<String>,
    /// The scan's next position.
    pub scan: Option<ScanRow>,
    /// A bookmark to be kept at this time.
    pub bookmark: Option<String>,
    /// And with it, all but the newest from before this time are forgotten.
    pub bookmarks_until_ms: u64,
    /// How many more records of each object are in each state: live, aged out, deleted.
    pub counts: Vec<[i64; 3]>,
    /// What is answered.
    pub applied: Applied,
}

/// A record as it is from now on.
#[derive(Debug, PartialEq, Eq)]
pub struct PutRecord {
    /// Its id.
    pub id: String,
    /// The database's key of the one that is there.
    pub row: Option<i64>,
    /// Its head.
    pub head: Head,
    /// What becomes of its content.
    pub body: PutBody,
    /// What becomes of it in the index.
    pub moves: Vec<IndexMove>,
    /// What becomes of the rows of its rules.
    pub rules: RuleMoves,
}

/// A record's value of a slot ([`super::index`]) that is another one from now on. It is by its first value
/// that a record enters the index, and by its last that it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexMove {
    /// The slot.
    pub slot: usize,
    /// As it was; `None`: it was not there.
    pub before: Option<String>,
    /// As it is; `None`: it is not there any more.
    pub after: Option<String>,
}

/// What becomes of a record's content.
#[derive(Debug, PartialEq, Eq)]
pub enum PutBody {
    /// It stays as it is.
    Keep,
    /// It is this.
    Put(Body),
    /// There is none any more.
    Remove,
}

impl PlannedChange {
    /// One that is about a whole object.
    pub(in crate::mirror) fn of_object(
        number: u64,
        object: usize,
        kind: ChangeKind,
        members: Vec<String>,
    ) -> Self {
        Self {
            number,
            object,
            id: String::new(),
            kind,
            ours: false,
            source: None,
            delivery: None,
            updated_at: None,
            prior: None,
            previous: None,
            hash: None,
            members,
            rule: None,
        }
    }
}

/// A change to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// Its number.
    pub number: u64,
    /// Index of the object.
    pub object: usize,
    /// Which record; empty: the whole object.
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// It was a write of our own.
    pub ours: bool,
    /// What brought it; of a whole object nothing did.
    pub source: Option<Source>,
    /// Number of the delivery that told of it.
    pub delivery: Option<u64>,
    /// The provider's time of it.
    pub updated_at: Option<String>,
    /// Number of the record's change before this one.
    pub prior: Option<u64>,
    /// Hash of what was there before.
    pub previous: Option<[u8; 32]>,
    /// Hash of what is there now.
    pub hash: Option<[u8; 32]>,
    /// Members that differ.
    pub members: Vec<String>,
    /// Of a rule, what became of it.
    pub rule: Option<RuleTold>,
}

/// What a change is between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedVersions {
    /// Its number.
    pub change: u64,
    /// The record before.
    pub before: Option<String>,
    /// The record after.
    pub after: Option<String>,
}

/// What a change has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedVersion {
    /// Its number.
    pub change: u64,
    /// The record before, by [`super::history::Packer`].
    pub before: Vec<u8>,
}

/// A change of before that turns out to be our own write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OurChange {
    /// The one with this number.
    Number(u64),
    /// The deletions that follow this one, of what the record held.
    HeldAfter(u64, String),
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutLetter {
    /// The one that is there.
    pub number: Option<u64>,
    /// By which it is known.
    pub hash: [u8; 32],
    /// The item.
    pub item: Unreadable,
    /// The newest scan that met it.
    pub scan: Option<u64>,
}
