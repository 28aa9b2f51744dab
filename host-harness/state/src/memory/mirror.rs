//! [`Mirror`] in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{Memory, Rows};
use crate::mirror::held::holders_of;
use crate::mirror::plan::{
    self, Body, ChangedVersions, FORWARD_BEHIND, FailedLookUp, Head, KeptHead, KeptLetter, Known,
    OurChange, Plan, PutBody, fail_look_ups,
};
use crate::mirror::{
    Applied, Batch, ChangeKind, ChangeRow, DeadLetterRow, FailingRow, LOOK_UP_FAILED, Mirror,
    MirroredRecord, RecordState, ScanChange, ScanRow, hash_of,
};
use crate::{Answer, StoreError, retention};

/// What is known of the records of all connections.
#[derive(Debug, Default, Clone)]
pub struct MirrorTables {
    /// By the connection's id.
    pub(super) of: BTreeMap<String, ConnectionMirror>,
    letters: u64,
}

/// That of one connection.
#[derive(Debug, Default, Clone)]
pub(super) struct ConnectionMirror {
    pub moment: u64,
    forgotten: u64,
    objects: BTreeMap<String, ObjectRows>,
    pub changes: BTreeMap<u64, ChangeRow>,
    pub versions: BTreeMap<u64, ChangedVersions>,
    letters: BTreeMap<u64, Letter>,
    /// Positions of readers, and when they came there.
    pub readers: BTreeMap<Reader, (u64, u64)>,
}

/// Who reads changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reader {
    Consumer(String),
    Target(String),
}

#[derive(Debug, Default, Clone)]
struct ObjectRows {
    derived_from: Option<String>,
    records: BTreeMap<String, (Head, Option<Body>)>,
    seen: BTreeMap<String, u64>,
    look_ups: BTreeMap<String, LookUp>,
    scan: Option<ScanRow>,
    bookmarks: BTreeMap<u64, String>,
    drifts: BTreeSet<String>,
    counts: [i64; 3],
}

#[derive(Debug, Default, Clone)]
struct LookUp {
    since: u64,
    tries: u32,
    due_ms: u64,
    reason: String,
}

#[derive(Debug, Clone)]
struct Letter {
    row: DeadLetterRow,
    hash: [u8; 32],
    scan: Option<u64>,
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
        let mirror = self.mirror.of.entry(connection.to_owned()).or_default();
        Ok(mirror.objects.entry(object.to_owned()).or_default())
    }
}

impl ConnectionMirror {
    fn prune(&mut self, before_ms: u64, until: Option<u64>) -> u64 {
        let mut pruned = 0;
        while let Some(first) = self.changes.first_entry() {
            let number = *first.key();
            if first.get().at_ms >= before_ms || until.is_some_and(|until| number > until) {
                break;
            }
            first.remove();
            self.versions.remove(&number);
            self.forgotten = number;
            pruned += 1;
        }
        pruned
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.mirror.of.remove(connection);
}

/// Forgets what is older than is kept.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let Rows { mirror, outbox, .. } = rows;
    let targets = &outbox.targets;
    for mirror in mirror.of.values_mut() {
        let silent_ms = now_ms.saturating_sub(retention::SILENT_MS);
        let active = mirror.readers.values().filter(|(_, moved_ms)| *moved_ms > silent_ms);
        let until = active.map(|(number, _)| *number).min();
        mirror.prune(now_ms.saturating_sub(retention::CHANGES_MS), until);
        let forgotten = mirror.forgotten;
        for rows in mirror.objects.values_mut() {
            let before = rows.records.len();
            rows.records.retain(|_, (head, _)| {
                head.state != RecordState::Deleted || head.change > forgotten
            });
            let gone = i64::try_from(before - rows.records.len()).unwrap_or(i64::MAX);
            if let Some(deleted) = rows.counts.get_mut(2) {
                *deleted -= gone;
            }
        }
        let position = |target: &String| {
            mirror.readers.get(&Reader::Target(target.clone())).map_or(0, |(number, _)| *number)
        };
        let had = targets.keys().map(position).min().unwrap_or(u64::MAX);
        let parked: BTreeSet<u64> =
            targets.values().flat_map(|parked| parked.keys()).map(|(_, change)| *change).collect();
        mirror.versions.retain(|change, _| *change > had || parked.contains(change));
    }
}

/// Commits a batch.
pub(super) fn apply(rows: &mut Rows, batch: &Batch, now_ms: u64) -> Result<Applied, StoreError> {
    let targets: Vec<String> = rows.outbox.targets.keys().cloned().collect();
    rows.make_object(&batch.connection, &batch.object)?;
    let mirror = rows.mirror.of.entry(batch.connection.clone()).or_default();
    let known = known(mirror, batch, &targets, now_ms);
    let plan = plan::apply(batch, known, now_ms)?;
    for object in plan.objects.iter().skip(1) {
        let derived = mirror.objects.entry(object.clone()).or_default();
        derived.derived_from = Some(batch.object.clone());
    }
    Ok(write(mirror, &mut rows.mirror.letters, batch, plan, now_ms))
}

fn known(mirror: &ConnectionMirror, batch: &Batch, targets: &[String], now_ms: u64) -> Known {
    let none = ObjectRows::default();
    let object = mirror.objects.get(&batch.object).unwrap_or(&none);
    let scan = object.scan.clone().filter(|_| batch.step.is_some());
    let number = scan.as_ref().map(|row| row.scan);
    let head = |id: &str| {
        let (head, _) = object.records.get(id)?;
        let seen = number.is_some() && object.seen.get(id).copied() == number;
        Some((id.to_owned(), KeptHead { row: 1, head: head.clone(), seen }))
    };
    let heads: BTreeMap<String, KeptHead> = plan::ids(batch).into_iter().filter_map(head).collect();
    let body = |id: &str| Some((id.to_owned(), object.records.get(id)?.1.clone()?));
    let bodies = plan::bodies(batch, &heads, now_ms).into_iter().filter_map(body).collect();
    let letter = |(number, letter): (&u64, &Letter)| {
        (letter.hash, KeptLetter { number: *number, scan: letter.scan })
    };
    let of_object = |(_, letter): &(&u64, &Letter)| letter.row.object == batch.object;
    let is_near = |target: &String| {
        let at =
            mirror.readers.get(&Reader::Target(target.clone())).map_or(0, |(number, _)| *number);
        mirror.moment.saturating_sub(at) < FORWARD_BEHIND
    };
    Known {
        moment: mirror.moment,
        forwarded: targets.iter().any(is_near),
        scan,
        bookmarked_ms: object.bookmarks.range(..=now_ms).next_back().map(|(at_ms, _)| *at_ms),
        heads,
        bodies,
        letters: mirror.letters.iter().filter(of_object).map(letter).collect(),
        drifts: object.drifts.clone(),
    }
}

fn write(
    mirror: &mut ConnectionMirror,
    letters: &mut u64,
    batch: &Batch,
    plan: Plan,
    now_ms: u64,
) -> Applied {
    mirror.moment = plan.moment;
    for change in plan.changes {
        let object = plan.objects.get(change.object).cloned().unwrap_or_default();
        let row = ChangeRow {
            number: change.number,
            connection: batch.connection.clone(),
            object,
            id: change.id,
            kind: change.kind,
            ours: change.ours,
            at_ms: now_ms,
            updated_at: change.updated_at,
            previous: change.previous,
            hash: change.hash,
            members: change.members,
        };
        mirror.changes.insert(row.number, row);
    }
    mirror.versions.extend(plan.versions.into_iter().map(|version| (version.change, version)));
    for ours in plan.ours {
        match ours {
            OurChange::Number(number) => {
                if let Some(row) = mirror.changes.get_mut(&number) {
                    row.ours = true;
                }
            }
            OurChange::HeldAfter(number, holder) => {
                let follows = |row: &ChangeRow| {
                    row.kind == ChangeKind::Deleted
                        && crate::mirror::held::is_held_by(&row.id, &holder)
                };
                let after = mirror.changes.range_mut(number + 1..);
                after
                    .map(|(_, row)| row)
                    .take_while(|row| follows(row))
                    .for_each(|row| row.ours = true);
            }
        }
    }
    for (name, counts) in plan.objects.iter().zip(plan.counts) {
        let object = mirror.objects.entry(name.clone()).or_default();
        object.counts.iter_mut().zip(counts).for_each(|(count, more)| *count += more);
    }
    for letter in plan.letters {
        match letter.number.and_then(|number| mirror.letters.get_mut(&number)) {
            Some(kept) => kept.scan = letter.scan.or(kept.scan),
            None => {
                *letters += 1;
                let row = DeadLetterRow {
                    number: *letters,
                    connection: batch.connection.clone(),
                    object: batch.object.clone(),
                    id: letter.item.id,
                    raw: letter.item.raw,
                    reason: letter.item.reason,
                    at_ms: now_ms,
                };
                let (hash, scan) = (letter.hash, letter.scan);
                mirror.letters.insert(*letters, Letter { row, hash, scan });
            }
        }
    }
    let object = mirror.objects.entry(batch.object.clone()).or_default();
    for put in plan.records {
        let kept = object.records.remove(&put.id).and_then(|(_, body)| body);
        let body = match put.body {
            PutBody::Keep => kept,
            PutBody::Put(body) => Some(body),
            PutBody::Remove => None,
        };
        object.records.insert(put.id, (put.head, body));
    }
    if let Some(row) = plan.scan {
        object.seen.extend(plan.seen.into_iter().map(|id| (id, row.scan)));
        object.scan = Some(row);
    }
    object
        .look_ups
        .retain(|id, look_up| !plan.answered.contains(id) || look_up.since > batch.asked);
    for (id, since) in plan.look_ups {
        object.look_ups.entry(id).or_default().since = since;
    }
    object.drifts.extend(plan.drifts);
    if let Some(bookmark) = plan.bookmark {
        object.bookmarks.insert(now_ms, bookmark);
        let newest = object.bookmarks.range(..=plan.bookmarks_until_ms).next_back();
        if let Some(newest) = newest.map(|(at_ms, _)| *at_ms) {
            object.bookmarks.retain(|at_ms, _| *at_ms >= newest);
        }
    }
    plan.applied
}

impl Mirror for Memory {
    fn moment(&self, connection: &str) -> Answer<'_, u64> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            Ok(rows.mirror.of.get(&connection).map_or(0, |mirror| mirror.moment))
        })
    }

    fn moments(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.answer(|rows| {
            Ok(rows.mirror.of.iter().map(|(id, mirror)| (id.clone(), mirror.moment)).collect())
        })
    }

    fn apply(&self, batch: Batch) -> Answer<'_, Applied> {
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| apply(rows, &batch, now_ms))
    }

    fn unchanged(
        &self,
        connection: &str,
        object: &str,
        deriver: u64,
        records: Vec<(String, [u8; 32])>,
    ) -> Answer<'_, Vec<bool>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let object = rows.object(&connection, &object);
            let unchanged = |(id, hash): &(String, [u8; 32])| {
                let head = object.and_then(|object| object.records.get(id)).map(|(head, _)| head);
                plan::is_unchanged(head, hash, deriver)
            };
            Ok(records.iter().map(unchanged).collect())
        })
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let longest_ms = now_ms.saturating_add(LOOK_UP_FAILED.longest_ms());
            let object = rows.object(&connection, &object);
            let mut due: Vec<(u64, &String)> = object
                .iter()
                .flat_map(|object| &object.look_ups)
                .map(|(id, look_up)| (look_up.due_ms, id))
                .filter(|(due_ms, _)| *due_ms <= now_ms || *due_ms > longest_ms)
                .collect();
            due.sort_unstable();
            Ok(due.into_iter().take(limit as usize).map(|(_, id)| id.clone()).collect())
        })
    }

    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            rows.make_object(&connection, &object)?;
            let MirrorTables { of, letters } = &mut rows.mirror;
            let mirror = of.entry(connection.clone()).or_default();
            let mut dead = 0;
            for (id, reason) in failed {
                let kept = mirror.objects.entry(object.clone()).or_default();
                let look_up = kept.look_ups.remove(&id).unwrap_or_default();
                match fail_look_ups(&id, &reason, look_up.tries, now_ms) {
                    FailedLookUp::Again { tries, due_ms } => {
                        let look_up = LookUp { tries, due_ms, reason, ..look_up };
                        kept.look_ups.insert(id, look_up);
                    }
                    FailedLookUp::GivenUp(item) => {
                        let hash = hash_of(&id);
                        let known =
                            |letter: &Letter| letter.hash == hash && letter.row.object == object;
                        if mirror.letters.values().any(known) {
                            continue;
                        }
                        dead += 1;
                        *letters += 1;
                        let row = DeadLetterRow {
                            number: *letters,
                            connection: connection.clone(),
                            object: object.clone(),
                            id: item.id,
                            raw: item.raw,
                            reason: item.reason,
                            at_ms: now_ms,
                        };
                        mirror.letters.insert(*letters, Letter { row, hash, scan: None });
                    }
                }
            }
            Ok(dead)
        })
    }

    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let objects =
                rows.mirror.of.get(&connection).into_iter().flat_map(|mirror| &mirror.objects);
            let failing = |(object, kept): (&String, &ObjectRows)| {
                let failing = || kept.look_ups.iter().filter(|(_, look_up)| look_up.tries > 0);
                let (id, next) = failing().min_by_key(|(_, look_up)| look_up.due_ms)?;
                Some(FailingRow {
                    object: object.clone(),
                    records: failing().count() as u64,
                    id: id.clone(),
                    tries: next.tries,
                    due_ms: next.due_ms,
                    reason: next.reason.clone(),
                })
            };
            Ok(objects.filter_map(failing).collect())
        })
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let (connection, object, id) = (connection.to_owned(), object.to_owned(), id.to_owned());
        self.answer(move |rows| Ok(record(rows, &connection, &object, &id)))
    }

    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.unwrap_or_default().to_owned();
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else { return Ok(vec![]) };
            let holder = kept.derived_from.as_ref();
            let Some(holders) = holder.and_then(|holder| rows.object(&connection, holder)) else {
                let there = kept
                    .records
                    .iter()
                    .filter(|(id, (head, _))| **id > after && head.state != RecordState::Deleted);
                let row = |(id, (head, body)): (&String, &(Head, Option<Body>))| {
                    own(&connection, &object, id, head, body.as_ref())
                };
                return Ok(there.take(limit as usize).map(row).collect());
            };
            let first = holders_of(&after).find(|id| holders.records.contains_key(*id));
            let first = first.or_else(|| holders_of(&after).last()).unwrap_or_default();
            let held =
                holders.records.range(first.to_owned()..).flat_map(|(holder, (head, body))| {
                    let held = body.clone().unwrap_or_default().held;
                    let rows = held.rows(&connection, &object, holder, head.state);
                    rows.into_iter()
                        .filter(|row| holder != first || row.id > after)
                        .collect::<Vec<_>>()
                });
            Ok(held.take(limit as usize).collect())
        })
    }

    fn changes(&self, connection: &str, since: u64, limit: u32) -> Answer<'_, Vec<ChangeRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get(&connection) else { return Ok(vec![]) };
            let until = mirror.forgotten;
            if 0 < since && since < until {
                return Err(StoreError::Forgotten { since, until });
            }
            let after = mirror.changes.range(since + 1..);
            Ok(after.take(limit as usize).map(|(_, row)| row.clone()).collect())
        })
    }

    fn positions(&self, consumer: &str) -> Answer<'_, Vec<(String, u64)>> {
        let reader = Reader::Consumer(consumer.to_owned());
        self.answer(move |rows| {
            let position = |(id, mirror): (&String, &ConnectionMirror)| {
                mirror.readers.get(&reader).map(|(number, _)| (id.clone(), *number))
            };
            Ok(rows.mirror.of.iter().filter_map(position).collect())
        })
    }

    fn set_position(&self, consumer: &str, connection: &str, number: u64) -> Answer<'_, ()> {
        let (reader, connection) = (Reader::Consumer(consumer.to_owned()), connection.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            if let Some(mirror) = rows.mirror.of.get_mut(&connection) {
                mirror.readers.insert(reader, (number, now_ms));
            }
            Ok(())
        })
    }

    fn prune_changes(&self, connection: &str, age_ms: u64) -> Answer<'_, u64> {
        let (connection, now_ms) = (connection.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get_mut(&connection) else { return Ok(0) };
            Ok(mirror.prune(now_ms.saturating_sub(age_ms), None))
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let objects = rows
                .mirror
                .of
                .get(&connection)
                .into_iter()
                .flat_map(|mirror| mirror.objects.values());
            Ok(objects.filter_map(|object| object.scan.clone()).collect())
        })
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let kept = rows.make_object(&connection, &object)?;
            let row = kept.scan.clone().unwrap_or_else(|| ScanRow::new(&connection, &object));
            let Some(new) = change(&row, now_ms) else { return Ok(row) };
            kept.scan = Some(new.clone());
            Ok(new)
        })
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        at_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let object = rows.object(&connection, &object);
            let newest = object.and_then(|object| object.bookmarks.range(..=at_ms).next_back());
            Ok(newest.map(|(_, bookmark)| bookmark.clone()))
        })
    }

    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.unwrap_or_default().to_owned();
        self.answer(move |rows| {
            let unseen = unseen(rows, &connection, &object, scan).into_iter();
            let ids = unseen.filter(|id| *id > after).take(limit as usize);
            Ok(ids.filter_map(|id| record(rows, &connection, &object, &id)).collect())
        })
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let live = rows.object(&connection, &object).map_or(0, |kept| count(kept, 0));
            Ok((unseen(rows, &connection, &object, scan).len() as u64, live))
        })
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        let connection = connection.map(str::to_owned);
        self.answer(move |rows| {
            let wanted = |id: &String| connection.as_ref().is_none_or(|wanted| wanted == id);
            let mirrors = rows.mirror.of.iter().filter(|(id, _)| wanted(id));
            let letters = mirrors.flat_map(|(_, mirror)| mirror.letters.values());
            let mut letters: Vec<_> = letters.map(|letter| letter.row.clone()).collect();
            letters.sort_by_key(|row| row.number);
            Ok(letters)
        })
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        self.answer(move |rows| {
            let mut mirrors = rows.mirror.of.values_mut();
            Ok(mirrors.any(|mirror| mirror.letters.remove(&number).is_some()))
        })
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get_mut(&connection) else { return Ok(()) };
            if !mirror.objects.contains_key(&object) {
                return Ok(());
            }
            for (name, kept) in &mut mirror.objects {
                let is_derived = kept.derived_from.as_ref() == Some(&object);
                if *name != object && !is_derived {
                    continue;
                }
                let scan = kept
                    .scan
                    .as_ref()
                    .map(|row| ScanRow { scan: row.scan, ..ScanRow::new(&connection, name) });
                let derived_from = kept.derived_from.take();
                *kept = ObjectRows { derived_from, scan, ..ObjectRows::default() };
                mirror.moment += 1;
                let row = ChangeRow {
                    number: mirror.moment,
                    connection: connection.clone(),
                    object: name.clone(),
                    id: String::new(),
                    kind: ChangeKind::Reset,
                    ours: false,
                    at_ms: now_ms,
                    updated_at: None,
                    previous: None,
                    hash: None,
                    members: vec![],
                };
                mirror.changes.insert(row.number, row);
            }
            Ok(())
        })
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else { return Ok((0, 0, 0)) };
            Ok((count(kept, 0), count(kept, 1), count(kept, 2)))
        })
    }
}

fn count(kept: &ObjectRows, at: usize) -> u64 {
    kept.counts.get(at).map_or(0, |count| u64::try_from(*count).unwrap_or_default())
}

fn unseen(rows: &Rows, connection: &str, object: &str, scan: u64) -> Vec<String> {
    let Some(kept) = rows.object(connection, object) else { return vec![] };
    let live = kept.records.iter().filter(|(_, (head, _))| head.state == RecordState::Live);
    live.filter(|(id, _)| kept.seen.get(*id) != Some(&scan)).map(|(id, _)| id.clone()).collect()
}

fn record(rows: &Rows, connection: &str, object: &str, id: &str) -> Option<MirroredRecord> {
    let kept = rows.object(connection, object)?;
    let Some(holder) = &kept.derived_from else {
        let (head, body) = kept.records.get(id)?;
        return Some(own(connection, object, id, head, body.as_ref()));
    };
    let holders = rows.object(connection, holder)?;
    holders_of(id).find_map(|holder| {
        let (head, body) = holders.records.get(holder)?;
        let held = body.clone()?.held.rows(connection, object, holder, head.state);
        held.into_iter().find(|row| row.id == id)
    })
}

fn own(
    connection: &str,
    object: &str,
    id: &str,
    head: &Head,
    body: Option<&Body>,
) -> MirroredRecord {
    MirroredRecord {
        connection: connection.to_owned(),
        object: object.to_owned(),
        id: id.to_owned(),
        holder: None,
        state: head.state,
        updated_at: head.updated_at.clone(),
        created_at: body.and_then(|body| body.created_at.clone()),
        hash: head.hash,
        data: body.map(|body| body.data.clone()).unwrap_or_default(),
        change: head.change,
    }
}
