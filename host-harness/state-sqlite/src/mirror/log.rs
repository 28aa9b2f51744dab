//! The log of changes: reading it, and forgetting what is too old.

use connector_state::mirror::ChangeRow;
use connector_state::{StoreError, retention};
use rusqlite::{Connection, Result};

use super::objects::{self, Key};
use super::versions;
use crate::columns::{all, prepared, run, signed, value, values};
use crate::fault::DbResult;

/// Changes that are pruned in one transaction at most.
pub const PRUNED_AT_ONCE: usize = 2_000;

/// Changes after `since`.
pub const AFTER: &str =
    "SELECT m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery,
        c.at_ms, c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule
    FROM mirror_changes AS c CROSS JOIN mirror_objects AS o USING (object)
        CROSS JOIN mirrors AS m ON m.mirror = c.mirror
    WHERE c.mirror = ? AND c.number > ? ORDER BY c.number LIMIT ?";

/// Changes of a connection.
pub fn changes(
    on: &Connection,
    connection: &str,
    since: u64,
    limit: u32,
) -> DbResult<Vec<ChangeRow>> {
    // One transaction: nothing is pruned between the two looks.
    let reading = on.unchecked_transaction()?;
    let Some(mirror) = objects::mirror(&reading, connection)? else { return Ok(vec![]) };
    let until = forgotten(&reading, mirror)?;
    if 0 < since && since < until {
        return Err(StoreError::Forgotten { since, until }.into());
    }
    Ok(all(&reading, AFTER, (mirror, signed(since), limit))?)
}

fn forgotten(on: &Connection, mirror: Key) -> Result<u64> {
    let sql = "SELECT forgotten FROM mirrors WHERE mirror = ?";
    Ok(value(on, sql, [mirror])?.unwrap_or_default())
}

/// The oldest changes of a mirror that there are, with their times.
const OLDEST: &str =
    "SELECT number, at_ms FROM mirror_changes WHERE mirror = ? ORDER BY number LIMIT ?";

/// Forgets changes from before `before_ms` with numbers up to `until`; answers how many.
pub fn prune(
    on: &Connection,
    mirror: Key,
    before_ms: u64,
    until: Option<u64>,
    limit: usize,
) -> Result<usize> {
    let mut oldest = prepared(on, OLDEST)?;
    let rows = oldest
        .query_map((mirror, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.try_into())?;
    let (mut count, mut last): (usize, Option<u64>) = (0, None);
    for row in rows {
        let (number, at_ms): (u64, u64) = row?;
        if at_ms >= before_ms || until.is_some_and(|until| number > until) {
            break;
        }
        (count, last) = (count + 1, Some(number));
    }
    let Some(last) = last.map(signed) else { return Ok(0) };
    run(on, "UPDATE mirrors SET forgotten = ? WHERE mirror = ?", (last, mirror))?;
    for table in [
        "mirror_changes WHERE mirror = ? AND number",
        "mirror_versions WHERE mirror = ? AND change",
        "forward_versions WHERE mirror = ? AND change",
        "forward_undelivered WHERE mirror = ? AND change",
    ] {
        run(on, &format!("DELETE FROM {table} <= ?"), (mirror, last))?;
    }
    Ok(count)
}

/// Forgets what is older than is kept, connection by connection: changes, records that were removed by
/// them, and versions of records.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT mirror FROM mirrors WHERE prune_ms <= ? ORDER BY prune_ms LIMIT 1";
    let mut forgotten = 0;
    while forgotten < limit {
        let Some(mirror) = value(on, sql, [signed(now_ms)])? else { break };
        // The look itself counts too.
        forgotten += forget_of(on, mirror, now_ms, limit - forgotten)?.max(1);
    }
    Ok(forgotten)
}

/// Of one connection, and notes when to look at it again.
fn forget_of(on: &Connection, mirror: Key, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before_ms = now_ms.saturating_sub(retention::CHANGES_MS);
    let mut left = limit;
    left -= prune(on, mirror, before_ms, read_by_all(on, mirror, now_ms)?, left)?.min(left);
    left -= forget_gone(on, mirror, left)?.min(left);
    left -= versions::forget_old(on, mirror, now_ms, left)?.min(left);
    left -= versions::forget_removed(on, mirror, now_ms, left)?.min(left);
    let next = match left == 0 {
        true => Some(now_ms),
        // With the last change goes the last version.
        false => has_changes(on, mirror)?.then(|| now_ms.saturating_add(retention::LOOK_EVERY_MS)),
    };
    run(on, "UPDATE mirrors SET prune_ms = ? WHERE mirror = ?", (next.map(signed), mirror))?;
    Ok(limit - left)
}

fn has_changes(on: &Connection, mirror: Key) -> Result<bool> {
    prepared(on, OLDEST)?.exists((mirror, 1))
}

/// Up to where all have read who are not silent; `None` where nobody reads.
fn read_by_all(on: &Connection, mirror: Key, now_ms: u64) -> Result<Option<u64>> {
    let sql = "SELECT number FROM mirror_readers WHERE mirror = ? AND moved_ms > ?
               ORDER BY number LIMIT 1";
    value(on, sql, (mirror, signed(now_ms.saturating_sub(retention::SILENT_MS))))
}

/// Forgets records that were removed by changes that are forgotten.
fn forget_gone(on: &Connection, mirror: Key, limit: usize) -> Result<usize> {
    let until = signed(forgotten(on, mirror)?);
    let sets: Vec<(Key, Key)> = {
        let sql = "SELECT object, records FROM mirror_objects WHERE mirror = ?";
        prepared(on, sql)?.query_map([mirror], |row| row.try_into())?.collect::<Result<_>>()?
    };
    let mut forgotten = 0;
    for (object, records) in sets {
        let sql = "SELECT id FROM mirror_heads
                   WHERE records = ? AND state = 'deleted' AND change <= ? LIMIT ?";
        let left = i64::try_from(limit - forgotten).unwrap_or(i64::MAX);
        let ids: Vec<String> = values(on, sql, (records, until, left))?;
        for id in &ids {
            run(on, "DELETE FROM mirror_heads WHERE records = ? AND id = ?", (records, id))?;
        }
        let sql = "UPDATE mirror_objects SET deleted = deleted - ? WHERE object = ?";
        run(on, sql, (i64::try_from(ids.len()).unwrap_or_default(), object))?;
        forgotten += ids.len();
        if forgotten >= limit {
            break;
        }
    }
    Ok(forgotten)
}
