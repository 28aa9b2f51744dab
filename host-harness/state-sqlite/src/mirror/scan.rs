//! How far scans are, and the bookmarks that they had.

use connector_state::journal::entries;
use connector_state::mirror::ScanRow;
use rusqlite::{Connection, Result};

use super::objects::{self, Key};
use crate::columns::{self, Record as _, run, signed, value};
use crate::fault::DbResult;
use crate::journal;

/// Scans with the names of what they are of.
pub const SELECT: &str = "SELECT m.connection, o.name AS object, s.*
    FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
        JOIN mirror_scans AS s USING (object) WHERE";

/// Lets `change` decide on a scan.
pub fn change(
    on: &Connection,
    connection: &str,
    object: &str,
    (now_ms, by): (u64, Option<&str>),
    change: impl Fn(&ScanRow) -> Option<ScanRow>,
) -> DbResult<ScanRow> {
    let key = objects::make(on, connection, object)?.object;
    let now = of_object(on, key)?.unwrap_or_else(|| ScanRow::new(connection, object));
    let Some(new) = change(&now) else { return Ok(now) };
    put(on, key, &new)?;
    if let Some(entry) = entries::of_scan(&now, &new) {
        journal::note(on, connection, now_ms, by, &entry)?;
    }
    Ok(new)
}

/// When the newest bookmark was kept that is not of the future.
pub fn bookmarked_ms(on: &Connection, object: Key, now_ms: u64) -> Result<Option<u64>> {
    let sql = "SELECT at_ms FROM mirror_bookmarks WHERE object = ? AND at_ms <= ?
               ORDER BY at_ms DESC LIMIT 1";
    value(on, sql, (object, signed(now_ms)))
}

/// Keeps a bookmark, and forgets those from before `until_ms` but for the newest of them.
pub fn keep_bookmark(
    on: &Connection,
    object: Key,
    bookmark: &str,
    now_ms: u64,
    until_ms: u64,
) -> Result<()> {
    let sql = "REPLACE INTO mirror_bookmarks (object, at_ms, bookmark) VALUES (?, ?, ?)";
    run(on, sql, (object, signed(now_ms), bookmark))?;
    let sql = "DELETE FROM mirror_bookmarks WHERE object = ?1 AND at_ms < (
                   SELECT max(at_ms) FROM mirror_bookmarks WHERE object = ?1 AND at_ms <= ?2)";
    run(on, sql, (object, signed(until_ms))).map(drop)
}

/// The scan of an object, when there was any.
pub fn of_object(on: &Connection, key: Key) -> Result<Option<ScanRow>> {
    columns::one(on, &format!("{SELECT} s.object = ?"), [key])
}

/// Keeps a scan.
pub fn put(on: &Connection, key: Key, row: &ScanRow) -> Result<()> {
    let mut columns = row.write()?;
    columns.add("object", key);
    columns::put(on, "REPLACE INTO mirror_scans", columns)
}
