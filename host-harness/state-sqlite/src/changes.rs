//! What was decided of a commit ([`connector_state::changes`]) as statements.

use connector_state::changes::{Kept, Needs, needs, plan, touched};
use connector_state::journal::entries;
use connector_state::{Change, ConnectionRow, GrantRow, SecretRow};
use rusqlite::{Connection, Result};

use super::columns::{json, one, put_one, run, signed, value};
use super::fault::DbResult;
use super::lists::put_labels;
use super::revisions::touch;
use super::{journal, maintenance, mirror, rows};

/// Makes all of these changes.
pub fn commit(
    on: &Connection,
    changes: Vec<Change>,
    now_ms: u64,
    by: Option<&str>,
) -> DbResult<()> {
    let kept = kept(on, &needs(&changes))?;
    let told = entries::of_commit(&changes, &kept);
    let planned = plan(changes, kept)?;
    planned.iter().try_for_each(|change| write(on, change, now_ms))?;
    touch(on, touched(&planned))?;
    for (connection, entry) in told {
        journal::note(on, &connection, now_ms, by, &entry)?;
    }
    Ok(())
}

fn kept(on: &Connection, needs: &Needs) -> DbResult<Kept> {
    let mut kept = Kept::default();
    for id in &needs.ids {
        kept.connections.extend(one(on, "SELECT * FROM connections WHERE id = ?", [id])?);
    }
    for name in &needs.names {
        kept.connections.extend(one(on, "SELECT * FROM connections WHERE name = ?", [name])?);
    }
    for id in &needs.grants {
        let epoch = value(on, "SELECT epoch FROM grants WHERE connection = ?", [id])?;
        kept.epochs.extend(epoch.map(|epoch| (id.clone(), epoch)));
    }
    Ok(kept)
}

fn write(on: &Connection, change: &Change, now_ms: u64) -> DbResult<()> {
    match change {
        Change::PutConnection(row) => put_connection(on, row)?,
        Change::ChangeConnection { id, name, labels } => {
            if let Some(name) = name {
                run(on, "UPDATE connections SET name = ? WHERE id = ?", (name, id))?;
            }
            labels.iter().try_for_each(|labels| put_labels(on, id, labels))?;
        }
        Change::PutKey { id, sealed_key } => {
            let sql = "UPDATE connections SET sealed_key = ? WHERE id = ?";
            run(on, sql, (&sealed_key.0, id))?;
        }
        Change::RemoveConnection { id } => {
            let sql = "INSERT OR IGNORE INTO removed_connections
                           SELECT id FROM connections WHERE id = ?";
            run(on, sql, [id])?;
            mirror::erase::remove(on, id)?;
            run(on, "DELETE FROM connections WHERE id = ?", [id])?;
            run(on, "DELETE FROM sessions WHERE connection_id = ?", [id])?;
        }
        Change::PutSecret(row) => put_secret(on, row)?,
        Change::RemoveSecret { connection, name } => {
            let sql = "DELETE FROM secrets WHERE connection = ? AND name = ?";
            run(on, sql, (connection, name))?;
        }
        Change::PutGrant(row) | Change::PutNextGrant(row) => put_grant(on, row)?,
        Change::RemoveGrant { connection } => {
            run(on, "DELETE FROM grants WHERE connection = ?", [connection])?;
        }
        Change::PutSession(row) => {
            run(on, "DELETE FROM sessions WHERE ends_ms <= ?", [signed(now_ms)])?;
            rows::put_session(on, row)?;
        }
    }
    Ok(())
}

fn put_connection(on: &Connection, row: &ConnectionRow) -> DbResult<()> {
    let sql = "UPDATE connections SET name = ?, connector = ?, scheme = ?, settings = ?,
                   sealed_key = ? WHERE id = ?";
    let settings = json(&row.settings)?;
    let ConnectionRow { id, name, connector, scheme, sealed_key, .. } = row;
    if run(on, sql, (name, connector, scheme, settings, &sealed_key.0, id))? == 0 {
        maintenance::erase_all(on, id)?;
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
