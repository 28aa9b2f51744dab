//! Erases what belongs to nobody any more, some rows at a time.

use rusqlite::{Connection, Result};

use super::objects::{self, Key};
use super::{index, versions};
use crate::columns::{run, value, values};
use crate::fault::DbResult;
use connector_state::moving::MOVED;

/// Before the id of a removed connection in its mirror's row: nobody finds it by the id any more.
const REMOVED: &str = "removed ";

/// The connection is removed: what is left of it is for [`connection`].
pub fn remove(on: &Connection, connection: &str) -> Result<()> {
    rename(on, connection, &format!("{REMOVED}{connection}"))
}

/// From now on a mirror is found by another name than the id of its connection, or by that again.
pub fn rename(on: &Connection, from: &str, to: &str) -> Result<()> {
    run(on, "UPDATE mirrors SET connection = ?2 WHERE connection = ?1", (from, to)).map(drop)
}

/// What is left of a connection that moves is for [`connection`].
pub fn give_up(on: &Connection, connection: &str) -> Result<()> {
    rename(on, &format!("{MOVED}{connection}"), &format!("{REMOVED}{connection}"))
}

/// Erases rows of a set that a reset has left. Answers whether that was the last of it; `None` where
/// there is none.
pub fn dropped(on: &Connection, limit: usize) -> DbResult<Option<bool>> {
    let sql = "SELECT records FROM mirror_sets WHERE dropped = 1 LIMIT 1";
    let Some(records) = value(on, sql, ())? else { return Ok(None) };
    let sql = "SELECT mirror FROM mirror_sets WHERE records = ?";
    let limit = match value(on, sql, [records])? {
        Some(mirror) => versions::erase(on, mirror, records, limit)?,
        None => limit,
    };
    let is_done = set(on, records, limit)? < limit;
    if is_done {
        run(on, "DELETE FROM mirror_sets WHERE records = ?", [records])?;
    }
    Ok(Some(is_done))
}

/// Erases rows of a removed connection.
pub fn connection(on: &Connection, connection: &str, limit: usize) -> DbResult<usize> {
    let removed = format!("{REMOVED}{connection}");
    let Some(mirror) = objects::mirror(on, &removed)? else { return Ok(0) };
    let mut erased = 0;
    let sql = "SELECT object FROM mirror_objects WHERE mirror = ?";
    for object in values::<Key>(on, sql, [mirror])? {
        let Some(found) = objects::by_key(on, object)? else { continue };
        erased += set(on, found.records, limit - erased)?;
        if erased >= limit {
            return Ok(erased);
        }
        index::drop_of(on, object)?;
        for (table, keys) in [
            ("mirror_bookmarks", "object, at_ms"),
            ("mirror_drifts", "object, pointer"),
            ("mirror_dead_letters", "number"),
            ("mirror_scans", "object"),
        ] {
            erased += some(on, table, keys, "object", object, limit - erased)?;
            if erased >= limit {
                return Ok(erased);
            }
        }
    }
    for (table, keys) in [
        ("mirror_changes", "mirror, number"),
        ("mirror_versions", "mirror, change"),
        ("forward_versions", "mirror, change"),
        ("forward_undelivered", "forward, mirror, change"),
        ("mirror_readers", "kind, reader, mirror"),
    ] {
        erased += some(on, table, keys, "mirror", mirror, limit - erased)?;
        if erased >= limit {
            return Ok(erased);
        }
    }
    let sql = "DELETE FROM mirror_sets WHERE records IN
                   (SELECT records FROM mirror_objects WHERE mirror = ?)";
    run(on, sql, [mirror])?;
    run(on, "DELETE FROM mirror_objects WHERE mirror = ?", [mirror])?;
    run(on, "DELETE FROM mirrors WHERE mirror = ?", [mirror])?;
    Ok(erased)
}

/// Erases records of a set, with their contents.
fn set(on: &Connection, records: Key, limit: usize) -> Result<usize> {
    let mut erased = some(on, "mirror_seen", "records, block", "records", records, limit)?;
    for (table, keys) in [
        ("mirror_look_ups", "records, id"),
        ("mirror_wakes", "records, wake_ms, body"),
        ("mirror_raised", "records, rule, due_ms, id"),
    ] {
        erased += some(on, table, keys, "records", records, limit - erased)?;
    }
    let sql =
        "SELECT body FROM mirror_heads WHERE records = ? AND body IS NOT NULL ORDER BY id LIMIT ?";
    let left = limit - erased;
    let bodies: Vec<Key> = values(on, sql, (records, rows(left)))?;
    for body in bodies {
        run(on, "DELETE FROM mirror_bodies WHERE body = ?", [body])?;
    }
    // The heads of these bodies are among the first ones.
    erased += some(on, "mirror_heads", "records, id", "records", records, left)?;
    Ok(erased)
}

/// Erases the first rows that have this value in a column.
pub(super) fn some(
    on: &Connection,
    table: &str,
    keys: &str,
    column: &str,
    value: Key,
    limit: usize,
) -> Result<usize> {
    let sql = format!(
        "DELETE FROM {table} WHERE ({keys}) IN
             (SELECT {keys} FROM {table} WHERE {column} = ? ORDER BY {keys} LIMIT ?)"
    );
    run(on, &sql, (value, rows(limit)))
}

pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
