//! What could not be read, and where records differ from their schema.

use connector_state::mirror::{ChangeKind, DeadLetterRow, Unreadable};
use rusqlite::{Connection, OptionalExtension as _};

use super::apply::hash;
use super::objects::Key;
use super::table::Table;
use crate::columns::{self, signed};

/// What came of putting a dead letter.
pub struct Put {
    /// It was not there.
    pub is_new: bool,
    /// The scan had not met it.
    pub is_unseen: bool,
}

/// Keeps an item that could not be read; the same one once.
pub fn put(
    on: &Connection,
    object: Key,
    item: &Unreadable,
    scan: Option<u64>,
    now_ms: u64,
) -> rusqlite::Result<Put> {
    // Of what was never answered there is no text.
    let text = item.id.as_ref().filter(|_| item.raw.is_empty()).unwrap_or(&item.raw);
    let (hash, scan) = (hash(text), scan.map(signed));
    let sql = "SELECT number, scan FROM mirror_dead_letters WHERE object = ? AND hash = ?";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
    let Some((number, met)) = on.query_row(sql, (object, hash), read).optional()? else {
        on.execute(
            "INSERT INTO mirror_dead_letters (object, id, raw, hash, reason, at_ms, scan)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            (object, &item.id, &item.raw, hash, &item.reason, signed(now_ms), scan),
        )?;
        return Ok(Put { is_new: true, is_unseen: true });
    };
    let is_unseen = scan.is_some() && met != scan;
    if is_unseen {
        let sql = "UPDATE mirror_dead_letters SET scan = ? WHERE number = ?";
        on.execute(sql, (scan, number))?;
    }
    Ok(Put { is_new: false, is_unseen })
}

/// Dead letters of one connection or of all, oldest first.
pub fn all(on: &Connection, connection: Option<&str>) -> rusqlite::Result<Vec<DeadLetterRow>> {
    let sql = "SELECT number, connection, name AS object, id, raw, reason, at_ms
               FROM mirror_dead_letters JOIN mirror_objects USING (object)
               WHERE ?1 IS NULL OR connection = ?1 ORDER BY number";
    columns::all(on, sql, [connection])
}

/// Removes a dead letter. Answers whether it was there.
pub fn remove(on: &Connection, number: u64) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM mirror_dead_letters WHERE number = ?";
    Ok(on.execute(sql, [signed(number)])? > 0)
}

/// Tells where records differ from their schema, as far as that was not told before.
pub fn drift(
    on: &Connection,
    object: Key,
    pointers: &[String],
    table: &mut Table<'_>,
) -> rusqlite::Result<()> {
    let mut new = Vec::new();
    for pointer in pointers {
        let sql = "INSERT OR IGNORE INTO mirror_drifts (object, pointer) VALUES (?, ?)";
        if on.execute(sql, (object, pointer))? > 0 {
            new.push(pointer.clone());
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    new.sort_unstable();
    table.tell(object, ChangeKind::Drift, &new)
}
