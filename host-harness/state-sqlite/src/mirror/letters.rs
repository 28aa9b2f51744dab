//! What could not be read, and where records differ from their schema.

use connector_state::mirror::{ChangeKind, Unreadable};
use rusqlite::{Connection, OptionalExtension as _};

use super::apply::hash;
use super::objects::Key;
use super::table::Table;
use crate::columns::{run, signed};

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
    let met: Option<(i64, Option<i64>)> =
        on.query_row(sql, (object, hash), |row| row.try_into()).optional()?;
    let Some((number, met)) = met else {
        let sql = "INSERT INTO mirror_dead_letters (object, id, raw, hash, reason, at_ms, scan)
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        run(on, sql, (object, &item.id, &item.raw, hash, &item.reason, signed(now_ms), scan))?;
        return Ok(Put { is_new: true, is_unseen: true });
    };
    let is_unseen = scan.is_some() && met != scan;
    if is_unseen {
        let sql = "UPDATE mirror_dead_letters SET scan = ? WHERE number = ?";
        run(on, sql, (scan, number))?;
    }
    Ok(Put { is_new: false, is_unseen })
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
        if run(on, sql, (object, pointer))? > 0 {
            new.push(pointer.clone());
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    new.sort_unstable();
    table.tell(object, ChangeKind::Drift, &new)
}
