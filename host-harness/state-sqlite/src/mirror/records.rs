//! Records as they are kept.

use connector_state::mirror::{ChangeKind, MirroredRecord, ScanRow};
use rusqlite::Connection;

use super::rows::RECORD;
use super::table::Table;
use super::{objects, scan};
use crate::columns;
use crate::fault::Fault;

/// One record.
pub fn one(
    on: &Connection,
    connection: &str,
    object: &str,
    id: &str,
) -> rusqlite::Result<Option<MirroredRecord>> {
    let sql = format!(
        "SELECT {RECORD} FROM mirror_objects AS o JOIN mirror_records AS r USING (object)
         WHERE o.connection = ? AND o.name = ? AND r.id = ?"
    );
    columns::one(on, &sql, (connection, object, id))
}

/// Records that are not deleted, in the order of their ids.
pub fn after(
    on: &Connection,
    connection: &str,
    object: &str,
    after: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<MirroredRecord>> {
    let sql = format!(
        "SELECT {RECORD} FROM mirror_objects AS o JOIN mirror_records AS r USING (object)
         WHERE o.connection = ? AND o.name = ? AND r.id > ? AND r.state <> 'deleted'
         ORDER BY r.id LIMIT ?"
    );
    columns::all(on, &sql, (connection, object, after.unwrap_or_default(), limit))
}

/// Live, aged out and deleted ones.
pub fn count(on: &Connection, connection: &str, object: &str) -> rusqlite::Result<(u64, u64, u64)> {
    let Some(key) = objects::find(on, connection, object)? else { return Ok((0, 0, 0)) };
    let sql = "SELECT count(*) FILTER (WHERE state = 'live'),
                   count(*) FILTER (WHERE state = 'aged-out'),
                   count(*) FILTER (WHERE state = 'deleted')
               FROM mirror_records INDEXED BY mirror_records_by_state WHERE object = ?";
    let number = |row: &rusqlite::Row<'_>, index| row.get::<_, u32>(index).map(u64::from);
    on.query_row(sql, [key], |row| Ok((number(row, 0)?, number(row, 1)?, number(row, 2)?)))
}

/// Forgets everything of an object and of what is derived from it.
pub fn reset(on: &Connection, connection: &str, object: &str, now_ms: u64) -> Result<(), Fault> {
    let Some(key) = objects::find(on, connection, object)? else { return Ok(()) };
    let mut keys = objects::derived_from(on, key)?;
    keys.push(key);
    let mut table = Table::open(on, now_ms, false)?;
    for key in keys {
        for table in ["records", "bookmarks", "look_ups", "drifts"] {
            on.execute(&format!("DELETE FROM mirror_{table} WHERE object = ?"), [key])?;
        }
        table.tell(key, ChangeKind::Reset, &[])?;
    }
    table.close()?;
    scan::change(on, connection, object, |row| {
        let began = ScanRow::new(connection, object);
        (*row != began).then_some(ScanRow { scan: row.scan, ..began })
    })?;
    Ok(())
}
