//! What records hold follows them.

use std::collections::BTreeMap;

use connector_contract::types::DataRecord;

use super::PlannedChange;
use super::work::Work;
use crate::StoreError;
use crate::mirror::held::{Held, HeldRecord, foreign, is_held_by};
use crate::mirror::{ChangeKind, RecordState, hash_of, members};

impl Work<'_> {
    pub(super) fn must_be_derived(&self, index: usize) -> Result<(), StoreError> {
        match self.batch.underived.contains(&index) && !self.batch.derived.is_empty() {
            true => Err(StoreError::ChangedMeanwhile { object: self.batch.object.clone() }),
            false => Ok(()),
        }
    }

    /// Brings what a record holds in line with the lists at `index`.
    pub(super) fn follow(
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

    pub(super) fn put_held(
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
            source: None,
            delivery: None,
            updated_at: record.updated_at.clone(),
            prior: kept.map(|kept| kept.change),
            previous: kept.map(|kept| kept.hash),
            hash: Some(hash),
            members: names,
            rule: None,
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
    pub(super) fn end_held(
        &mut self,
        object: usize,
        mut record: HeldRecord,
        kind: ChangeKind,
    ) -> HeldRecord {
        let is_there = kind == ChangeKind::AgedOut;
        let change = PlannedChange {
            number: 0,
            object,
            id: record.id.clone(),
            kind,
            ours: false,
            source: None,
            delivery: None,
            updated_at: record.updated_at.clone(),
            prior: Some(record.change),
            previous: Some(record.hash),
            hash: is_there.then_some(record.hash),
            members: vec![],
            rule: None,
        };
        let after = is_there.then(|| record.data.clone());
        record.change = self.log(change, Some(&record.data.clone()), after.as_deref());
        self.plan.applied.derived += 1;
        record
    }
}
