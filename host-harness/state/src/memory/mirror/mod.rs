//! [`crate::mirror::Mirror`] in memory.

mod apply;
mod calls;
mod found;
mod list;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::apply::apply;
pub(super) use self::list::count_anew;
use super::Rows;
use crate::mirror::held::is_held_by;
use crate::mirror::plan::{Body, ChangedVersions, Head, PlannedChange, PutLetter, ValueRows};
use crate::mirror::{ChangeRow, DeadLetterRow, MemberIndex, RecordState, ScanRow};
use crate::{StoreError, retention};

/// What is known of the records of all connections.
#[derive(Debug, Default, Clone)]
pub struct MirrorTables {
    /// By the connection's id.
    pub(super) of: BTreeMap<String, ConnectionMirror>,
    pub(in crate::memory) letters: u64,
    /// By connector and object.
    pub(in crate::memory) indexes: BTreeMap<(String, String), MemberIndex>,
}

/// That of one connection.
#[derive(Debug, Default, Clone)]
pub(in crate::memory) struct ConnectionMirror {
    pub moment: u64,
    pub forgotten: u64,
    pub(in crate::memory) objects: BTreeMap<String, ObjectRows>,
    pub changes: BTreeMap<u64, ChangeRow>,
    pub versions: BTreeMap<u64, ChangedVersions>,
    /// What changes have replaced, and when.
    pub(in crate::memory) packed: BTreeMap<u64, (u64, Vec<u8>)>,
    /// By the number of a change that of the one before it of the same record.
    pub(in crate::memory) prior: BTreeMap<u64, u64>,
    pub(in crate::memory) letters: BTreeMap<u64, Letter>,
    /// How many records have arrived.
    pub(in crate::memory) arrivals: i64,
    /// Positions of readers, and when they came there.
    pub readers: BTreeMap<Reader, (u64, u64)>,
}

/// Who reads changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reader {
    Consumer(String),
    /// By its id.
    Forward(String),
}

#[derive(Debug, Default, Clone)]
pub(in crate::memory) struct ObjectRows {
    pub(in crate::memory) derived_from: Option<String>,
    pub(in crate::memory) records: BTreeMap<String, (Head, Option<Body>)>,
    pub(in crate::memory) seen: BTreeMap<String, u64>,
    pub(in crate::memory) look_ups: BTreeMap<String, LookUp>,
    pub(in crate::memory) scan: Option<ScanRow>,
    pub(in crate::memory) bookmarks: BTreeMap<u64, String>,
    pub(in crate::memory) drifts: BTreeSet<String>,
    pub(in crate::memory) counts: [i64; 3],
    /// When each record arrived first, as a number that counts up.
    pub(in crate::memory) arrived: BTreeMap<String, i64>,
    pub(in crate::memory) index: MemberIndex,
    pub(in crate::memory) values: ValueRows,
}

#[derive(Debug, Default, Clone)]
pub(in crate::memory) struct LookUp {
    pub(in crate::memory) since: u64,
    pub(in crate::memory) tries: u32,
    pub(in crate::memory) due_ms: u64,
    pub(in crate::memory) reason: String,
}

#[derive(Debug, Clone)]
pub(in crate::memory) struct Letter {
    pub(in crate::memory) row: DeadLetterRow,
    pub(in crate::memory) hash: [u8; 32],
    pub(in crate::memory) scan: Option<u64>,
}

impl Rows {
    fn object(&self, connection: &str, object: &str) -> Option<&ObjectRows> {
        self.mirror.of.get(connection)?.objects.get(object)
    }

    fn make_object(
        &mut self,
        connection: &str,
        object: &str,
    ) -> Result<&mut ObjectRows, StoreError> {
        if !self.store.connections.contains_key(connection) {
            return Err(StoreError::NoConnection(connection.to_owned()));
        }
        let index = self.index_of(connection, object);
        let mirror = self.mirror.of.entry(connection.to_owned()).or_default();
        let new = || ObjectRows { index, ..ObjectRows::default() };
        Ok(mirror.objects.entry(object.to_owned()).or_insert_with(new))
    }
}

impl ConnectionMirror {
    /// Keeps what could not be read or answered, of this object, under this number.
    fn keep_letter(
        &mut self,
        number: u64,
        (connection, object): (&str, &str),
        letter: PutLetter,
        now_ms: u64,
    ) {
        let PutLetter { hash, item, scan, .. } = letter;
        let row = DeadLetterRow {
            number,
            connection: connection.to_owned(),
            object: object.to_owned(),
            id: item.id,
            raw: item.raw,
            reason: item.reason,
            at_ms: now_ms,
        };
        self.letters.insert(number, Letter { row, hash, scan });
    }

    /// Keeps changes of these objects.
    fn log(
        &mut self,
        connection: &str,
        objects: &[String],
        changes: Vec<PlannedChange>,
        now_ms: u64,
    ) {
        for change in changes {
            self.prior.extend(change.prior.map(|prior| (change.number, prior)));
            let row = ChangeRow {
                number: change.number,
                connection: connection.to_owned(),
                object: objects.get(change.object).cloned().unwrap_or_default(),
                id: change.id,
                kind: change.kind,
                ours: change.ours,
                source: change.source,
                delivery: change.delivery,
                at_ms: now_ms,
                updated_at: change.updated_at,
                previous: change.previous,
                hash: change.hash,
                members: change.members,
                rule: change.rule,
            };
            self.changes.insert(row.number, row);
        }
    }

    fn prune(&mut self, before_ms: u64, until: Option<u64>) -> u64 {
        let mut pruned = 0;
        while let Some(first) = self.changes.first_entry() {
            let number = *first.key();
            if first.get().at_ms >= before_ms || until.is_some_and(|until| number > until) {
                break;
            }
            first.remove();
            self.versions.remove(&number);
            self.packed.remove(&number);
            self.prior.remove(&number);
            self.forgotten = number;
            pruned += 1;
        }
        pruned
    }
}

impl ConnectionMirror {
    /// The numbers of a record's changes, from this one back.
    fn back(&self, from: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(from), |number| self.prior.get(number).copied())
    }

    /// Forgets versions that a record had before `skip` changes from this one back.
    fn forget_versions(&mut self, from: u64, skip: u32) {
        let numbers: Vec<u64> = self.back(from).skip(skip as usize).collect();
        for number in numbers {
            self.packed.remove(&number);
        }
    }

    /// Forgets all that a record which was removed was before this change, also what is to be forwarded
    /// of it and of what it held.
    fn forget_removed(&mut self, id: &str, from: u64) {
        self.forget_versions(from, 0);
        for number in self.back(from).collect::<Vec<_>>() {
            let after = self.changes.range(number + 1..);
            let held = after.take_while(|(_, change)| is_held_by(&change.id, id));
            let held: Vec<u64> = held.map(|(number, _)| *number).collect();
            self.versions.retain(|change, _| *change != number && !held.contains(change));
        }
    }

    /// Forgets versions that are too old, and those of records that were removed.
    fn forget_old_versions(&mut self, now_ms: u64) {
        let since_ms = now_ms.saturating_sub(retention::VERSIONS_MS);
        self.packed.retain(|_, (at_ms, _)| *at_ms >= since_ms);
        let since_ms = now_ms.saturating_sub(retention::REMOVED_VERSIONS_MS);
        let mut ended = Vec::new();
        for rows in self.objects.values_mut() {
            for (id, (head, _)) in &mut rows.records {
                let at_ms = self.changes.get(&head.change).map_or(0, |change| change.at_ms);
                if head.state == RecordState::Deleted && at_ms < since_ms {
                    head.versions = 0;
                    ended.push((id.clone(), head.change));
                }
            }
        }
        ended.into_iter().for_each(|(id, number)| self.forget_removed(&id, number));
    }
}

/// Ends the leases on a connection's scans whose holders' names begin so.
pub(super) fn end_leases(rows: &mut Rows, connection: &str, process: &str) {
    let objects = rows.mirror.of.get_mut(connection).into_iter();
    let scans = objects.flat_map(|mirror| mirror.objects.values_mut());
    for scan in scans.filter_map(|object| object.scan.as_mut()) {
        scan.lease.take_if(|lease| lease.attempt.starts_with(process));
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.mirror.of.remove(connection);
}

/// Forgets what is older than is kept.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let had: BTreeMap<String, u64> = rows
        .mirror
        .of
        .keys()
        .map(|connection| (connection.clone(), rows.had_by_all(connection)))
        .collect();
    let undelivered = rows.outbox.undelivered.keys();
    let undelivered: BTreeSet<(String, u64)> =
        undelivered.map(|(_, connection, change)| (connection.clone(), *change)).collect();
    for (connection, mirror) in &mut rows.mirror.of {
        let silent_ms = now_ms.saturating_sub(retention::SILENT_MS);
        let active = mirror.readers.values().filter(|(_, moved_ms)| *moved_ms > silent_ms);
        let until = active.map(|(number, _)| *number).min();
        mirror.prune(now_ms.saturating_sub(retention::CHANGES_MS), until);
        mirror.forget_old_versions(now_ms);
        let forgotten = mirror.forgotten;
        for rows in mirror.objects.values_mut() {
            let before = rows.records.len();
            rows.records.retain(|_, (head, _)| {
                head.state != RecordState::Deleted || head.change > forgotten
            });
            rows.arrived.retain(|id, _| rows.records.contains_key(id));
            let gone = i64::try_from(before - rows.records.len()).unwrap_or(i64::MAX);
            if let Some(deleted) = rows.counts.get_mut(2) {
                *deleted -= gone;
            }
        }
        let had = had.get(connection).copied().unwrap_or(u64::MAX);
        let is_kept =
            |change: &u64| *change > had || undelivered.contains(&(connection.clone(), *change));
        mirror.versions.retain(|change, _| is_kept(change));
    }
    let Rows { mirror, outbox, .. } = rows;
    outbox.undelivered.retain(|(_, connection, change), _| {
        mirror.of.get(connection).is_some_and(|mirror| mirror.changes.contains_key(change))
    });
}
