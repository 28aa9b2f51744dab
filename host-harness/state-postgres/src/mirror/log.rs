//! The log of changes: reading it, and forgetting what is too old.

use connector_state::mirror::ChangeRow;
use connector_state::{StoreError, retention};
use tokio_postgres::Row;

use super::objects::{self, Key};
use super::versions;
use crate::columns::{Column as _, rows, signed};
use crate::fault::DbResult;
use crate::session::Session;

/// Changes that are pruned in one transaction at most.
pub const PRUNED_AT_ONCE: usize = 2_000;

/// Changes after `since`.
const AFTER: &str =
    "SELECT m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery,
        c.at_ms, c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule
    FROM mirror_changes AS c JOIN mirror_objects AS o USING (object)
        JOIN mirrors AS m ON m.mirror = c.mirror
    WHERE c.mirror = $1 AND c.number > $2 ORDER BY c.number LIMIT $3";

/// Changes of a connection.
pub async fn changes(
    on: &Session,
    connection: &str,
    since: u64,
    limit: u32,
) -> DbResult<Vec<ChangeRow>> {
    let Some(mirror) = objects::mirror(on, connection).await? else { return Ok(vec![]) };
    let until = forgotten(on, mirror).await?;
    if 0 < since && since < until {
        return Err(StoreError::Forgotten { since, until }.into());
    }
    on.all(AFTER, &[&mirror, &signed(since), &i64::from(limit)]).await
}

async fn forgotten(on: &Session, mirror: Key) -> DbResult<u64> {
    let sql = "SELECT forgotten FROM mirrors WHERE mirror = $1";
    let forgotten: Option<i64> = on.value(sql, &[&mirror]).await?;
    Ok(forgotten.and_then(|number| u64::try_from(number).ok()).unwrap_or_default())
}

/// The oldest changes of a mirror that there are, with their times.
const OLDEST: &str =
    "SELECT number, at_ms FROM mirror_changes WHERE mirror = $1 ORDER BY number LIMIT $2";

/// Forgets changes from before `before_ms` with numbers up to `until`; answers how many. The mirror
/// is locked.
pub async fn prune(
    on: &Session,
    mirror: Key,
    before_ms: u64,
    until: Option<u64>,
    limit: usize,
) -> DbResult<usize> {
    let (mut count, mut last): (usize, Option<u64>) = (0, None);
    for row in on.rows(OLDEST, &[&mirror, &rows(limit)]).await? {
        let (number, at_ms) = (u64::read(&row, "number")?, u64::read(&row, "at_ms")?);
        if at_ms >= before_ms || until.is_some_and(|until| number > until) {
            break;
        }
        (count, last) = (count + 1, Some(number));
    }
    let Some(last) = last.map(signed) else { return Ok(0) };
    on.run("UPDATE mirrors SET forgotten = $1 WHERE mirror = $2", &[&last, &mirror]).await?;
    for table in [
        "mirror_changes WHERE mirror = $1 AND number",
        "mirror_versions WHERE mirror = $1 AND change",
        "forward_versions WHERE mirror = $1 AND change",
        "forward_undelivered WHERE mirror = $1 AND change",
    ] {
        on.run(&format!("DELETE FROM {table} <= $2"), &[&mirror, &last]).await?;
    }
    Ok(count)
}

/// Forgets what is older than is kept, connection by connection: changes, records that were removed by
/// them, and versions of records. A connection for which somebody writes comes later.
pub async fn forget(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT mirror FROM mirrors WHERE prune_ms <= $1 ORDER BY prune_ms LIMIT 1
               FOR UPDATE SKIP LOCKED";
    let mut forgotten = 0;
    while forgotten < limit {
        let Some(mirror) = on.value(sql, &[&signed(now_ms)]).await? else { break };
        // The look itself counts too.
        forgotten += forget_of(on, mirror, now_ms, limit - forgotten).await?.max(1);
    }
    Ok(forgotten)
}

/// Of one connection, and notes when to look at it again.
async fn forget_of(on: &Session, mirror: Key, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before_ms = now_ms.saturating_sub(retention::CHANGES_MS);
    let until = read_by_all(on, mirror, now_ms).await?;
    let mut left = limit;
    left -= prune(on, mirror, before_ms, until, left).await?.min(left);
    left -= forget_gone(on, mirror, left).await?.min(left);
    left -= versions::forget_old(on, mirror, now_ms, left).await?.min(left);
    left -= versions::forget_removed(on, mirror, now_ms, left).await?.min(left);
    let next = match left == 0 {
        true => Some(now_ms),
        // With the last change goes the last version.
        false => {
            let has_changes = !on.rows(OLDEST, &[&mirror, &1_i64]).await?.is_empty();
            has_changes.then(|| now_ms.saturating_add(retention::LOOK_EVERY_MS))
        }
    };
    let sql = "UPDATE mirrors SET prune_ms = $1 WHERE mirror = $2";
    on.run(sql, &[&next.map(signed), &mirror]).await?;
    Ok(limit - left)
}

/// Up to where all have read who are not silent; `None` where nobody reads.
async fn read_by_all(on: &Session, mirror: Key, now_ms: u64) -> DbResult<Option<u64>> {
    let sql = "SELECT number FROM mirror_readers WHERE mirror = $1 AND moved_ms > $2
               ORDER BY number LIMIT 1";
    let since = signed(now_ms.saturating_sub(retention::SILENT_MS));
    let number: Option<i64> = on.value(sql, &[&mirror, &since]).await?;
    Ok(number.and_then(|number| u64::try_from(number).ok()))
}

/// Forgets records that were removed by changes that are forgotten.
async fn forget_gone(on: &Session, mirror: Key, limit: usize) -> DbResult<usize> {
    let until = signed(forgotten(on, mirror).await?);
    let sql = "SELECT object, records FROM mirror_objects WHERE mirror = $1";
    let mut forgotten = 0;
    let key = |row: &Row, name| -> DbResult<Key> { Ok(row.try_get(name)?) };
    for row in on.rows(sql, &[&mirror]).await? {
        let sql = "DELETE FROM mirror_heads WHERE records = $1 AND id IN (
                       SELECT id FROM mirror_heads
                       WHERE records = $1 AND state = 'deleted' AND change <= $2 LIMIT $3)";
        let left = rows(limit - forgotten);
        let gone = on.count(sql, &[&key(&row, "records")?, &until, &left]).await?;
        let sql = "UPDATE mirror_objects SET deleted = deleted - $1 WHERE object = $2";
        if gone > 0 {
            on.run(sql, &[&rows(gone), &key(&row, "object")?]).await?;
        }
        forgotten += gone;
        if forgotten >= limit {
            break;
        }
    }
    Ok(forgotten)
}
