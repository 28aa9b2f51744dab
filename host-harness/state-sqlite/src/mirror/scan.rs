//! How far scans are, and the bookmarks that they had.

use connector_state::StoreError;
use connector_state::mirror::{ChangeKind, ScanKind, ScanRow, ScanStep};
use rusqlite::Connection;

use super::objects::{self, Key};
use super::table::Table;
use crate::columns::{self, Record as _, run, signed};
use crate::fault::DbResult;

/// Bookmarks are kept one for so long a time.
const BOOKMARK_EVERY_MS: u64 = 60 * 60 * 1_000;
/// Bookmarks older than this are pruned, but for the newest of them.
const BOOKMARKS_FOR_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// Scans with the names of what they are of.
pub const SELECT: &str = "SELECT connection, name AS object, s.*
    FROM mirror_objects JOIN mirror_scans AS s USING (object) WHERE";

/// Lets `change` decide on a scan.
pub fn change(
    on: &Connection,
    connection: &str,
    object: &str,
    change: impl FnOnce(&ScanRow) -> Option<ScanRow>,
) -> DbResult<ScanRow> {
    let key = objects::make(on, connection, object)?;
    let now = one(on, key)?.unwrap_or_else(|| ScanRow::new(connection, object));
    let Some(new) = change(&now) else { return Ok(now) };
    put(on, key, &new)?;
    Ok(new)
}

/// The scan that a page belongs to.
///
/// # Errors
/// [`StoreError::Superseded`].
pub fn held(on: &Connection, key: Key, object: &str, step: &ScanStep) -> DbResult<ScanRow> {
    let holds = |row: &ScanRow| {
        let attempt = row.lease.as_ref().map(|lease| &lease.attempt);
        row.running && row.scan == step.scan && attempt == Some(&step.attempt)
    };
    let row = one(on, key)?.filter(holds);
    row.ok_or_else(|| StoreError::Superseded { object: object.to_owned() }.into())
}

/// Moves a scan on by a page.
pub fn step(
    on: &Connection,
    key: Key,
    mut row: ScanRow,
    step: &ScanStep,
    records: u64,
    now_ms: u64,
) -> rusqlite::Result<()> {
    row.cursor.clone_from(&step.next);
    row.not_before_ms = step.not_before_ms;
    row.pages += 1;
    row.records += records;
    row.outside += step.outside;
    if step.bookmark.is_some() {
        row.bookmark.clone_from(&step.bookmark);
    }
    if let Some(lease) = &mut row.lease {
        lease.until_ms = step.lease_until_ms;
    }
    if step.next.is_none() {
        complete(&mut row, now_ms);
        if let Some(bookmark) = &row.bookmark {
            keep_bookmark(on, key, bookmark, now_ms)?;
        }
    }
    put(on, key, &row)
}

fn complete(row: &mut ScanRow, now_ms: u64) {
    let is_full = row.kind == Some(ScanKind::Full);
    row.running = false;
    row.completed_ms = Some(now_ms);
    if row.kind != Some(ScanKind::Incremental) {
        row.overlap_ms = Some(now_ms);
    }
    if is_full {
        row.full_ms = Some(now_ms);
        row.sweep = (!row.tainted).then_some(row.scan);
    }
    row.restarts = 0;
    row.error = None;
    row.failures = 0;
    row.retry_ms = None;
}

/// Forgets everything of an object and of what is derived from it.
pub fn reset(on: &Connection, connection: &str, object: &str, now_ms: u64) -> DbResult<()> {
    let Some(key) = objects::find(on, connection, object)? else { return Ok(()) };
    let mut keys = objects::derived_from(on, key)?;
    keys.push(key);
    let mut table = Table::open(on, now_ms, false)?;
    for key in keys {
        for table in ["records", "bookmarks", "look_ups", "drifts"] {
            run(on, &format!("DELETE FROM mirror_{table} WHERE object = ?"), [key])?;
        }
        table.tell(key, ChangeKind::Reset, &[])?;
    }
    table.close()?;
    change(on, connection, object, |row| {
        let began = ScanRow::new(connection, object);
        (*row != began).then_some(ScanRow { scan: row.scan, ..began })
    })?;
    Ok(())
}

fn keep_bookmark(on: &Connection, key: Key, bookmark: &str, now_ms: u64) -> rusqlite::Result<()> {
    let added = run(
        on,
        "INSERT INTO mirror_bookmarks (object, at_ms, bookmark) SELECT ?1, ?2, ?3
         WHERE NOT EXISTS (SELECT 1 FROM mirror_bookmarks
             WHERE object = ?1 AND at_ms > ?2 - ?4 AND at_ms <= ?2)
         ON CONFLICT DO UPDATE SET bookmark = excluded.bookmark",
        (key, signed(now_ms), bookmark, signed(BOOKMARK_EVERY_MS)),
    )?;
    if added > 0 {
        let sql = "DELETE FROM mirror_bookmarks WHERE object = ?1 AND at_ms < (
                       SELECT max(at_ms) FROM mirror_bookmarks WHERE object = ?1 AND at_ms <= ?2)";
        run(on, sql, (key, signed(now_ms.saturating_sub(BOOKMARKS_FOR_MS))))?;
    }
    Ok(())
}

fn one(on: &Connection, key: Key) -> rusqlite::Result<Option<ScanRow>> {
    columns::one(on, &format!("{SELECT} object = ?"), [key])
}

fn put(on: &Connection, key: Key, row: &ScanRow) -> rusqlite::Result<()> {
    let mut columns = row.write()?;
    columns.add("object", key);
    columns::put(on, "REPLACE INTO mirror_scans", columns)
}
