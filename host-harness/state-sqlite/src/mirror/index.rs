//! The index of an object: its rows, and how they come to be.

use std::collections::BTreeMap;

use connector_state::mirror::analytics::{Analytics, CELLS, CellCounts};
use connector_state::mirror::index::ValueReader;
use connector_state::mirror::plan::{self, IndexMove, KeptIndex, ValueMoves};
use connector_state::mirror::rules::{KeptRules, Ruled, counts as count_rules, due, follow};
use connector_state::mirror::{MemberCounts, MemberIndex, RecordState, ValueCounts};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::erase::{rows, some};
use super::objects::{self, Key};
use super::{counts as kept, rules};
use crate::columns::{Column, from_json, json, prepared, run, value, values};
use crate::fault::DbResult;

/// Records whose bodies have keys next to each other have their rows next to each other.
pub const BLOCK: i64 = 256;

/// So many rows of an index that lie side by side cost as much as one elsewhere.
const SIDE_BY_SIDE: usize = 10;

/// The index of an object, and its number.
pub fn of(on: &Connection, object: Key) -> Result<(Key, KeptIndex)> {
    let sql = "SELECT i.number, i.members, i.built, coalesce(c.rules, '{}') AS rules
               FROM mirror_indexes AS i CROSS JOIN mirror_objects AS o USING (object)
                   CROSS JOIN mirrors AS m USING (mirror)
                   LEFT JOIN connections AS c ON c.id = m.connection
               WHERE i.object = ? AND i.dropped = 0";
    let read = |row: &Row<'_>| {
        let (members, settings) = (members(row)?, from_json(row, "rules")?);
        let index = KeptIndex { members, built: row.get("built")?, settings };
        Ok((row.get("number")?, index))
    };
    Ok(prepared(on, sql)?.query_row([object], read).optional()?.unwrap_or_default())
}

fn members(row: &Row<'_>) -> Result<MemberIndex> {
    from_json(row, "members")
}

/// What is to be indexed of a connector's objects, where that is anything.
pub fn wanted(on: &Connection, connector: &str) -> Result<BTreeMap<String, MemberIndex>> {
    let sql = "SELECT object, members FROM mirror_members WHERE connector = ?";
    prepared(on, sql)?
        .query_map([connector], |row| Ok((row.get("object")?, members(row)?)))?
        .collect()
}

/// What is to be indexed of an object.
fn wanted_of(on: &Connection, object: Key) -> Result<MemberIndex> {
    let sql = "SELECT w.members FROM mirror_objects AS o
                   CROSS JOIN mirrors AS m USING (mirror)
                   CROSS JOIN connections AS c ON c.id = m.connection
                   CROSS JOIN mirror_members AS w ON w.connector = c.connector AND w.object = o.name
               WHERE o.object = ?";
    Ok(prepared(on, sql)?.query_row([object], members).optional()?.unwrap_or_default())
}

/// What is to be indexed of an object of which nothing is kept yet.
pub fn wanted_by(on: &Connection, connection: &str, object: &str) -> Result<MemberIndex> {
    let sql = "SELECT members FROM connections JOIN mirror_members USING (connector)
               WHERE id = ? AND object = ?";
    let found = prepared(on, sql)?.query_row([connection, object], members).optional();
    found.map(Option::unwrap_or_default)
}

/// Says what is to be indexed of a connector's objects, and begins anew where that changes.
pub fn set(
    on: &Connection,
    connector: &str,
    indexes: &BTreeMap<String, MemberIndex>,
) -> DbResult<()> {
    run(on, "DELETE FROM mirror_members WHERE connector = ?", [connector])?;
    for (object, index) in indexes {
        let sql = "INSERT INTO mirror_members (connector, object, members) VALUES (?, ?, ?)";
        run(on, sql, (connector, object, json(index)?))?;
    }
    let sql =
        "SELECT o.object FROM connections CROSS JOIN mirrors AS m ON m.connection = connections.id
                   CROSS JOIN mirror_objects AS o USING (mirror)
               WHERE connector = ?";
    for object in values::<Key>(on, sql, [connector])? {
        if of(on, object)?.1.members != wanted_of(on, object)? {
            replace(on, object)?;
        }
    }
    Ok(())
}

/// An index for an object that has none. What is there already is indexed in pieces.
pub fn make(on: &Connection, object: Key) -> Result<()> {
    let sql = "INSERT INTO mirror_indexes (object, members, built, dropped)
               SELECT object, ?, iif(derived_from IS NULL AND live + aged_out > 0, '', NULL), 0
               FROM mirror_objects WHERE object = ?";
    run(on, sql, (json(&wanted_of(on, object)?)?, object)).map(drop)
}

/// The index that an object is to have, where it has none or another one.
pub fn renew(on: &Connection, object: Key) -> Result<()> {
    let (number, kept) = of(on, object)?;
    match (number, kept.members == wanted_of(on, object)?) {
        (0, _) => make(on, object),
        (_, true) => Ok(()),
        (_, false) => replace(on, object),
    }
}

/// Another index for an object: what it has in the old one is erased in pieces.
pub fn replace(on: &Connection, object: Key) -> Result<()> {
    drop_of(on, object)?;
    make(on, object)
}

/// The object has no index any more.
pub fn drop_of(on: &Connection, object: Key) -> Result<()> {
    let sql = "UPDATE mirror_indexes SET dropped = 1 WHERE object = ? AND dropped = 0";
    run(on, sql, [object]).map(drop)
}

/// Erases rows of an index that is not used any more. Answers whether that was the last of it; `None` where
/// there is none.
pub fn erase_dropped(on: &Connection, limit: usize) -> DbResult<Option<bool>> {
    let sql = "SELECT number FROM mirror_indexes WHERE dropped = 1 ORDER BY number LIMIT 1";
    let Some(number) = value::<Key>(on, sql, ())? else { return Ok(None) };
    // They lie side by side, many on a page.
    let limit = limit.saturating_mul(SIDE_BY_SIDE);
    let keys = "number, block, slot, value, body";
    let mut erased = some(on, "mirror_entries", keys, "number", number, limit)?;
    let keys = "number, slot, others, value";
    erased += some(on, "mirror_values", keys, "number", number, limit - erased)?;
    erased += some(on, "mirror_moved", "number, batch", "number", number, limit - erased)?;
    let is_done = erased < limit;
    if is_done {
        run(on, "DELETE FROM mirror_indexes WHERE number = ?", [number])?;
    }
    Ok(Some(is_done))
}

/// What becomes of the rows of records.
#[derive(Default)]
pub struct Moved<'m> {
    gone: Vec<(i64, usize, &'m str)>,
    new: Vec<(i64, usize, &'m str)>,
}

impl<'m> Moved<'m> {
    /// That of the record with this body.
    pub fn add(&mut self, body: i64, moves: &'m [IndexMove]) {
        let of = |moved: &'m IndexMove, value: &'m Option<String>| {
            value.as_deref().map(|value| (body, moved.slot, value))
        };
        self.gone.extend(moves.iter().filter_map(|moved| of(moved, &moved.before)));
        self.new.extend(moves.iter().filter_map(|moved| of(moved, &moved.after)));
    }

    /// Writes them in the order in which they lie.
    pub fn write(mut self, on: &Connection, number: Key) -> Result<()> {
        let place = |(body, slot, value): &(i64, usize, &'m str)| (body / BLOCK, *slot, *value);
        let sql = "DELETE FROM mirror_entries
                   WHERE number = ? AND block = ? AND slot = ? AND value = ? AND body = ?";
        for (body, slot, value) in self.gone {
            run(on, sql, (number, body / BLOCK, slot, value, body))?;
        }
        // A row that is there says the same.
        self.new.sort_unstable_by(|one, other| place(one).cmp(&place(other)));
        let sql = "INSERT OR IGNORE INTO mirror_entries (number, block, slot, value, body)
                   VALUES (?, ?, ?, ?, ?)";
        let mut insert = prepared(on, sql)?;
        for (body, slot, value) in self.new {
            insert.execute((number, body / BLOCK, slot, value, body))?;
        }
        Ok(())
    }
}

/// How many records have which value.
pub fn counts(on: &Connection, object: Key) -> Result<ValueCounts> {
    let (number, index) = of(on, object)?;
    let raised = match objects::by_key(on, object)? {
        Some(found) if !index.members.rules.is_empty() => rules::counts(on, found.records)?,
        _ => BTreeMap::new(),
    };
    let mut counts = ValueCounts {
        members: vec![],
        rules: count_rules(&index.members.rules, &index.settings, &raised),
        is_partial: index.built.is_some(),
    };
    let rows = kept::of(on, number, index.members.counted())?;
    for slot in index.members.counted() {
        let (values, others) = rows.of(slot);
        let pointer = index.members.pointer(slot).to_owned();
        counts.members.push(MemberCounts { pointer, values, others });
    }
    Ok(counts)
}

/// The cells, made analytics.
pub fn analytics(on: &Connection, object: Key) -> Result<Analytics> {
    let (number, index) = of(on, object)?;
    let Some(members) = &index.members.analyzed else { return Ok(Analytics::default()) };
    let mut counts: [CellCounts; 5] = Default::default();
    let rows = kept::of(on, number, CELLS)?;
    for (slot, counts) in CELLS.into_iter().zip(&mut counts) {
        let (cells, others) = rows.of(slot);
        *counts = CellCounts { cells, others };
    }
    let is_partial = index.built.is_some();
    Ok(Analytics { is_partial, ..Analytics::of(members, counts) })
}

/// Indexes some of the records of an index that is not complete. Answers how many rows that took.
pub fn build(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT number FROM mirror_indexes WHERE built IS NOT NULL AND dropped = 0
               ORDER BY number LIMIT 1";
    // They lie side by side, many on a page.
    let limit = limit.saturating_mul(SIDE_BY_SIDE);
    let mut written = 0;
    while written < limit {
        let Some(number) = value::<Key>(on, sql, ())? else { break };
        // To look for one counts too.
        written += build_some(on, number, now_ms, limit - written)?.max(SIDE_BY_SIDE);
    }
    Ok(written / SIDE_BY_SIDE)
}

/// A record as it is kept.
struct Unindexed {
    id: String,
    made: Option<String>,
    updated_at: Option<String>,
    body: i64,
    data: String,
    is_live: bool,
    rules: KeptRules,
}

fn build_some(on: &Connection, number: Key, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT o.records, i.object FROM mirror_indexes AS i
                   CROSS JOIN mirror_objects AS o USING (object) WHERE i.number = ?";
    let found: Option<(Key, Key)> =
        prepared(on, sql)?.query_row([number], |row| row.try_into()).optional()?;
    let Some((records, object)) = found else {
        // Its object is gone.
        run(on, "UPDATE mirror_indexes SET dropped = 1 WHERE number = ?", [number])?;
        return Ok(1);
    };
    let (_, index) = of(on, object)?;
    let slots = index.members.members.len() + connector_state::mirror::index::MEMBERS;
    let at_once = (limit / slots).max(1);
    let sql = "SELECT h.id, b.created_at, h.updated_at, h.body, b.data, h.state, h.rules
               FROM mirror_heads AS h CROSS JOIN mirror_bodies AS b USING (body)
               WHERE h.records = ? AND h.id > ? AND h.state <> 'deleted' ORDER BY h.id LIMIT ?";
    let after = index.built.clone().unwrap_or_default();
    let read = |row: &Row<'_>| {
        Ok(Unindexed {
            id: row.get("id")?,
            made: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            body: row.get("body")?,
            data: row.get("data")?,
            is_live: RecordState::read(row, "state")? == RecordState::Live,
            rules: Column::read(row, "rules")?,
        })
    };
    let found: Vec<Unindexed> = prepared(on, sql)?
        .query_map((records, after, rows(at_once)), read)?
        .collect::<Result<_>>()?;
    let reader = ValueReader::new(&index.members);
    let (mut counted, mut ruled) = (ValueMoves::new(), Vec::new());
    let moves: Vec<(i64, Vec<IndexMove>)> = found
        .iter()
        .map(|Unindexed { id, made, updated_at, body, data, is_live, rules }| {
            let values = reader.values(id, made.as_deref(), updated_at.as_deref(), data);
            let since = if *is_live { values.rules.as_slice() } else { &[] };
            let due = due(&index.members.rules, &index.settings, since);
            let followed = follow(rules, &due, now_ms);
            // Nothing is known of an object of which nobody has said what is indexed.
            let is_known = index.members != MemberIndex::default();
            if is_known && followed.changes(rules) {
                let (id, updated_at) = (id.clone(), updated_at.clone());
                ruled.push(Ruled { id, row: *body, updated_at, followed });
            }
            plan::count_new(&mut counted, &index.members, &values, updated_at.as_deref(), now_ms);
            let new = |(slot, value)| IndexMove { slot, before: None, after: Some(value) };
            (*body, values.slots.into_iter().enumerate().map(new).collect())
        })
        .collect();
    let mut moved = Moved::default();
    moves.iter().for_each(|(body, moves)| moved.add(*body, moves));
    moved.write(on, number)?;
    kept::add(on, number, &counted)?;
    if let Some(object) = objects::by_key(on, object)? {
        rules::rule(on, object, &ruled, now_ms)?;
    }
    let built = found.last().filter(|_| found.len() == at_once).map(|last| &last.id);
    run(on, "UPDATE mirror_indexes SET built = ? WHERE number = ?", (built, number))?;
    Ok(found.len() * slots)
}
