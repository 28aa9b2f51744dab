//! Counts by value, and of cells. A commit moves hundreds of them, which lie all over their table: it appends
//! its moves to `mirror_moved` as one row, and every so many of these are folded into `mirror_values`, in their
//! order. Whoever reads counts adds those that are not folded yet.

use connector_state::mirror::analytics::ENTERED;
use connector_state::mirror::plan::{ValueMoves, ValueRows, forgotten};
use rusqlite::{Connection, Result};

use super::objects::Key;
use crate::columns::{from_json, json, prepared, run, value};

/// So many commits are folded together.
const FOLDED: u64 = 64;
/// Bytes of moves; more of one commit are folded at once, so that readers never add much. A page of 200 records
/// has some 15 KB.
const MOST_BYTES: usize = 64 << 10;

/// Adds what a commit moves.
pub fn add(on: &Connection, number: Key, moves: &ValueMoves) -> Result<()> {
    if moves.values().flat_map(|moved| moved.values()).all(|by| *by == 0) {
        return Ok(());
    }
    let sql = "SELECT batch FROM mirror_moved WHERE number = ? ORDER BY batch DESC LIMIT 1";
    let batch = value::<u64>(on, sql, [number])?.unwrap_or_default() + 1;
    let moved = json(moves)?;
    if batch >= FOLDED || moved.len() > MOST_BYTES {
        return fold(on, number, moves);
    }
    let sql = "INSERT INTO mirror_moved (number, batch, moved) VALUES (?, ?, ?)";
    run(on, sql, (number, batch, moved)).map(drop)
}

/// The moves that are not folded yet, in their order.
fn waiting(on: &Connection, number: Key) -> Result<Vec<ValueMoves>> {
    let sql = "SELECT moved FROM mirror_moved WHERE number = ? ORDER BY batch";
    prepared(on, sql)?.query_map([number], |row| from_json(row, "moved"))?.collect()
}

/// The rows of these slots as they were folded last.
fn folded(
    on: &Connection,
    number: Key,
    slots: impl IntoIterator<Item = usize>,
) -> Result<ValueRows> {
    let sql = "SELECT others, value, records FROM mirror_values WHERE number = ? AND slot = ?";
    let (mut rows, mut find) = (ValueRows::default(), prepared(on, sql)?);
    for slot in slots {
        let mut found = find.query((number, slot))?;
        while let Some(row) = found.next()? {
            let (others, value, records): (bool, String, i64) = row.try_into()?;
            rows.put(slot, (!others).then_some(value), records);
        }
    }
    Ok(rows)
}

/// The counts of these slots.
pub fn of(
    on: &Connection,
    number: Key,
    slots: impl IntoIterator<Item = usize>,
) -> Result<ValueRows> {
    let slots: std::collections::BTreeSet<usize> = slots.into_iter().collect();
    let mut rows = folded(on, number, slots.iter().copied())?;
    for mut moves in waiting(on, number)? {
        moves.retain(|slot, _| slots.contains(slot));
        rows.add(&moves);
    }
    Ok(rows)
}

/// Folds what waits, and then what a commit moves.
fn fold(on: &Connection, number: Key, moves: &ValueMoves) -> Result<()> {
    let mut batches = waiting(on, number)?;
    batches.push(moves.clone());
    let mut moved = std::collections::BTreeSet::new();
    for (slot, values) in batches.iter().flatten() {
        moved.insert((*slot, None));
        moved.extend(values.keys().map(|value| (*slot, Some(value.as_str()))));
    }
    let slots = moved.iter().filter(|(_, value)| value.is_none()).map(|(slot, _)| *slot);
    let mut rows = folded(on, number, slots)?;
    for batch in &batches {
        for slot in rows.add(batch) {
            let sql = "DELETE FROM mirror_values
                       WHERE number = ? AND slot = ? AND others = 0 AND records = 0";
            run(on, sql, (number, slot))?;
        }
    }
    // The newest day of all says what is forgotten.
    if let Some(first) = batches.iter().filter_map(forgotten).max() {
        let sql = "DELETE FROM mirror_values
                   WHERE number = ? AND slot = ? AND others = 0 AND value < ?";
        run(on, sql, (number, ENTERED, first))?;
    }
    let put =
        "INSERT INTO mirror_values (number, slot, others, value, records) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET records = excluded.records
                   WHERE records <> excluded.records";
    let remove = "DELETE FROM mirror_values
                  WHERE number = ? AND slot = ? AND others = ? AND value = ?";
    for (slot, value) in moved {
        let key = (number, slot, value.is_none(), value.unwrap_or_default());
        match rows.row(slot, value) {
            Some(records) => run(on, put, (key.0, key.1, key.2, key.3, records))?,
            None => run(on, remove, key)?,
        };
    }
    run(on, "DELETE FROM mirror_moved WHERE number = ?", [number]).map(drop)
}
