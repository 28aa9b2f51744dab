//! A batch becomes records, changes and a scan's next position.

use connector_contract::types::DataRecord;
use connector_state::mirror::version::{Arrived, Decision, decide, decide_gone};
use connector_state::mirror::{Applied, Batch, ChangeKind, Derived, RecordState, ScanKind, Source};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::table::{KeptRecord, Table, Version};
use super::{derived, letters, look_ups, objects, scan};
use crate::columns::{run, signed};
use crate::fault::DbResult;

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
pub fn apply(on: &Connection, hashed: &Hashed, now_ms: u64) -> DbResult<Applied> {
    let Hashed { batch, records: hashes } = hashed;
    let object = objects::make(on, &batch.connection, &batch.object)?;
    let scan = match &batch.step {
        Some(step) => Some(scan::held(on, object, &batch.object, step)?),
        None => None,
    };
    let derived = |derived: &'_ Derived| {
        objects::make_derived(on, &batch.connection, &derived.object, object)
    };
    let keys = batch.derived.iter().map(derived).collect::<Result<Vec<_>, _>>()?;
    let mut work = BatchWork {
        object,
        batch,
        now_ms,
        applied: Applied::default(),
        table: Table::open(on, now_ms, batch.source == Source::Ours)?,
        derived: keys.into_iter().zip(&batch.derived).collect(),
        full: scan.as_ref().filter(|row| row.kind == Some(ScanKind::Full)).map(|row| row.scan),
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

/// A batch under way.
struct BatchWork<'c, 'b> {
    object: objects::Key,
    batch: &'b Batch,
    now_ms: u64,
    applied: Applied,
    table: Table<'c>,
    /// Lists that came with the batch, and the keys of their objects.
    derived: Vec<(objects::Key, &'b Derived)>,
    /// Number of the full scan that the batch is of, if it is of one.
    full: Option<u64>,
}

impl BatchWork<'_, '_> {
    fn arrive(&mut self, index: usize, record: &DataRecord, hash: &[u8; 32]) -> DbResult<()> {
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
                let version = Version { record, hash, holder: None, state };
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
                let (is_new, holder) = (found.is_none(), (row, state));
                self.applied.derived +=
                    derived::follow(&mut self.table, &self.derived, index, holder, is_new)?;
            }
            self.mark(row)?;
        }
        self.decided(&record.id, decision)
    }

    fn is_gone(&mut self, id: &str) -> DbResult<()> {
        let found = self.table.find(self.object, id)?;
        let kept = found.as_ref().map(KeptRecord::kept);
        let decision = decide_gone(kept.as_ref(), self.batch.source, self.batch.asked);
        match (decision, &found) {
            (Decision::Apply, Some(found)) => {
                self.table.remove(self.object, id, found)?;
                self.applied.deleted += 1;
                self.applied.derived +=
                    derived::end(&mut self.table, self.object, found.record, Table::remove)?;
            }
            (Decision::Apply, None) => self.table.bury(self.object, id)?,
            _ => {}
        }
        self.decided(id, decision)
    }

    fn has_aged_out(&mut self, id: &str) -> DbResult<()> {
        if let Some(found) = self.table.find(self.object, id)?
            && found.state == RecordState::Live
        {
            self.table.age_out(self.object, id, &found)?;
            self.applied.aged_out += 1;
            self.applied.derived +=
                derived::end(&mut self.table, self.object, found.record, Table::age_out)?;
        }
        Ok(())
    }

    /// Dead letters. Their records are seen all the same.
    fn set_aside(&mut self, on: &Connection) -> DbResult<()> {
        let scan = self.batch.step.as_ref().map(|step| step.scan);
        for item in &self.batch.unreadable {
            let put = letters::put(on, self.object, item, scan, self.now_ms)?;
            self.applied.unreadable += u64::from(put.is_new);
            if let (Some(id), Source::Lookup) = (&item.id, self.batch.source) {
                look_ups::settle(on, self.object, id, self.batch.asked)?;
            }
            let found = match &item.id {
                Some(id) => self.table.find(self.object, id)?,
                None => None,
            };
            match found {
                Some(found) => self.mark(found.record)?,
                None => self.applied.unseen += u64::from(put.is_unseen && self.full.is_some()),
            }
        }
        Ok(())
    }

    /// What cannot be decided is looked up; an answer to that takes it off the list.
    fn decided(&mut self, id: &str, decision: Decision) -> DbResult<()> {
        if decision == Decision::LookUp {
            look_ups::add(self.table.on, self.object, id, self.table.tick())?;
            if !self.applied.look_up.iter().any(|listed| listed == id) {
                self.applied.look_up.push(id.to_owned());
            }
        } else if matches!(self.batch.source, Source::Lookup | Source::Ours) {
            look_ups::settle(self.table.on, self.object, id, self.batch.asked)?;
        }
        Ok(())
    }

    /// Notes that the full scan has seen the record, if it had not.
    fn mark(&mut self, record: i64) -> DbResult<()> {
        if let Some(scan) = self.full {
            let sql = "INSERT INTO mirror_seen (record, scan) VALUES (?, ?) ON CONFLICT (record)
                       DO UPDATE SET scan = excluded.scan WHERE scan <> excluded.scan";
            self.applied.unseen += run(self.table.on, sql, (record, signed(scan)))? as u64;
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
