//! Objects of a connection by their short keys.

use rusqlite::Connection;

use crate::columns::{run, value, values};
use crate::fault::DbResult;
use crate::rows::must_exist;

/// Key of an object of a connection.
pub type Key = i64;

/// The object's key, when anything is kept of it.
pub fn find(on: &Connection, connection: &str, name: &str) -> rusqlite::Result<Option<Key>> {
    let sql = "SELECT object FROM mirror_objects WHERE connection = ? AND name = ?";
    value(on, sql, (connection, name))
}

/// The object's key, made when it is the first time.
///
/// # Errors
/// [`connector_state::StoreError::NoConnection`].
pub fn make(on: &Connection, connection: &str, name: &str) -> DbResult<Key> {
    if let Some(key) = find(on, connection, name)? {
        return Ok(key);
    }
    must_exist(on, connection)?;
    let sql = "INSERT INTO mirror_objects (connection, name) VALUES (?, ?)";
    run(on, sql, (connection, name))?;
    Ok(on.last_insert_rowid())
}

/// As [`make`], for an object that is derived from `holder`.
pub fn make_derived(on: &Connection, connection: &str, name: &str, holder: Key) -> DbResult<Key> {
    let key = make(on, connection, name)?;
    let sql = "UPDATE mirror_objects SET derived_from = ?1
               WHERE object = ?2 AND derived_from IS NOT ?1 AND object <> ?1";
    run(on, sql, (holder, key))?;
    Ok(key)
}

/// The keys of what is derived from an object.
pub fn derived_from(on: &Connection, holder: Key) -> rusqlite::Result<Vec<Key>> {
    values(on, "SELECT object FROM mirror_objects WHERE derived_from = ?", [holder])
}
