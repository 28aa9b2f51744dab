//! Each [`Change`] as statements.

use connector_state::{
    Change, ConnectionRow, GrantChange, GrantRow, SecretChange, SecretRow, SessionRow, StoreError,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{json, put_one, signed};
use super::fault::Fault;
use super::{limits, rows};

/// Whether a change erases what may not be found on the disk any more.
pub fn erases(change: &Change) -> bool {
    matches!(
        change,
        Change::RemoveConnection { .. } | Change::RemoveSecret { .. } | Change::RemoveGrant { .. }
    )
}

/// Makes one change.
pub fn apply(on: &Connection, change: &Change) -> Result<(), Fault> {
    match change {
        Change::PutConnection(row) => put_connection(on, row),
        Change::PutKey { id, sealed_key } => {
            let sql = "UPDATE connections SET sealed_key = ? WHERE id = ?";
            match on.execute(sql, (&sealed_key.0, id))? {
                0 => Err(StoreError::NoConnection(id.clone()).into()),
                _ => Ok(()),
            }
        }
        Change::RemoveConnection { id } => {
            on.execute(
                "DELETE FROM mirror_changes WHERE object IN
                     (SELECT object FROM mirror_objects WHERE connection = ?)",
                [id],
            )?;
            on.execute("DELETE FROM connections WHERE id = ?", [id])?;
            on.execute("DELETE FROM sessions WHERE connection_id = ?", [id])?;
            Ok(())
        }
        Change::PutSecret(row) => put_secret(on, row),
        Change::RemoveSecret { connection, name } => {
            let sql = "DELETE FROM secrets WHERE connection = ? AND name = ?";
            on.execute(sql, (connection, name))?;
            Ok(())
        }
        Change::PutGrant(row) => {
            must_exist(on, &row.connection)?;
            Ok(rows::put_grant(on, row)?)
        }
        Change::PutNextGrant(row) => {
            must_exist(on, &row.connection)?;
            let before = rows::grant(on, &row.connection)?.map_or(0, |before| before.epoch);
            if row.epoch != before.saturating_add(1) {
                return Err(StoreError::NotNext(row.connection.clone()).into());
            }
            Ok(rows::put_grant(on, row)?)
        }
        Change::RemoveGrant { connection } => {
            on.execute("DELETE FROM grants WHERE connection = ?", [connection])?;
            Ok(())
        }
        Change::PutSession(row) => {
            on.execute("DELETE FROM sessions WHERE ends_ms <= ?", [signed(row.made_ms)])?;
            Ok(rows::put_session(on, row)?)
        }
    }
}

/// Lets `change` decide on a grant.
pub fn change_grant(
    on: &Connection,
    connection: &str,
    change: GrantChange,
) -> Result<Option<GrantRow>, Fault> {
    let Some(now) = rows::grant(on, connection)? else {
        return Ok(None);
    };
    let Some(new) = change(&now) else {
        return Ok(Some(now));
    };
    rows::put_grant(on, &new)?;
    Ok(Some(new))
}

/// Lets `change` decide on the versions of a secret.
pub fn change_secret(
    on: &Connection,
    connection: &str,
    name: &str,
    change: SecretChange,
) -> Result<Vec<SecretRow>, Fault> {
    must_exist(on, connection)?;
    if let Some(rows) = change(&rows::versions(on, connection, name)?) {
        rows.iter().try_for_each(|row| put_secret(on, row))?;
    }
    Ok(rows::versions(on, connection, name)?)
}

/// Takes a session out.
pub fn take_session(on: &Connection, state: &[u8; 32]) -> Result<Option<SessionRow>, Fault> {
    let found = rows::session(on, state)?;
    on.execute("DELETE FROM sessions WHERE state = ?", [state])?;
    Ok(found)
}

/// Erases secrets, tokens and sessions that ended. Answers whether there were any.
pub fn forget_ended(on: &Connection, now_ms: u64) -> Result<bool, Fault> {
    let now = [signed(now_ms)];
    let secrets = on.execute("DELETE FROM secrets WHERE ends_ms <= ?", now)?;
    let sessions = on.execute("DELETE FROM sessions WHERE ends_ms <= ?", now)?;
    limits::forget_idle(on, now_ms)?;
    let previous = on.execute(
        "UPDATE grants SET sealed_previous = NULL, previous_until_ms = NULL
         WHERE previous_until_ms <= ?",
        now,
    )?;
    Ok(secrets + sessions + previous > 0)
}

fn put_connection(on: &Connection, row: &ConnectionRow) -> Result<(), Fault> {
    let taken = on
        .query_row(
            "SELECT 1 FROM connections WHERE name = ? AND id <> ?",
            (&row.name, &row.id),
            |_| Ok(()),
        )
        .optional()?;
    if taken.is_some() {
        return Err(StoreError::NameTaken(row.name.clone()).into());
    }
    let sql =
        "UPDATE connections SET name = ?, connector = ?, scheme = ?, settings = ? WHERE id = ?";
    let settings = json(&row.settings)?;
    match on.execute(sql, (&row.name, &row.connector, &row.scheme, settings, &row.id))? {
        0 => Ok(put_one(on, "INSERT INTO connections", row)?),
        _ => Ok(()),
    }
}

fn put_secret(on: &Connection, row: &SecretRow) -> Result<(), Fault> {
    must_exist(on, &row.connection)?;
    Ok(rows::put_secret(on, row)?)
}

/// Whether there is such a connection.
pub fn must_exist(on: &Connection, id: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM connections WHERE id = ?";
    let found = on.query_row(sql, [id], |_| Ok(())).optional()?;
    found.ok_or_else(|| StoreError::NoConnection(id.to_owned()).into())
}
