//! Records that arrive or are gone, and what they hold.

use std::collections::{BTreeMap, BTreeSet};

use connector_contract::types::DataRecord;

use super::{
    Body, ChangedVersions, DRIFTS, Head, KeptHead, Known, OurChange, Plan, PlannedChange, PutBody,
    PutLetter, PutRecord, scan,
};
use crate::StoreError;
use crate::mirror::held::{Held, HeldRecord, foreign, is_held_by};
use crate::mirror::version::{Arrived, Decision, KeptVersion, decide, decide_gone, is_later};
use crate::mirror::{Batch, ChangeKind, RecordState, ScanKind, Source, hash_of, members};

/// The records of a batch: their heads are needed.
#[must_use]
pub fn ids(batch: &Batch) -> BTreeSet<&str> {
    let records = batch.records.iter().map(|record| record.id.as_str());
    let gone = batch.deleted.iter().chain(&batch.aged_out).map(String::as_str);
    let unread = batch.unreadable.iter().filter_map(|item| item.id.as_deref());
    records.chain(gone).chain(unread).collect()
}

/// The hashes of what could not be read, in the order of the items: the dead letters of these are
/// needed.
#[must_use]
pub fn letters(batch: &Batch) -> Vec<[u8; 32]> {
    let hash = |item: &super::Unreadable| {
        // Of what was never answered there is no text.
        let text = item.id.as_ref().filter(|_| item.raw.is_empty()).unwrap_or(&item.raw);
        hash_of(text)
    };
    batch.unreadable.iter().map(hash).collect()
}

/// The records among `heads` whose content is needed.
#[must_use]
pub fn bodies<'b>(
    batch: &'b Batch,
    heads: &BTreeMap<String, KeptHead>,
    now_ms: u64,
) -> BTreeSet<&'b str> {
    let mut needed = BTreeSet::new();
    let hashes = batch.hashes();
    for (record, hash) in batch.records.iter().zip(hashes.iter()) {
        let Some(kept) = heads.get(&record.id) else { continue };
        let is_needed =
            match decide(Some(&version(&kept.head)), &arrived(batch, record, hash, now_ms)) {
                Decision::Apply => kept.head.state != RecordState::Deleted,
                Decision::Keep => {
                    is_derived_anew(batch, &kept.head)
                        || (batch.source == Source::Ours && kept.head.change > batch.asked)
                }
                Decision::Stale | Decision::LookUp => false,
            };
        if is_needed {
            needed.insert(record.id.as_str());
        }
    }
    for id in batch.deleted.iter().chain(&batch.aged_out) {
        if heads.get(id).is_some_and(|kept| kept.head.state != RecordState::Deleted) {
            needed.insert(id);
        }
    }
    needed
}

/// Whether a record with this content has nothing to be derived, because what is kept is the same,
/// derived by the same component.
#[must_use]
pub fn is_unchanged(kept: Option<&Head>, hash: &[u8; 32], deriver: u64) -> bool {
    kept.is_some_and(|kept| {
        kept.state == RecordState::Live && kept.hash == *hash && kept.deriver == deriver
    })
}

/// Decides on a batch.
///
/// # Errors
/// [`StoreError::Superseded`] when its scan's lease is no longer held, [`StoreError::ChangedMeanwhile`]
/// when a record that was not derived has to be, and [`StoreError::ForeignId`].
pub fn apply(batch: &Batch, known: Known, now_ms: u64) -> Result<Plan, StoreError> {
    let scan = scan::held(batch, &known)?;
    let mut objects = vec![batch.object.clone()];
    objects.extend(batch.derived.iter().map(|derived| derived.object.clone()));
    let bookmarked_ms = known.bookmarked_ms;
    let mut work = Work {
        batch,
        now_ms,
        full: scan.as_ref().filter(|row| row.kind == Some(ScanKind::Full)).map(|row| row.scan),
        plan: Plan { objects, moment: known.moment, ..Plan::default() },
        known,
        touched: BTreeMap::new(),
    };
    let hashes = batch.hashes();
    for (index, (record, hash)) in batch.records.iter().zip(hashes.iter()).enumerate() {
        work.arrive(index, record, hash)?;
    }
    for id in &batch.deleted {
        work.is_gone(id)?;
    }
    for id in &batch.aged_out {
        work.has_aged_out(id)?;
    }
    work.set_aside();
    work.drift();
    let mut plan = work.finish();
    if let (Some(step), Some(row)) = (&batch.step, scan) {
        let records = batch.records.len() as u64;
        scan::step(&mut plan, row, step, records, bookmarked_ms, now_ms);
    }
    Ok(plan)
}

fn version(head: &Head) -> KeptVersion<'_> {
    KeptVersion {
        state: head.state,
        updated_at: head.updated_at.as_deref(),
        hash: &head.hash,
        change: head.change,
    }
}

fn arrived<'a>(
    batch: &Batch,
    record: &'a DataRecord,
    hash: &'a [u8; 32],
    now_ms: u64,
) -> Arrived<'a> {
    Arrived {
        source: batch.source,
        asked: batch.asked,
        updated_at: record.updated_at.as_deref(),
        hash,
        now_s: i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX),
    }
}

/// Whether what a record holds was derived by another component than what came now.
fn is_derived_anew(batch: &Batch, head: &Head) -> bool {
    !batch.derived.is_empty() && head.deriver != batch.deriver
}

/// How many records of each object are held.
type HeldCounts = BTreeMap<String, usize>;

/// A record that the batch changes.
struct Touched {
    row: Option<i64>,
    /// As it was: its state, and how many records of each object it held.
    before: Option<(RecordState, HeldCounts)>,
    head: Head,
    body: PutBody,
}

/// A batch under way.
struct Work<'b> {
    batch: &'b Batch,
    now_ms: u64,
    /// Number of the full scan that the batch is of, if it is of one.
    full: Option<u64>,
    known: Known,
    plan: Plan,
    /// What the batch has changed so far: newer than what is in `known`.
    touched: BTreeMap<String, Touched>,
}

impl Work<'_> {
    fn head(&self, id: &str) -> Option<&Head> {
        let touched = self.touched.get(id).map(|touched| &touched.head);
        touched.or_else(|| self.known.heads.get(id).map(|kept| &kept.head))
    }

    /// The content as it is by now. It is put back by [`Work::put`].
    fn take_body(&mut self, id: &str) -> Result<Body, StoreError> {
        if let Some(touched) = self.touched.get_mut(id)
            && let PutBody::Put(body) = &mut touched.body
        {
            return Ok(std::mem::take(body));
        }
        let known = self.known.bodies.remove(id);
        known.ok_or_else(|| StoreError::ChangedMeanwhile { object: self.batch.object.clone() })
    }

    fn arrive(
        &mut self,
        index: usize,
        record: &DataRecord,
        hash: &[u8; 32],
    ) -> Result<(), StoreError> {
        let id = record.id.as_str();
        let found = self.head(id).cloned();
        let arrived = arrived(self.batch, record, hash, self.now_ms);
        let decision = decide(found.as_ref().map(version).as_ref(), &arrived);
        // Lists alone can show that a record did not age out.
        let state = match &found {
            Some(head)
                if head.state == RecordState::AgedOut && self.batch.source != Source::Page =>
            {
                RecordState::AgedOut
            }
            _ => RecordState::Live,
        };
        match decision {
            Decision::Apply => self.put_version(index, record, hash, found, state)?,
            Decision::Keep => {
                self.plan.applied.unchanged += 1;
                if let Some(head) = found {
                    self.confirm(index, record, head)?;
                }
            }
            Decision::Stale => self.plan.applied.stale += 1,
            Decision::LookUp => {}
        }
        if self.head(id).is_some() {
            self.mark(id);
        }
        self.decided(id, decision);
        Ok(())
    }

    /// Puts a version in the place of the one that was `found`.
    fn put_version(
        &mut self,
        index: usize,
        record: &DataRecord,
        hash: &[u8; 32],
        found: Option<Head>,
        state: RecordState,
    ) -> Result<(), StoreError> {
        self.must_be_derived(index)?;
        let old = match &found {
            Some(head) if head.state != RecordState::Deleted => Some(self.take_body(&record.id)?),
            _ => None,
        };
        let (kind, names) = match (&found, &old) {
            (Some(head), Some(_)) if head.hash == *hash => (ChangeKind::Updated, vec![]),
            (Some(_), Some(old)) => {
                (ChangeKind::Updated, members::changed(&old.data, &record.data))
            }
            _ => (ChangeKind::Created, vec![]),
        };
        match kind {
            ChangeKind::Created => self.plan.applied.created += 1,
            _ => self.plan.applied.updated += 1,
        }
        let Body { data: before, held, .. } = old.unwrap_or_default();
        let before =
            found.as_ref().filter(|head| head.state != RecordState::Deleted).map(|_| before);
        let number = self.log(
            PlannedChange {
                number: 0,
                object: 0,
                id: record.id.clone(),
                kind,
                ours: false,
                updated_at: record.updated_at.clone(),
                previous: found.as_ref().map(|head| head.hash),
                hash: Some(*hash),
                members: names,
            },
            before.as_deref(),
            Some(&record.data),
        );
        let was = found.as_ref().map_or(RecordState::Deleted, |head| head.state);
        let held_before = counts(&held);
        let held = self.follow(index, &record.id, held, was, state)?;
        let head = Head {
            state,
            updated_at: record.updated_at.clone(),
            hash: *hash,
            change: number,
            deriver: self.batch.deriver,
        };
        let body = Body { created_at: record.created_at.clone(), data: record.data.clone(), held };
        self.put(&record.id, found.map(|head| (head.state, held_before)), head, PutBody::Put(body));
        Ok(())
    }

    /// What is kept is the same content, and may be of a later time, or hold something else by
    /// another component.
    fn confirm(
        &mut self,
        index: usize,
        record: &DataRecord,
        mut head: Head,
    ) -> Result<(), StoreError> {
        let is_later = is_later(head.updated_at.as_deref(), record.updated_at.as_deref());
        let is_ours = self.batch.source == Source::Ours && head.change > self.batch.asked;
        let is_derived_anew = is_derived_anew(self.batch, &head);
        if is_ours {
            self.plan.ours.push(OurChange::Number(head.change));
        }
        let mut put = PutBody::Keep;
        let mut before = (head.state, HeldCounts::new());
        if is_ours || is_derived_anew {
            let mut body = self.take_body(&record.id)?;
            before.1 = counts(&body.held);
            if is_ours {
                let numbers = body.held.0.values().flatten().map(|held| held.change);
                let ours = numbers.filter(|number| *number > self.batch.asked);
                self.plan.ours.extend(ours.map(OurChange::Number));
            }
            if is_derived_anew {
                self.must_be_derived(index)?;
                let held = std::mem::take(&mut body.held);
                body.held = self.follow(index, &record.id, held, head.state, head.state)?;
            }
            put = PutBody::Put(body);
        }
        if is_later {
            head.updated_at.clone_from(&record.updated_at);
        }
        if is_derived_anew {
            head.deriver = self.batch.deriver;
        } else if let PutBody::Put(body) = put {
            // Only looked at.
            self.give_back(&record.id, body);
            put = PutBody::Keep;
        }
        if is_later || is_derived_anew {
            self.put(&record.id, Some(before), head, put);
        }
        Ok(())
    }

    fn give_back(&mut self, id: &str, body: Body) {
        match self.touched.get_mut(id) {
            Some(Touched { body: PutBody::Put(taken), .. }) => *taken = body,
            _ => drop(self.known.bodies.insert(id.to_owned(), body)),
        }
    }

    fn must_be_derived(&self, index: usize) -> Result<(), StoreError> {
        match self.batch.underived.contains(&index) && !self.batch.derived.is_empty() {
            true => Err(StoreError::ChangedMeanwhile { object: self.batch.object.clone() }),
            false => Ok(()),
        }
    }

    /// Brings what a record holds in line with the lists at `index`.
    fn follow(
        &mut self,
        index: usize,
        holder: &str,
        mut held: Held,
        was: RecordState,
        state: RecordState,
    ) -> Result<Held, StoreError> {
        let batch = self.batch;
        for (at, derived) in batch.derived.iter().enumerate() {
            let Some(list) = derived.lists.get(index) else { continue };
            let old = held.0.remove(&derived.object).unwrap_or_default();
            let mut left: BTreeMap<String, HeldRecord> =
                old.into_iter().map(|record| (record.id.clone(), record)).collect();
            let mut new: BTreeMap<&str, HeldRecord> = BTreeMap::new();
            for record in list {
                if !is_held_by(&record.id, holder) {
                    return Err(foreign(&derived.object, &record.id, holder));
                }
                let kept = new.remove(record.id.as_str()).or_else(|| left.remove(&record.id));
                let hash = hash_of(&record.data);
                let kept = match kept {
                    Some(kept) if kept.hash == hash && was == state => kept,
                    kept => self.put_held(at + 1, record, hash, kept.as_ref()),
                };
                new.insert(&record.id, kept);
            }
            for kept in left.into_values() {
                self.end_held(at + 1, kept, ChangeKind::Deleted);
            }
            held.0.insert(derived.object.clone(), new.into_values().collect());
        }
        Ok(held)
    }

    fn put_held(
        &mut self,
        object: usize,
        record: &DataRecord,
        hash: [u8; 32],
        kept: Option<&HeldRecord>,
    ) -> HeldRecord {
        let names = match kept {
            Some(kept) if kept.hash != hash => members::changed(&kept.data, &record.data),
            _ => vec![],
        };
        let kind = if kept.is_some() { ChangeKind::Updated } else { ChangeKind::Created };
        let change = PlannedChange {
            number: 0,
            object,
            id: record.id.clone(),
            kind,
            ours: false,
            updated_at: record.updated_at.clone(),
            previous: kept.map(|kept| kept.hash),
            hash: Some(hash),
            members: names,
        };
        let before = kept.map(|kept| kept.data.as_str());
        let change = self.log(change, before, Some(&record.data));
        self.plan.applied.derived += 1;
        HeldRecord {
            id: record.id.clone(),
            updated_at: record.updated_at.clone(),
            created_at: record.created_at.clone(),
            change,
            hash,
            data: record.data.clone(),
        }
    }

    /// A derived record is gone or aged out.
    fn end_held(&mut self, object: usize, mut record: HeldRecord, kind: ChangeKind) -> HeldRecord {
        let is_there = kind == ChangeKind::AgedOut;
        let change = PlannedChange {
            number: 0,
            object,
            id: record.id.clone(),
            kind,
            ours: false,
            updated_at: record.updated_at.clone(),
            previous: Some(record.hash),
            hash: is_there.then_some(record.hash),
            members: vec![],
        };
        let after = is_there.then(|| record.data.clone());
        record.change = self.log(change, Some(&record.data.clone()), after.as_deref());
        self.plan.applied.derived += 1;
        record
    }

    fn is_gone(&mut self, id: &str) -> Result<(), StoreError> {
        let found = self.head(id).cloned();
        let decision =
            decide_gone(found.as_ref().map(version).as_ref(), self.batch.source, self.batch.asked);
        match (decision, found) {
            (Decision::Apply, Some(head)) => {
                self.end(id, head, ChangeKind::Deleted)?;
                self.plan.applied.deleted += 1;
            }
            (Decision::Apply, None) => {
                // Noted, so that a late word of it does not bring it back.
                let change = self.tick();
                let state = RecordState::Deleted;
                let head = Head { state, updated_at: None, hash: [0; 32], change, deriver: 0 };
                self.put(id, None, head, PutBody::Remove);
            }
            // A pull may have met our removal before its answer came back to us.
            (Decision::Keep, Some(head))
                if self.batch.source == Source::Ours && head.change > self.batch.asked =>
            {
                self.plan.ours.push(OurChange::Number(head.change));
                self.plan.ours.push(OurChange::HeldAfter(head.change, id.to_owned()));
            }
            _ => {}
        }
        self.decided(id, decision);
        Ok(())
    }

    fn has_aged_out(&mut self, id: &str) -> Result<(), StoreError> {
        if let Some(head) = self.head(id).filter(|head| head.state == RecordState::Live).cloned() {
            self.end(id, head, ChangeKind::AgedOut)?;
            self.plan.applied.aged_out += 1;
        }
        Ok(())
    }

    /// A record is gone or aged out, with all that it holds.
    fn end(&mut self, id: &str, head: Head, kind: ChangeKind) -> Result<(), StoreError> {
        let is_there = kind == ChangeKind::AgedOut;
        let mut body = self.take_body(id)?;
        let change = PlannedChange {
            number: 0,
            object: 0,
            id: id.to_owned(),
            kind,
            ours: false,
            updated_at: head.updated_at.clone(),
            previous: Some(head.hash),
            hash: is_there.then_some(head.hash),
            members: vec![],
        };
        let after = is_there.then_some(body.data.as_str());
        let number = self.log(change, Some(&body.data), after);
        let held_before = counts(&body.held);
        let held = std::mem::take(&mut body.held);
        for (object, records) in held.0 {
            let at = index_of(&mut self.plan.objects, &object);
            let ended = records.into_iter().map(|record| self.end_held(at, record, kind));
            body.held.0.insert(object, ended.collect());
        }
        let (state, body) = match is_there {
            true => (RecordState::AgedOut, PutBody::Put(body)),
            false => (RecordState::Deleted, PutBody::Remove),
        };
        let before = (head.state, held_before);
        self.put(id, Some(before), Head { state, change: number, ..head }, body);
        Ok(())
    }

    /// Dead letters. Their records are seen all the same.
    fn set_aside(&mut self) {
        let scan = self.batch.step.as_ref().map(|step| step.scan);
        for (item, hash) in self.batch.unreadable.iter().zip(letters(self.batch)) {
            let kept = self.known.letters.get(&hash).copied();
            let listed = self.plan.letters.iter().any(|letter| letter.hash == hash);
            let is_new = kept.is_none() && !listed;
            let is_unseen =
                is_new || (!listed && scan.is_some() && kept.is_some_and(|kept| kept.scan != scan));
            self.plan.applied.unreadable += u64::from(is_new);
            if is_unseen {
                let (number, item) = (kept.map(|kept| kept.number), item.clone());
                self.plan.letters.push(PutLetter { number, hash, item, scan });
            }
            if let (Some(id), Source::Lookup) = (&item.id, self.batch.source) {
                self.plan.answered.insert(id.clone());
            }
            match item.id.as_deref().filter(|id| self.head(id).is_some()) {
                Some(id) => self.mark(id),
                None => self.plan.applied.unseen += u64::from(is_unseen && self.full.is_some()),
            }
        }
    }

    /// Tells where records differ from their schema, as far as that was not told before.
    fn drift(&mut self) {
        let room = DRIFTS.saturating_sub(self.known.drifts.len());
        let new: BTreeSet<&String> = self
            .batch
            .drift
            .iter()
            .filter(|pointer| !self.known.drifts.contains(*pointer))
            .collect();
        self.plan.drifts = new.into_iter().take(room).cloned().collect();
        if !self.plan.drifts.is_empty() {
            let members = self.plan.drifts.clone();
            self.log(whole_object(0, ChangeKind::Drift, members), None, None);
        }
    }

    /// What cannot be decided is looked up; an answer to that takes it off the list.
    fn decided(&mut self, id: &str, decision: Decision) {
        if decision == Decision::LookUp {
            let since = self.tick();
            self.plan.look_ups.insert(id.to_owned(), since);
            let listed = &mut self.plan.applied.look_up;
            if !listed.iter().any(|listed| listed == id) {
                listed.push(id.to_owned());
            }
        } else if matches!(self.batch.source, Source::Lookup | Source::Ours) {
            self.plan.answered.insert(id.to_owned());
        }
    }

    /// Notes that the full scan has seen the record, if it had not.
    fn mark(&mut self, id: &str) {
        let was_seen = self.known.heads.get(id).is_some_and(|kept| kept.seen);
        if self.full.is_some() && !was_seen && self.plan.seen.insert(id.to_owned()) {
            self.plan.applied.unseen += 1;
        }
    }

    /// Counts the moment up.
    fn tick(&mut self) -> u64 {
        self.plan.moment += 1;
        self.plan.moment
    }

    /// Logs a change under the next number, and returns that.
    fn log(&mut self, change: PlannedChange, before: Option<&str>, after: Option<&str>) -> u64 {
        let number = self.tick();
        // What is told of a whole object is nobody's write.
        let ours = self.batch.source == Source::Ours && !change.id.is_empty();
        if self.known.forwarded && !change.id.is_empty() {
            let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
            self.plan.versions.push(ChangedVersions { change: number, before, after });
        }
        self.plan.changes.push(PlannedChange { number, ours, ..change });
        self.plan.applied.newest = number;
        number
    }

    fn put(
        &mut self,
        id: &str,
        before: Option<(RecordState, HeldCounts)>,
        head: Head,
        body: PutBody,
    ) {
        let row = self.known.heads.get(id).map(|kept| kept.row);
        match self.touched.get_mut(id) {
            Some(touched) => {
                touched.head = head;
                if body != PutBody::Keep {
                    if touched.body == PutBody::Keep {
                        touched.before = before;
                    }
                    touched.body = body;
                }
            }
            None => {
                self.touched.insert(id.to_owned(), Touched { row, before, head, body });
            }
        }
    }

    /// The plan, with the counts that follow from what was changed.
    fn finish(self) -> Plan {
        let mut plan = self.plan;
        let mut all: BTreeMap<String, [i64; 3]> = BTreeMap::new();
        for (id, Touched { row, before, head, body }) in self.touched {
            let after = match &body {
                PutBody::Put(body) => Some(counts(&body.held)),
                PutBody::Remove => Some(HeldCounts::new()),
                PutBody::Keep => None,
            };
            if let Some(after) = after {
                if let Some((state, held)) = before {
                    count(&mut all, &self.batch.object, state, held, -1);
                }
                count(&mut all, &self.batch.object, head.state, after, 1);
            }
            plan.records.push(PutRecord { id, row, head, body });
        }
        for object in all.keys() {
            index_of(&mut plan.objects, object);
        }
        plan.counts =
            plan.objects.iter().map(|object| all.remove(object).unwrap_or_default()).collect();
        plan
    }
}

/// The index of an object, which is added where it is not there: what is held of objects that the batch
/// does not name changes with its holder.
fn index_of(objects: &mut Vec<String>, object: &str) -> usize {
    objects.iter().position(|name| name == object).unwrap_or_else(|| {
        objects.push(object.to_owned());
        objects.len() - 1
    })
}

/// A change that is about a whole object.
pub fn whole_object(object: usize, kind: ChangeKind, members: Vec<String>) -> PlannedChange {
    PlannedChange {
        number: 0,
        object,
        id: String::new(),
        kind,
        ours: false,
        updated_at: None,
        previous: None,
        hash: None,
        members,
    }
}

fn counts(held: &Held) -> HeldCounts {
    held.0.iter().map(|(object, records)| (object.clone(), records.len())).collect()
}

/// Counts a record of `object`, and what it holds. Derived records that are gone are not kept, so not
/// counted.
fn count(
    all: &mut BTreeMap<String, [i64; 3]>,
    object: &str,
    state: RecordState,
    held: HeldCounts,
    by: i64,
) {
    let at = match state {
        RecordState::Live => 0,
        RecordState::AgedOut => 1,
        RecordState::Deleted => 2,
    };
    let held = held.into_iter().filter(|_| state != RecordState::Deleted);
    for (object, records) in held.chain([(object.to_owned(), 1)]) {
        if let Some(count) = all.entry(object).or_default().get_mut(at) {
            *count += by * i64::try_from(records).unwrap_or(i64::MAX);
        }
    }
}
