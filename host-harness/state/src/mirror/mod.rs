//! What is known of the provider's records: their newest versions, the log of their changes, and
//! how far each scan has come.
//!
//! Whatever brings records (a page, a lookup, a delivery, the answer to a write of ours) becomes a
//! [`Batch`], and [`Mirror::apply`] commits it whole: records, changes and the scan's position in
//! one transaction. Which version wins is one pure rule, [`version::decide`], so that the order of
//! arrival does not matter and a repeat changes nothing.

pub mod analytics;
mod batch;
pub mod differences;
pub mod gone;
pub mod held;
pub mod history;
pub mod index;
pub mod list;
mod members;
mod node;
pub mod plan;
pub mod raised;
mod rows;
pub mod rules;
pub mod version;

pub use self::analytics::Analytics;
pub use self::batch::{Applied, Batch, Derived, ScanStep, Source, hash_of};
pub use self::history::{Content, HistoryRow};
pub use self::index::{IndexedMember, MemberIndex};
pub use self::list::{Filter, ListPage, ListQuery, Test};
pub use self::rows::{
    ChangeKind, ChangeRow, DeadLetterRow, FailingRow, LOOK_UP_FAILED, LOOK_UP_TRIES, MemberCounts,
    MirroredRecord, RecordState, ScanKind, ScanRow, ValueCounts,
};
pub use self::rules::{RuleCount, RuleSettings, RuleTold, RuleView};

use crate::Answer;
pub use connector_contract::records::Unreadable;

/// Decides on a scan as it is now, under the database's lock and at its time (milliseconds since 1970):
/// the row to put in its place, or `None` to leave it. It may be asked again.
pub type ScanChange = Box<dyn Fn(&ScanRow, u64) -> Option<ScanRow> + Send + Sync>;

/// Keeps records for all processes of one machine, as [`crate::Store`] keeps connections.
pub trait Mirror: Send + Sync {
    /// A number that every change of the connection counts up. What is asked of the provider after
    /// this is at least as new as everything that is kept of the connection now: no clock is compared.
    fn moment(&self, connection: &str) -> Answer<'_, u64>;

    /// The moment of every connection of which anything is kept.
    fn moments(&self) -> Answer<'_, Vec<(String, u64)>>;

    /// Commits a batch, or nothing of it. Fails with [`crate::StoreError::Superseded`] when its scan's lease
    /// is no longer held, with [`crate::StoreError::NoConnection`], and with [`crate::StoreError::ChangedMeanwhile`]
    /// when a record that was not derived has to be.
    fn apply(&self, batch: Batch) -> Answer<'_, Applied>;

    /// Which of these records (id, and SHA-256 of the content) are kept as they are, with what
    /// `deriver` derives from them: nothing has to be derived of these.
    fn unchanged(
        &self,
        connection: &str,
        object: &str,
        deriver: u64,
        records: Vec<(String, [u8; 32])>,
    ) -> Answer<'_, Vec<bool>>;

    /// Records of an object that no batch could decide on and that are due, the longest due first, at
    /// most `limit`: look each one up, and apply the answer ([`Source::Lookup`]: as a record or as
    /// deleted), which takes it off this list.
    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>>;

    /// Keeps that the look-ups of these records (id, and why) failed by what the records are.
    /// Each is due again after [`LOOK_UP_FAILED`]; one that is given up becomes a dead letter and
    /// leaves the list. Answers how many dead letters are new.
    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64>;

    /// What [`Mirror::fail_look_ups`] keeps, one row for each object.
    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>>;

    /// One record, in whatever state.
    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>>;

    /// What became of a record, newest change first, at most `limit`, with what each change is between as
    /// far as that is kept ([`history`]). Of a derived record that is gone nothing is known.
    fn history(
        &self,
        connection: &str,
        object: &str,
        id: &str,
        limit: u32,
    ) -> Answer<'_, Vec<HistoryRow>>;

    /// Live and aged-out records in the order of their ids, at most `limit`, those after `after`;
    /// derived ones in the order of their holders' ids, then of their own.
    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>>;

    /// Live and aged-out records of an object that is not derived, filtered and sorted. By the index of the
    /// object, where that is complete; else every record is read. Fails with
    /// [`crate::StoreError::NotIndexed`], [`crate::StoreError::NoCursor`] and
    /// [`crate::StoreError::Derived`].
    fn list(&self, query: ListQuery) -> Answer<'_, ListPage>;

    /// Says which members of the objects of a connector are indexed; of those that are not named, none. An
    /// index that changes is built again, piece by piece ([`crate::Store::maintain`]).
    fn set_indexes(&self, connector: &str, indexes: Vec<(String, MemberIndex)>) -> Answer<'_, ()>;

    /// How many live and aged-out records of an object have which value of each member that is counted. These
    /// counts move with the records: nothing is counted anew.
    fn value_counts(&self, connection: &str, object: &str) -> Answer<'_, ValueCounts>;

    /// What became of the live and aged-out records of an object, and how carriers and lanes perform, where
    /// the index says by which members.
    fn analytics(&self, connection: &str, object: &str) -> Answer<'_, Analytics>;

    /// Raises the rules over time of an object that are due ([`rules`]), of at most `limit` records. Answers of how
    /// many records rules were looked at: when those were `limit`, there may be more. Ask when the object is up to
    /// date: what has not been read yet may clear a rule.
    fn wake_rules(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, u32>;

    /// What a connection has set of its rules.
    fn rule_settings(&self, connection: &str) -> Answer<'_, RuleSettings>;

    /// Sets a rule of a connection: after how many days it is due, `None`: never; without a setting, the view file
    /// holds again. What is due when is found out anew while indexes are built again ([`crate::Store::maintain`]).
    /// Fails with [`crate::StoreError::NoConnection`].
    fn set_rule(
        &self,
        connection: &str,
        rule: &str,
        setting: Option<Option<u32>>,
    ) -> Answer<'_, ()>;

    /// Changes of a connection with a number greater than `since`, in order, at most `limit`. 0 begins
    /// with the oldest one that is kept; from any other number that is no longer kept, it fails with
    /// [`crate::StoreError::Forgotten`]. Numbers count up for each connection, in the order of commits;
    /// between connections there is no order.
    fn changes(&self, connection: &str, since: u64, limit: u32) -> Answer<'_, Vec<ChangeRow>>;

    /// Up to which change of each connection a consumer has come; 0 where nothing is said.
    fn positions(&self, consumer: &str) -> Answer<'_, Vec<(String, u64)>>;

    /// Keeps a consumer's position in the changes of a connection.
    fn set_position(&self, consumer: &str, connection: &str, number: u64) -> Answer<'_, ()>;

    /// Forgets how far a consumer has come in every connection. Answers whether there was anything.
    fn forget_consumer(&self, consumer: &str) -> Answer<'_, bool>;

    /// Forgets some of the changes of a connection that are older than `age_ms`, read or not. Answers
    /// how many there were: ask until that is none.
    fn prune_changes(&self, connection: &str, age_ms: u64) -> Answer<'_, u64>;

    /// How far each object of a connection is.
    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>>;

    /// Lets `change` decide on an object's scan as it is now, under the database's lock, and
    /// commits what it answers (`None` leaves it). A row that is not there yet is given as
    /// [`ScanRow::new`]. Answers the row as it is afterwards. This begins, leases, fails and ends scans.
    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow>;

    /// The newest bookmark of an object that a scan had which was completed so long ago or longer;
    /// `None` when all are younger. A scan from it overlaps what has been read since then. One an
    /// hour is kept, for two weeks; the newest of those that are older stays.
    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        age_ms: u64,
    ) -> Answer<'_, Option<String>>;

    /// Live records of an object that the full scan `scan` has not seen, in the order of their
    /// ids, at most `limit`, those after `after`.
    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>>;

    /// How many live records of an object the full scan `scan` has not seen, and how many there are.
    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)>;

    /// What could not be read or applied, oldest first.
    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>>;

    /// Removes a dead letter. Answers whether it was there.
    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool>;

    /// Forgets everything of an object and of those derived from it: records, scan, bookmarks,
    /// look-ups; the change log stays, and says so. Scans go on counting. What was there is erased
    /// piece by piece ([`crate::Store::maintain`]).
    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()>;

    /// Records of an object by state: live, aged out, deleted. Of derived ones that are gone none is
    /// kept.
    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)>;
}
