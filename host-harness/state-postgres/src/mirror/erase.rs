//! Erases what belongs to nobody any more, some rows at a time.

use super::objects::{self, Key};
use super::{index, versions};
use crate::columns::{rows, text};
use crate::fault::DbResult;
use crate::session::Session;
use connector_state::moving::MOVED;

/// Before the id of a removed connection in its mirror's row: nobody finds it by the id any more.
const REMOVED: &str = "removed ";

/// The connection is removed: what is left of it is for [`connection`].
pub async fn remove(on: &Session, connection: &str) -> DbResult<()> {
    rename(on, connection, &format!("{REMOVED}{connection}")).await
}

/// From now on a mirror is found by another name than the id of its connection, or by that again.
pub async fn rename(on: &Session, from: &str, to: &str) -> DbResult<()> {
    let sql = "UPDATE mirrors SET connection = $2 WHERE connection = $1";
    on.run(sql, &[&text(from), &text(to)]).await.map(drop)
}

/// What is left of a connection that moves is for [`connection`].
pub async fn give_up(on: &Session, connection: &str) -> DbResult<()> {
    rename(on, &format!("{MOVED}{connection}"), &format!("{REMOVED}{connection}")).await
}

/// Erases rows of a set that a reset has left. Answers whether there is one.
pub async fn dropped(on: &Session, limit: usize) -> DbResult<bool> {
    let sql = "SELECT records, mirror FROM mirror_sets WHERE dropped LIMIT 1";
    let found = on.rows(sql, &[]).await?;
    let Some(row) = found.first() else { return Ok(false) };
    let (records, mirror): (Key, Key) = (row.try_get("records")?, row.try_get("mirror")?);
    let limit = versions::erase(on, mirror, records, limit).await?;
    if set(on, records, limit).await? < limit {
        on.run("DELETE FROM mirror_sets WHERE records = $1", &[&records]).await?;
    }
    Ok(true)
}

/// Erases rows of a removed connection.
pub async fn connection(on: &Session, connection: &str, limit: usize) -> DbResult<usize> {
    let removed = format!("{REMOVED}{connection}");
    let Some(locked) = objects::lock(on, &removed).await? else { return Ok(0) };
    let mirror = locked.mirror;
    let mut erased = 0;
    for object in objects::all(on, mirror).await?.values() {
        erased += set(on, object.records, limit - erased).await?;
        if erased >= limit {
            return Ok(erased);
        }
        index::drop_of(on, object.object).await?;
        for table in ["mirror_bookmarks", "mirror_drifts", "mirror_dead_letters", "mirror_scans"] {
            erased += some(on, table, "object", object.object, limit - erased).await?;
            if erased >= limit {
                return Ok(erased);
            }
        }
    }
    for table in [
        "mirror_changes",
        "mirror_versions",
        "forward_versions",
        "forward_undelivered",
        "mirror_readers",
    ] {
        erased += some(on, table, "mirror", mirror, limit - erased).await?;
        if erased >= limit {
            return Ok(erased);
        }
    }
    let sql = "DELETE FROM mirror_sets WHERE records IN
                   (SELECT records FROM mirror_objects WHERE mirror = $1)";
    on.run(sql, &[&mirror]).await?;
    on.run("DELETE FROM mirror_objects WHERE mirror = $1", &[&mirror]).await?;
    on.run("DELETE FROM mirrors WHERE mirror = $1", &[&mirror]).await?;
    Ok(erased)
}

/// Erases records of a set, with their contents.
async fn set(on: &Session, records: Key, limit: usize) -> DbResult<usize> {
    let mut erased = 0;
    for table in ["mirror_look_ups", "mirror_wakes", "mirror_raised"] {
        erased += some(on, table, "records", records, limit - erased).await?;
    }
    let sql = "WITH first AS (
                   SELECT id, body FROM mirror_heads WHERE records = $1 ORDER BY id LIMIT $2
               ), bodies AS (
                   DELETE FROM mirror_bodies WHERE body IN (SELECT body FROM first)
               )
               DELETE FROM mirror_heads WHERE records = $1 AND id IN (SELECT id FROM first)";
    Ok(erased + on.count(sql, &[&records, &rows(limit - erased)]).await?)
}

/// Erases some rows that have this value in a column.
pub(super) async fn some(
    on: &Session,
    table: &str,
    column: &str,
    value: Key,
    limit: usize,
) -> DbResult<usize> {
    let sql = format!(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM {table} WHERE {column} = $1 LIMIT $2))"
    );
    on.count(&sql, &[&value, &rows(limit)]).await
}
