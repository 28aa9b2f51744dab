//! A batch becomes records, changes and a scan's next position.

use connector_contract::types::DataRecord;
use connector_state::mirror::version::{Arrived, Decision, decide, decide_gone};
use connector_state::mirror::{Applied, Batch, ChangeKind, RecordState, ScanKind, Source};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::derived::DerivedRecords;
use super::table::{KeptRecord, Table, Version};
use super::{letters, look_ups, objects, scan, seen};
use crate::fault::Fault;

/// A batch and the hashes of its texts, which need no lock.
pub struct Hashed {
    batch: Batch,
    records: Vec<[u8; 32]>,
}

impl Hashed {
    /// Hashes the records.
    pub fn new(batch: Batch) -> Self {
        let records = batch.records.iter().map(|record| hash(&record.data)).collect();
        Self { batch, records }
    }

    /// The batch, and the hash of each of its records.
    pub fn parts(&self) -> (&Batch, &[[u8; 32]]) {
        (&self.batch, &self.records)
    }
}

/// SHA-256 of a text.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Commits a batch.
pub fn apply(on: &Connection, hashed: &Hashed, now_ms: u64) -> Result<Applied, Fault> {
    let Hashed { batch, records: hashes } = hashed;
    let object = objects::make(on, &batch.connection, &batch.object)?;
    let scan = match &batch.step {
        Some(step) => Some(scan::held(on, object, &batch.object, step)?),
        None => None,
    };
    let full = scan.as_ref().filter(|row| row.kind == Some(ScanKind::Full)).map(|row| row.scan);
    let mut work = BatchWork {
        object,
        batch,
        now_ms,
        applied: Applied::default(),
        table: Table::open(on, now_ms, batch.source == Source::Ours)?,
        held: DerivedRecords::open(on, object, batch)?,
        seen: full.map(|scan| seen::Marks::open(on, scan)).transpose()?,
        look_ups: look_ups::LookUpList::open(on, object)?,
    };
    for (index, (record, hash)) in batch.records.iter().zip(hashes).enumerate() {
        work.arrive(index, record, hash)?;
    }
    batch.deleted.iter().try_for_each(|id| work.is_gone(id))?;
    batch.aged_out.iter().try_for_each(|id| work.has_aged_out(id))?;
    work.set_aside(on)?;
    let BatchWork { mut applied, mut table, .. } = work;
    letters::drift(on, object, &batch.drift, &mut table)?;
    applied.newest = table.newest;
    table.close()?;
    if let (Some(step), Some(row)) = (&batch.step, scan) {
        let records = batch.records.len() as u64;
        scan::step(on, object, row, step, records, now_ms)?;
    }
    Ok(applied)
}

struct BatchWork<'c, 'b> {
    object: objects::Key,
    batch: &'b Batch,
    now_ms: u64,
    applied: Applied,
    table: Table<'c>,
    held: DerivedRecords<'c, 'b>,
    seen: Option<seen::Marks<'c>>,
    look_ups: look_ups::LookUpList<'c>,
}

impl BatchWork<'_, '_> {
    fn arrive(&mut self, index: usize, record: &DataRecord, hash: &[u8; 32]) -> Result<(), Fault> {
        let found = self.table.find(self.object, &record.id)?;
        let arrived = Arrived {
            source: self.batch.source,
            asked: self.batch.asked,
            updated_at: record.updated_at.as_deref(),
            hash,
            now_s: i64::try_from(self.now_ms / 1_000).unwrap_or(i64::MAX),
        };
        let decision = decide(found.as_ref().map(KeptRecord::kept).as_ref(), &arrived);
        let state = state_after(found.as_ref(), self.batch.source);
        let mut row = found.as_ref().map(|found| found.record);
        match decision {
            Decision::Apply => {
                let version = Version {
                    id: &record.id,
                    holder: None,
                    state,
                    updated_at: record.updated_at.as_deref(),
                    created_at: record.created_at.as_deref(),
                    hash,
                    data: &record.data,
                };
                let (kind, made) = self.table.put(self.object, &version, found.as_ref())?;
                row = Some(made);
                match kind {
                    ChangeKind::Created => self.applied.created += 1,
                    _ => self.applied.updated += 1,
                }
            }
            Decision::Keep => {
                self.applied.unchanged += 1;
                self.table.confirm(found.as_ref(), arrived.updated_at)?;
            }
            Decision::Stale => self.applied.stale += 1,
            Decision::LookUp => {}
        }
        if let Some(row) = row {
            if matches!(decision, Decision::Apply | Decision::Keep) {
                let is_new = found.is_none();
                self.applied.derived +=
                    self.held.follow(&mut self.table, index, row, state, is_new)?;
            }
            if let Some(seen) = &mut self.seen {
                self.applied.unseen += seen.mark(row)?;
            }
        }
        self.decided(&record.id, decision)
    }

    fn is_gone(&mut self, id: &str) -> Result<(), Fault> {
        let found = self.table.find(self.object, id)?;
        let kept = found.as_ref().map(KeptRecord::kept);
        let decision = decide_gone(kept.as_ref(), self.batch.source, self.batch.asked);
        match (decision, &found) {
            (Decision::Apply, Some(found)) => {
                self.table.remove(self.object, id, found)?;
                self.applied.deleted += 1;
                self.applied.derived +=
                    self.held.end(&mut self.table, found.record, Table::remove)?;
            }
            (Decision::Apply, None) => self.table.bury(self.object, id)?,
            _ => {}
        }
        self.decided(id, decision)
    }

    fn has_aged_out(&mut self, id: &str) -> Result<(), Fault> {
        if let Some(found) = self.table.find(self.object, id)?
            && found.state == RecordState::Live
        {
            self.table.age_out(self.object, id, &found)?;
            self.applied.aged_out += 1;
            self.applied.derived += self.held.end(&mut self.table, found.record, Table::age_out)?;
        }
        Ok(())
    }

    /// Dead letters. Their records are seen all the same.
    fn set_aside(&mut self, on: &Connection) -> Result<(), Fault> {
        let scan = self.batch.step.as_ref().map(|step| step.scan);
        for item in &self.batch.unreadable {
            let put = letters::put(on, self.object, item, scan, self.now_ms)?;
            self.applied.unreadable += u64::from(put.is_new);
            if let (Some(id), Source::Lookup) = (&item.id, self.batch.source) {
                self.look_ups.settle(id, self.batch.asked)?;
            }
            let Some(seen) = &mut self.seen else { continue };
            let found = match &item.id {
                Some(id) => self.table.find(self.object, id)?,
                None => None,
            };
            self.applied.unseen += match found {
                Some(found) => seen.mark(found.record)?,
                None => u64::from(put.is_unseen),
            };
        }
        Ok(())
    }

    /// What cannot be decided is looked up; an answer to that takes it off the list.
    fn decided(&mut self, id: &str, decision: Decision) -> Result<(), Fault> {
        if decision == Decision::LookUp {
            self.look_ups.add(id, self.table.tick())?;
            if !self.applied.look_up.iter().any(|listed| listed == id) {
                self.applied.look_up.push(id.to_owned());
            }
        } else if matches!(self.batch.source, Source::Lookup | Source::Ours) {
            self.look_ups.settle(id, self.batch.asked)?;
        }
        Ok(())
    }
}

/// Lists alone can show that a record did not age out.
fn state_after(found: Option<&KeptRecord>, source: Source) -> RecordState {
    match found {
        Some(found) if found.state == RecordState::AgedOut && source != Source::Page => {
            RecordState::AgedOut
        }
        _ => RecordState::Live,
    }
}
