//! Each [`Change`] as statements.

use connector_state::{Change, ConnectionRow, GrantRow, SecretRow, StoreError};
use rusqlite::{Connection, Result};

use super::columns::{json, one, put_one, run, signed, value};
use super::fault::DbResult;
use super::{limits, maintenance, mirror, rows};

/// Whether a change erases what may not be found on the disk any more.
pub fn erases(change: &Change) -> bool {
    matches!(
        change,
        Change::RemoveConnection { .. } | Change::RemoveSecret { .. } | Change::RemoveGrant { .. }
    )
}

/// Makes one change.
pub fn apply(on: &Connection, change: &Change) -> DbResult<()> {
    match change {
        Change::PutConnection(row) => put_connection(on, row)?,
        Change::PutKey { id, sealed_key } => {
            let sql = "UPDATE connections SET sealed_key = ? WHERE id = ?";
            if run(on, sql, (&sealed_key.0, id))? == 0 {
                return Err(StoreError::NoConnection(id.clone()).into());
            }
        }
        Change::RemoveConnection { id } => {
            run(
                on,
                "INSERT OR IGNORE INTO removed_connections SELECT id FROM connections WHERE id = ?",
                [id],
            )?;
            mirror::erase::remove(on, id)?;
            run(on, "DELETE FROM connections WHERE id = ?", [id])?;
            run(on, "DELETE FROM sessions WHERE connection_id = ?", [id])?;
        }
        Change::PutSecret(row) => {
            must_exist(on, &row.connection)?;
            put_secret(on, row)?;
        }
        Change::RemoveSecret { connection, name } => {
            let sql = "DELETE FROM secrets WHERE connection = ? AND name = ?";
            run(on, sql, (connection, name))?;
        }
        Change::PutGrant(row) => {
            must_exist(on, &row.connection)?;
            put_grant(on, row)?;
        }
        Change::PutNextGrant(row) => {
            must_exist(on, &row.connection)?;
            let before: Option<GrantRow> = one(on, rows::GRANT, [&row.connection])?;
            if row.epoch != before.map_or(0, |before| before.epoch).saturating_add(1) {
                return Err(StoreError::NotNext(row.connection.clone()).into());
            }
            put_grant(on, row)?;
        }
        Change::RemoveGrant { connection } => {
            run(on, "DELETE FROM grants WHERE connection = ?", [connection])?;
        }
        Change::PutSession(row) => {
            run(on, "DELETE FROM sessions WHERE ends_ms <= ?", [signed(row.made_ms)])?;
            rows::put_session(on, row)?;
        }
    }
    Ok(())
}

/// Erases secrets, tokens and sessions that ended. Answers whether there were any.
pub fn forget_ended(on: &Connection, now_ms: u64) -> DbResult<bool> {
    limits::forget_idle(on, now_ms)?;
    let mut forgotten = 0;
    for sql in [
        "DELETE FROM secrets WHERE ends_ms <= ?",
        "DELETE FROM sessions WHERE ends_ms <= ?",
        "UPDATE grants SET sealed_previous = NULL, previous_until_ms = NULL
         WHERE previous_until_ms <= ?",
    ] {
        forgotten += run(on, sql, [signed(now_ms)])?;
    }
    Ok(forgotten > 0)
}

fn put_connection(on: &Connection, row: &ConnectionRow) -> DbResult<()> {
    let sql = "SELECT 1 FROM connections WHERE name = ? AND id <> ?";
    if value::<u32>(on, sql, (&row.name, &row.id))?.is_some() {
        return Err(StoreError::NameTaken(row.name.clone()).into());
    }
    let sql =
        "UPDATE connections SET name = ?, connector = ?, scheme = ?, settings = ? WHERE id = ?";
    let settings = json(&row.settings)?;
    if run(on, sql, (&row.name, &row.connector, &row.scheme, settings, &row.id))? == 0 {
        maintenance::erase_all(on, &row.id)?;
        put_one(on, "INSERT INTO connections", row)?;
    }
    Ok(())
}

/// Adds or replaces a version of a secret.
pub fn put_secret(on: &Connection, row: &SecretRow) -> Result<()> {
    put_one(on, "REPLACE INTO secrets", row)
}

/// Adds or replaces a grant.
pub fn put_grant(on: &Connection, row: &GrantRow) -> Result<()> {
    put_one(on, "REPLACE INTO grants", row)
}

/// Whether there is such a connection.
pub fn must_exist(on: &Connection, id: &str) -> DbResult<()> {
    let found: Option<u32> = value(on, "SELECT 1 FROM connections WHERE id = ?", [id])?;
    found.map(drop).ok_or_else(|| StoreError::NoConnection(id.to_owned()).into())
}
