//! What happened to a connection, to be read by people long after.
//!
//! An entry is written in the transaction that did what it tells, and what it tells is decided by
//! [`entries`], from what was there before and what is there after. Nobody has to remember to write
//! one, and none tells of what was undone.
//!
//! | what | is kept |
//! |---|---|
//! | entries | [`crate::retention::JOURNAL_MS`] |
//! | ordinary reads that changed something | each on its own for [`crate::retention::SYNCS_MS`], then as part of the row of their day and object |
//! | ordinary reads that changed nothing | as part of that row from the start |
//! | failures in a row | the first, and each that fails for another reason |

pub mod entries;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Answer;
use crate::words::words;

/// Members of an entry, by their names.
pub type Data = BTreeMap<String, Value>;

/// Keeps what happened to connections.
pub trait Journal: Send + Sync {
    /// Entries of a connection with numbers below `before`, newest first, at most `limit`: of these
    /// kinds, or of all where none is given.
    fn journal(
        &self,
        connection: &str,
        kinds: Vec<JournalKind>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<JournalRow>>;
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    /// Counts up; some are skipped.
    pub number: u64,
    /// Id of the connection.
    pub connection: String,
    /// When it happened, in milliseconds since 1970-01-01T00:00:00Z; of a day's reads, the last of them.
    pub at_ms: u64,
    /// What happened.
    pub kind: JournalKind,
    /// To which object, where it is about one.
    pub object: Option<String>,
    /// Who did it: the command, and the user who ran it. Nobody did what happened by itself.
    pub by: Option<String>,
    /// What more there is to say; see [`JournalKind`].
    pub data: Data,
}

words! {
    /// What happened to a connection, with the members of its [`JournalRow::data`].
    pub enum JournalKind {
        /// It was made: `connector`, `scheme`, `name`.
        Connected = "connected",
        /// It was made anew, with other credentials: `scheme`.
        Reconnected = "reconnected",
        /// `before` and `after`.
        Renamed = "renamed",
        /// A setting: `name`, `before`, `after`; one that was not there has none.
        Setting = "setting",
        /// A version of a secret was put: `name`, `version`.
        SecretSet = "secret-set",
        /// All versions of a secret were erased: `name`.
        SecretRemoved = "secret-removed",
        /// Its key was sealed by another master key.
        KeySealed = "key-sealed",
        /// Tokens were renewed: `epoch`, `expires_ms`.
        GrantRenewed = "grant-renewed",
        /// Renewals were sent and never answered: `sends`.
        GrantUncertain = "grant-uncertain",
        /// The provider ended the grant.
        GrantEnded = "grant-ended",
        /// Its grant was removed.
        GrantRemoved = "grant-removed",
        /// Everything began to be read: `scan`.
        SyncBegun = "sync-begun",
        /// A read ended: `read`, `scan`, `began_ms`, `pages`, `records`, `created`, `updated`,
        /// `deleted`, `restarts`.
        SyncEnded = "sync-ended",
        /// The ordinary reads of a day: `syncs`, and the sums of what [`JournalKind::SyncEnded`] has.
        SyncDay = "sync-day",
        /// A read failed: `error`, `failures`, `retry_ms`.
        SyncFailed = "sync-failed",
        /// A full read did not see too many records, and none was removed: as of
        /// [`JournalKind::SyncEnded`], and `error`.
        SweepAlarm = "sweep-alarm",
        /// What was kept of an object was forgotten.
        Reset = "reset",
        /// Deliveries may be missing: `since_ms`.
        GapOpened = "gap-opened",
        /// What may have been missed has been read: `since_ms`.
        GapClosed = "gap-closed",
        /// A push began: `push`, `mode`, `items`.
        PushBegun = "push-begun",
        /// Its last item was done: `push`, `mode`, `done`, `failed`, `parked`.
        PushEnded = "push-ended",
        /// Somebody decided about conflicts of a push: `push`, `decision`, `items` (their indexes).
        ConflictsDecided = "conflicts-decided",
        /// Events were subscribed to.
        Subscribed = "subscribed",
        /// They were not any more.
        Unsubscribed = "unsubscribed",
    }
}

/// An entry to be written, of a connection at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What happened.
    pub kind: JournalKind,
    /// To which object.
    pub object: Option<String>,
    /// What more there is to say.
    pub data: Data,
    /// When it becomes part of the row of its day.
    pub folds: Folds,
}

/// When an entry becomes part of the row of its day and object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds {
    /// It stays as it is.
    Never,
    /// When it is old.
    Later,
    /// At once.
    Now,
}

/// The day of a time, counted from 1970.
#[must_use]
pub fn day(at_ms: u64) -> u64 {
    at_ms / (24 * 60 * 60 * 1_000)
}

/// The row of a day with one read more.
#[must_use]
pub fn folded(day: Option<Data>, read: &Data) -> Data {
    let mut sums = day.unwrap_or_default();
    let number =
        |data: &Data, name: &str| data.get(name).and_then(Value::as_u64).unwrap_or_default();
    let syncs = number(&sums, "syncs").saturating_add(1);
    for name in ["pages", "records", "created", "updated", "deleted"] {
        let sum = number(&sums, name).saturating_add(number(read, name));
        sums.insert(name.to_owned(), sum.into());
    }
    sums.insert("syncs".to_owned(), syncs.into());
    sums
}
