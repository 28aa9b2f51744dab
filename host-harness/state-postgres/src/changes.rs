//! What was decided of a commit ([`connector_state::changes`]) as statements.
//!
//! Whoever changes a connection, its secrets or its grant locks the connection's row, and then the
//! grant's.

use std::collections::BTreeSet;

use connector_state::changes::{Kept, needs, plan, touched};
use connector_state::journal::entries;
use connector_state::{
    Change, ConnectionRow, GrantChange, GrantRow, SecretChange, SecretRow, StoreError,
};

use super::columns::{Record as _, json, signed, text};
use super::fault::DbResult;
use super::lists::put_labels;
use super::revisions::touch;
use super::session::Session;
use super::{journal, maintenance, mirror, rows};

/// Makes all of these changes.
pub async fn commit(on: &Session, changes: &[Change]) -> DbResult<()> {
    let kept = kept(on, changes).await?;
    let now_ms = on.now_ms().await?;
    let told = entries::of_commit(changes, &kept);
    let planned = plan(changes.to_vec(), kept)?;
    for change in &planned {
        write(on, change, now_ms).await?;
    }
    for (connection, entry) in told {
        journal::note(on, &connection, now_ms, on.actor(), &entry).await?;
    }
    touch(on, touched(&planned)).await
}

async fn kept(on: &Session, changes: &[Change]) -> DbResult<Kept> {
    let needs = needs(changes);
    let ids: BTreeSet<&str> = changes.iter().filter_map(whose).collect();
    let ids: Vec<_> = ids.into_iter().map(text).collect();
    let names: Vec<_> = needs.names.iter().map(|name| text(name)).collect();
    let sql =
        "SELECT * FROM connections WHERE id = ANY($1) OR name = ANY($2) ORDER BY id FOR UPDATE";
    let connections: Vec<ConnectionRow> = on.all(sql, &[&ids, &names]).await?;
    let mut kept = Kept { connections, ..Kept::default() };
    if !needs.grants.is_empty() {
        let grants: Vec<_> = needs.grants.iter().map(|id| text(id)).collect();
        let sql = "SELECT * FROM grants WHERE connection = ANY($1) ORDER BY connection FOR UPDATE";
        let grants: Vec<GrantRow> = on.all(sql, &[&grants]).await?;
        kept.epochs = grants.into_iter().map(|row| (row.connection, row.epoch)).collect();
    }
    Ok(kept)
}

/// The connection that a change is about.
fn whose(change: &Change) -> Option<&str> {
    match change {
        Change::PutConnection(row) => Some(&row.id),
        Change::ChangeConnection { id, .. }
        | Change::PutKey { id, .. }
        | Change::RemoveConnection { id } => Some(id),
        Change::PutSecret(row) => Some(&row.connection),
        Change::PutGrant(row) | Change::PutNextGrant(row) => Some(&row.connection),
        Change::RemoveSecret { connection, .. } | Change::RemoveGrant { connection } => {
            Some(connection)
        }
        Change::PutSession(_) => None,
    }
}

async fn write(on: &Session, change: &Change, now_ms: u64) -> DbResult<()> {
    match change {
        Change::PutConnection(row) => put_connection(on, row).await,
        Change::ChangeConnection { id, name, labels } => {
            if let Some(name) = name {
                let sql = "UPDATE connections SET name = $1 WHERE id = $2";
                on.run(sql, &[&text(name), &text(id)]).await?;
            }
            match labels {
                Some(labels) => put_labels(on, id, labels).await,
                None => Ok(()),
            }
        }
        Change::PutKey { id, sealed_key } => {
            let sql = "UPDATE connections SET sealed_key = $1 WHERE id = $2";
            on.run(sql, &[&sealed_key.0, &text(id)]).await.map(drop)
        }
        Change::RemoveConnection { id } => remove_connection(on, id).await,
        Change::PutSecret(row) => put_secret(on, row).await,
        Change::RemoveSecret { connection, name } => {
            let sql = "DELETE FROM secrets WHERE connection = $1 AND name = $2";
            on.run(sql, &[&text(connection), &text(name)]).await.map(drop)
        }
        Change::PutGrant(row) | Change::PutNextGrant(row) => put_grant(on, row).await,
        Change::RemoveGrant { connection } => {
            let sql = "DELETE FROM grants WHERE connection = $1";
            on.run(sql, &[&text(connection)]).await.map(drop)
        }
        Change::PutSession(row) => {
            let sql = "DELETE FROM sessions WHERE ends_ms <= $1";
            on.run(sql, &[&signed(now_ms)]).await?;
            rows::put_session(on, row).await
        }
    }
}

async fn put_connection(on: &Session, row: &ConnectionRow) -> DbResult<()> {
    let sql = "UPDATE connections SET name = $1, connector = $2, scheme = $3, settings = $4,
                   sealed_key = $5 WHERE id = $6";
    let ConnectionRow { id, name, connector, scheme, settings, sealed_key, .. } = row;
    let (id, name) = (text(id), text(name));
    let (connector, scheme, settings) = (text(connector), text(scheme), json(settings));
    let found = on.run(sql, &[&name, &connector, &scheme, &settings, &sealed_key.0, &id]).await?;
    if found == 0 {
        maintenance::erase_all(on, &row.id).await?;
        on.upsert("connections", &[], row.write()).await?;
    }
    Ok(())
}

async fn remove_connection(on: &Session, id: &str) -> DbResult<()> {
    let sql = "INSERT INTO removed_connections SELECT id FROM connections WHERE id = $1
               ON CONFLICT DO NOTHING";
    on.run(sql, &[&text(id)]).await?;
    mirror::erase::remove(on, id).await?;
    on.run("DELETE FROM connections WHERE id = $1", &[&text(id)]).await?;
    on.run("DELETE FROM sessions WHERE connection_id = $1", &[&text(id)]).await.map(drop)
}

async fn put_secret(on: &Session, row: &SecretRow) -> DbResult<()> {
    on.upsert("secrets", &["connection", "name", "version"], row.write()).await
}

async fn put_grant(on: &Session, row: &GrantRow) -> DbResult<()> {
    on.upsert("grants", &["connection"], row.write()).await
}

/// Lets `change` decide on a grant.
pub async fn change_grant(
    on: &Session,
    connection: &str,
    change: &GrantChange,
) -> DbResult<Option<GrantRow>> {
    let sql = "SELECT * FROM grants WHERE connection = $1 FOR UPDATE";
    let now: Option<GrantRow> = on.one(sql, &[&text(connection)]).await?;
    let now_ms = on.now_ms().await?;
    let new = now.as_ref().and_then(|now| change(now, now_ms));
    if let Some(new) = &new {
        put_grant(on, new).await?;
    }
    let told = now.as_ref().zip(new.as_ref());
    if let Some(entry) = told.and_then(|(now, new)| entries::of_grant(now, new)) {
        journal::note(on, connection, now_ms, on.actor(), &entry).await?;
    }
    Ok(new.or(now))
}

/// Lets `change` decide on the versions of a secret.
pub async fn change_secret(
    on: &Session,
    connection: &str,
    name: &str,
    change: &SecretChange,
) -> DbResult<Vec<SecretRow>> {
    let sql = "SELECT 1 FROM connections WHERE id = $1 FOR UPDATE";
    if on.value::<i32>(sql, &[&text(connection)]).await?.is_none() {
        return Err(StoreError::NoConnection(connection.to_owned()).into());
    }
    let sql = "SELECT * FROM secrets WHERE connection = $1 AND name = $2 ORDER BY version DESC";
    let before: Vec<SecretRow> = on.all(sql, &[&text(connection), &text(name)]).await?;
    let now_ms = on.now_ms().await?;
    let changed = change(&before, now_ms).unwrap_or_default();
    if let Some(entry) = entries::of_secret(&before, &changed) {
        journal::note(on, connection, now_ms, on.actor(), &entry).await?;
    }
    for row in &changed {
        put_secret(on, row).await?;
    }
    if !changed.is_empty() {
        touch(on, [connection]).await?;
    }
    on.all(sql, &[&text(connection), &text(name)]).await
}
