//! Derived records follow their holders.

use std::collections::BTreeMap;

use connector_state::mirror::{Batch, Derived, RecordState};
use rusqlite::{Connection, Statement};

use super::apply::hash;
use super::objects::{self, Key};
use super::table::{KeptRecord, Table, Version};
use crate::columns::Record as _;
use crate::fault::Fault;

/// What the records of an object hold.
pub struct DerivedRecords<'c, 'b> {
    on: &'c Connection,
    holders: Key,
    /// Lists that came with the batch, and the keys of their objects.
    lists: Vec<(Key, &'b Derived)>,
    of_holder: Statement<'c>,
}

impl<'c, 'b> DerivedRecords<'c, 'b> {
    /// For a batch of this object.
    pub fn open(on: &'c Connection, holders: Key, batch: &'b Batch) -> Result<Self, Fault> {
        let key = |derived: &'b Derived| {
            let key = objects::make_derived(on, &batch.connection, &derived.object, holders)?;
            Ok((key, derived))
        };
        let lists = batch.derived.iter().map(key).collect::<Result<_, Fault>>()?;
        let of_holder = on.prepare(
            "SELECT record, state, updated_at, hash, change, id FROM mirror_records
             WHERE holder = ? AND object = ? AND state <> 'deleted'",
        )?;
        Ok(Self { on, holders, lists, of_holder })
    }

    /// Brings what a holder (by the key of its row) holds in line with the lists at `index`. Answers how much changed.
    pub fn follow(
        &mut self,
        table: &mut Table<'_>,
        index: usize,
        holder: i64,
        state: RecordState,
        is_new: bool,
    ) -> Result<u64, Fault> {
        let mut changed = 0;
        for &(object, derived) in &self.lists {
            let Some(list) = derived.lists.get(index) else { continue };
            let mut left = match is_new {
                true => BTreeMap::new(),
                false => held_by(&mut self.of_holder, object, holder)?,
            };
            for record in list {
                let kept = match left.remove(&record.id) {
                    Some(kept) => Some(kept),
                    None => table.find(object, &record.id)?,
                };
                let version = Version {
                    id: &record.id,
                    holder: Some(holder),
                    state,
                    updated_at: record.updated_at.as_deref(),
                    created_at: record.created_at.as_deref(),
                    hash: &hash(&record.data),
                    data: &record.data,
                };
                let is_same = |kept: &KeptRecord| kept.state == state && kept.hash == *version.hash;
                if !kept.as_ref().is_some_and(is_same) {
                    table.put(object, &version, kept.as_ref())?;
                    changed += 1;
                }
            }
            for (id, kept) in left {
                table.remove(object, &id, &kept)?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// What became of a holder ([`Table::remove`], [`Table::age_out`]) becomes of all that it holds.
    pub fn end<'t>(
        &mut self,
        table: &mut Table<'t>,
        holder: i64,
        end: impl Fn(&mut Table<'t>, Key, &str, &KeptRecord) -> rusqlite::Result<()>,
    ) -> Result<u64, Fault> {
        let mut changed = 0;
        for object in objects::derived_from(self.on, self.holders)? {
            for (id, kept) in held_by(&mut self.of_holder, object, holder)? {
                end(table, object, &id, &kept)?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

fn held_by(
    of_holder: &mut Statement<'_>,
    object: Key,
    holder: i64,
) -> rusqlite::Result<BTreeMap<String, KeptRecord>> {
    of_holder
        .query_map((holder, object), |row| Ok((row.get("id")?, KeptRecord::read(row)?)))?
        .collect()
}
