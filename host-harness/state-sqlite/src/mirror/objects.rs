//! Objects of a connection by their short keys.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::index;
use crate::columns::{prepared, run, value};
use crate::fault::DbResult;
use crate::rows::must_exist;

/// Key of an object of a connection.
pub type Key = i64;

/// An object of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Key of its connection's mirror.
    pub mirror: Key,
    /// Its own.
    pub object: Key,
    /// Key of the set that its records are in.
    pub records: Key,
    /// The object that holds its records.
    pub derived_from: Option<Key>,
}

const SELECT: &str = "SELECT o.mirror, o.object, o.records, o.derived_from
    FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)";

fn of(row: &Row<'_>) -> Result<Object> {
    let (mirror, object, records, derived_from) = row.try_into()?;
    Ok(Object { mirror, object, records, derived_from })
}

/// The key of a connection's mirror, when anything is kept of it.
pub fn mirror(on: &Connection, connection: &str) -> Result<Option<Key>> {
    value(on, "SELECT mirror FROM mirrors WHERE connection = ?", [connection])
}

/// The object, when anything is kept of it.
pub fn find(on: &Connection, connection: &str, name: &str) -> Result<Option<Object>> {
    let sql = format!("{SELECT} WHERE m.connection = ? AND o.name = ?");
    prepared(on, &sql)?.query_row((connection, name), of).optional()
}

/// The object by its key.
pub fn by_key(on: &Connection, object: Key) -> Result<Option<Object>> {
    let sql = "SELECT mirror, object, records, derived_from FROM mirror_objects WHERE object = ?";
    prepared(on, sql)?.query_row([object], of).optional()
}

/// The object, made when it is the first time.
///
/// # Errors
/// [`connector_state::StoreError::NoConnection`].
pub fn make(on: &Connection, connection: &str, name: &str) -> DbResult<Object> {
    if let Some(object) = find(on, connection, name)? {
        return Ok(object);
    }
    must_exist(on, connection)?;
    let sql = "INSERT OR IGNORE INTO mirrors (connection, moment, forgotten) VALUES (?, 0, 0)";
    run(on, sql, [connection])?;
    let mirror = mirror(on, connection)?.unwrap_or_default();
    let records = make_set(on, mirror)?;
    let sql = "INSERT INTO mirror_objects (mirror, name, records, live, aged_out, deleted)
               VALUES (?, ?, ?, 0, 0, 0)";
    run(on, sql, (mirror, name, records))?;
    let object = on.last_insert_rowid();
    index::make(on, object)?;
    Ok(Object { mirror, object, records, derived_from: None })
}

/// As [`make`], for an object that is derived from `holder`.
pub fn make_derived(
    on: &Connection,
    connection: &str,
    name: &str,
    holder: Key,
) -> DbResult<Object> {
    let object = make(on, connection, name)?;
    if object.derived_from != Some(holder) && object.object != holder {
        let sql = "UPDATE mirror_objects SET derived_from = ? WHERE object = ?";
        run(on, sql, (holder, object.object))?;
    }
    Ok(object)
}

/// A new set of records.
pub fn make_set(on: &Connection, mirror: Key) -> Result<Key> {
    run(on, "INSERT INTO mirror_sets (mirror, dropped) VALUES (?, 0)", [mirror])?;
    Ok(on.last_insert_rowid())
}

/// An object and those that are derived from it, itself first: key, name, and the set of records.
pub fn with_derived(on: &Connection, object: Key) -> Result<Vec<(Key, String, Key)>> {
    let sql = "SELECT object, name, records FROM mirror_objects WHERE object = ?1
               UNION ALL
               SELECT object, name, records FROM mirror_objects WHERE derived_from = ?1";
    prepared(on, sql)?.query_map([object], |row| row.try_into())?.collect()
}
