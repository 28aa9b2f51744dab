//! Records that arrive or are gone, and what they hold.

use std::collections::{BTreeMap, BTreeSet};

use connector_contract::types::DataRecord;

use super::work::{HeldCounts, Work, counts, index_of};
use super::{Body, Head, KeptHead, Known, OurChange, Plan, PlannedChange, PutBody, scan};
use crate::StoreError;
use crate::mirror::history::Packer;
use crate::mirror::index::ValueReader;
use crate::mirror::rules::KeptRules;
use crate::mirror::version::{Arrived, Decision, KeptVersion, decide, decide_gone, is_later};
use crate::mirror::{Batch, ChangeKind, RecordState, ScanKind, Source, members};

/// The records of a batch: their heads are needed.
#[must_use]
pub fn ids(batch: &Batch) -> BTreeSet<&str> {
    let records = batch.records.iter().map(|record| record.id.as_str());
    let gone = batch.deleted.iter().chain(&batch.aged_out).map(String::as_str);
    let unread = batch.unreadable.iter().filter_map(|item| item.id.as_deref());
    records.chain(gone).chain(unread).collect()
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
        reader: ValueReader::new(&known.index.members),
        values_before: BTreeMap::new(),
        known,
        packer: Packer::default(),
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

impl Work<'_> {
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
                source: None,
                delivery: None,
                updated_at: record.updated_at.clone(),
                prior: found.as_ref().map(|head| head.change),
                previous: found.as_ref().map(|head| head.hash),
                hash: Some(*hash),
                members: names,
                rule: None,
            },
            before.as_deref(),
            Some(&record.data),
        );
        let versions = found.as_ref().map_or(0, |head| head.versions).saturating_add(1);
        let replaced = before.filter(|_| found.as_ref().is_some_and(|head| head.hash != *hash));
        self.keep_version(number, versions, replaced.as_deref(), Some(index))?;
        let was = found.as_ref().map_or(RecordState::Deleted, |head| head.state);
        let held_before = counts(&held);
        let held = self.follow(index, &record.id, held, was, state)?;
        let head = Head {
            state,
            updated_at: record.updated_at.clone(),
            hash: *hash,
            change: number,
            deriver: self.batch.deriver,
            versions,
            // What holds of it follows when the batch is done.
            rules: found.as_ref().map(|head| head.rules.clone()).unwrap_or_default(),
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
                let head = Head {
                    state,
                    updated_at: None,
                    hash: [0; 32],
                    change,
                    deriver: 0,
                    versions: 0,
                    rules: KeptRules::default(),
                };
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
            source: None,
            delivery: None,
            updated_at: head.updated_at.clone(),
            prior: Some(head.change),
            previous: Some(head.hash),
            hash: is_there.then_some(head.hash),
            members: vec![],
            rule: None,
        };
        let after = is_there.then_some(body.data.as_str());
        let number = self.log(change, Some(&body.data), after);
        let versions = head.versions.saturating_add(1);
        let replaced = (!is_there).then_some(body.data.as_str());
        self.keep_version(number, versions, replaced, None)?;
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
        self.put(id, Some(before), Head { state, change: number, versions, ..head }, body);
        Ok(())
    }
}
