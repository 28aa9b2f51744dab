//! Derived records follow their holders.

use std::collections::BTreeMap;

use connector_state::mirror::{Derived, RecordState};
use rusqlite::{Connection, Result};

use super::apply::hash;
use super::objects::{self, Key};
use super::table::{KeptRecord, Table, Version};
use crate::columns::Record as _;

/// Brings what a holder (by the key of its row) holds in line with the lists at `index`. Answers
/// how much changed.
pub fn follow(
    table: &mut Table<'_>,
    lists: &[(Key, &Derived)],
    index: usize,
    (holder, state): (i64, RecordState),
    is_new: bool,
) -> Result<u64> {
    let mut changed = 0;
    for &(object, derived) in lists {
        let Some(list) = derived.lists.get(index) else { continue };
        let mut left = match is_new {
            true => BTreeMap::new(),
            false => held_by(table.on, object, holder)?,
        };
        for record in list {
            let kept = match left.remove(&record.id) {
                Some(kept) => Some(kept),
                None => table.find(object, &record.id)?,
            };
            let hash = hash(&record.data);
            let is_same = |kept: &KeptRecord| kept.state == state && kept.hash == hash;
            if !kept.as_ref().is_some_and(is_same) {
                let version = Version { record, hash: &hash, holder: Some(holder), state };
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

/// What a holder held ends as it did, by `end`. Answers how much changed.
pub fn end<'t>(
    table: &mut Table<'t>,
    holders: Key,
    holder: i64,
    end: impl Fn(&mut Table<'t>, Key, &str, &KeptRecord) -> Result<()>,
) -> Result<u64> {
    let mut changed = 0;
    for object in objects::derived_from(table.on, holders)? {
        for (id, kept) in held_by(table.on, object, holder)? {
            end(table, object, &id, &kept)?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn held_by(on: &Connection, object: Key, holder: i64) -> Result<BTreeMap<String, KeptRecord>> {
    let sql = "SELECT record, state, updated_at, hash, change, id FROM mirror_records
               WHERE holder = ? AND object = ? AND state <> 'deleted'";
    let mut found = on.prepare_cached(sql)?;
    found.query_map((holder, object), |row| Ok((row.get("id")?, KeptRecord::read(row)?)))?.collect()
}
