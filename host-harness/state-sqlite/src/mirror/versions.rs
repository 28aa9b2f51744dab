//! Versions of records that were replaced, by the change that replaced each.

use connector_state::mirror::history::{KEPT, TRIM_EVERY, Unfolding};
use connector_state::mirror::plan::Plan;
use connector_state::mirror::{HistoryRow, MirroredRecord};
use connector_state::{StoreError, retention};
use rusqlite::{Connection, Result, Row};

use super::objects::{self, Key};
use crate::columns::{Record as _, prepared, run, signed, value};
use crate::fault::DbResult;

/// Changes from one of a record back, of which some versions may be kept.
const REACH: u32 = KEPT + TRIM_EVERY;

/// Keeps what the changes of a plan have replaced.
pub fn keep(on: &Connection, mirror: Key, plan: &Plan, now_ms: u64) -> Result<()> {
    let sql = "INSERT INTO mirror_versions (mirror, change, at_ms, before) VALUES (?, ?, ?, ?)";
    for version in &plan.packed {
        run(on, sql, (mirror, signed(version.change), signed(now_ms), &version.before))?;
    }
    for number in &plan.trims {
        for number in back(on, mirror, *number, REACH)?.into_iter().skip(KEPT as usize) {
            forget_one(on, mirror, number)?;
        }
    }
    Ok(())
}

/// The numbers of a record's changes, from this one back, at most `limit`.
fn back(on: &Connection, mirror: Key, from: u64, limit: u32) -> Result<Vec<u64>> {
    let sql = "SELECT prior FROM mirror_changes WHERE mirror = ? AND number = ?";
    let mut numbers = vec![from];
    while let Some(last) = numbers.last().filter(|_| numbers.len() < limit as usize) {
        match value::<Option<u64>>(on, sql, (mirror, signed(*last)))?.flatten() {
            Some(prior) => numbers.push(prior),
            None => break,
        }
    }
    Ok(numbers)
}

fn forget_one(on: &Connection, mirror: Key, change: u64) -> Result<usize> {
    let sql = "DELETE FROM mirror_versions WHERE mirror = ? AND change = ?";
    run(on, sql, (mirror, signed(change)))
}

/// What became of a record that is like this now, newest change first.
pub fn history(
    on: &Connection,
    path: &str,
    now: &MirroredRecord,
    limit: u32,
) -> DbResult<Vec<HistoryRow>> {
    let Some(mirror) = objects::mirror(on, &now.connection)? else { return Ok(vec![]) };
    let sql = "SELECT m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery, c.at_ms,
            c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule, c.prior, v.before
        FROM mirror_changes AS c CROSS JOIN mirror_objects AS o USING (object)
            CROSS JOIN mirrors AS m ON m.mirror = c.mirror
            LEFT JOIN mirror_versions AS v ON v.mirror = c.mirror AND v.change = c.number
        WHERE c.mirror = ? AND c.number = ?";
    let mut find = prepared(on, sql)?;
    let read = |row: &Row<'_>| {
        let change = connector_state::mirror::ChangeRow::read(row)?;
        let before: Option<Vec<u8>> = row.get("before")?;
        Ok((change, row.get::<_, Option<u64>>("prior")?, before))
    };
    let (mut unfolding, mut next) = (Unfolding::new(now), Some(now.change));
    for _ in 0..limit {
        let Some(number) = next else { break };
        let Some(row) = find.query_map((mirror, signed(number)), read)?.next() else { break };
        let (change, prior, before) = row?;
        unfolding.add(change, before.as_deref()).map_err(|why| {
            let why = format!("the version before change {number} cannot be unpacked: {why}");
            StoreError::Corrupt { path: path.to_owned(), why }
        })?;
        next = prior;
    }
    Ok(unfolding.rows())
}

/// Forgets versions that were replaced too long ago; answers how many there were.
pub fn forget_old(on: &Connection, mirror: Key, now_ms: u64, limit: usize) -> Result<usize> {
    let before_ms = now_ms.saturating_sub(retention::VERSIONS_MS);
    let oldest =
        "SELECT change, at_ms FROM mirror_versions WHERE mirror = ? ORDER BY change LIMIT ?";
    let oldest: Vec<(i64, u64)> = prepared(on, oldest)?
        .query_map((mirror, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.try_into())?
        .collect::<Result<_>>()?;
    let old = oldest.iter().take_while(|(_, at_ms)| *at_ms < before_ms);
    let Some((last, _)) = old.last() else { return Ok(0) };
    run(on, "DELETE FROM mirror_versions WHERE mirror = ? AND change <= ?", (mirror, last))
}

/// Forgets what records were that were removed too long ago; answers how many changes they had.
pub fn forget_removed(on: &Connection, mirror: Key, now_ms: u64, limit: usize) -> Result<usize> {
    let before_ms = now_ms.saturating_sub(retention::REMOVED_VERSIONS_MS);
    let mut forgotten = 0;
    let forwarded = "SELECT 1 FROM forward_versions WHERE mirror = ? LIMIT 1";
    let is_forwarded = value::<i64>(on, forwarded, [mirror])?.is_some();
    let sets = "SELECT records FROM mirror_objects WHERE mirror = ?";
    for records in crate::columns::values::<Key>(on, sets, [mirror])? {
        let sql = "SELECT h.id, h.change, c.at_ms FROM mirror_heads AS h
                       LEFT JOIN mirror_changes AS c ON c.mirror = ?2 AND c.number = h.change
                   WHERE h.records = ?1 AND h.state = 'deleted' AND h.versions > 0
                   ORDER BY h.change LIMIT ?3";
        let left = i64::try_from(limit - forgotten).unwrap_or(i64::MAX);
        let removed: Vec<(String, u64, Option<u64>)> = prepared(on, sql)?
            .query_map((records, mirror, left), |row| row.try_into())?
            .collect::<Result<_>>()?;
        for (id, change, at_ms) in removed {
            if at_ms.is_some_and(|at_ms| at_ms >= before_ms) {
                break;
            }
            for number in back(on, mirror, change, REACH)? {
                forget_one(on, mirror, number)?;
                if is_forwarded {
                    forget_forwarded(on, mirror, number, &id)?;
                }
                forgotten += 1;
            }
            let sql = "UPDATE mirror_heads SET versions = 0 WHERE records = ? AND id = ?";
            run(on, sql, (records, &id))?;
            if forgotten >= limit {
                return Ok(limit);
            }
        }
    }
    Ok(forgotten)
}

/// Also what is to be forwarded of the change, and of what the record held: that follows it in the log.
fn forget_forwarded(on: &Connection, mirror: Key, change: u64, id: &str) -> Result<usize> {
    let sql = "DELETE FROM forward_versions WHERE mirror = ?1 AND change >= ?2 AND change < (
                   SELECT coalesce(min(number), 9223372036854775807) FROM mirror_changes
                   WHERE mirror = ?1 AND number > ?2
                       AND NOT (id = ?3 OR substr(id, 1, length(?3) + 1) = ?3 || '/'))";
    run(on, sql, (mirror, signed(change), id))
}

/// Forgets what the first records of a set were, which are erased; answers of how many that was, or
/// `limit` where there are no more.
pub fn erase(on: &Connection, mirror: Key, records: Key, limit: usize) -> Result<usize> {
    let sql = "SELECT change, versions FROM mirror_heads WHERE records = ? ORDER BY id LIMIT ?";
    let heads: Vec<(u64, u32)> = prepared(on, sql)?
        .query_map((records, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.try_into())?
        .collect::<Result<_>>()?;
    let mut left = limit;
    for (done, (change, versions)) in heads.into_iter().enumerate() {
        if left == 0 {
            return Ok(done);
        }
        if versions > 1 {
            let numbers = back(on, mirror, change, versions.min(REACH))?;
            left = left.saturating_sub(numbers.len());
            numbers.into_iter().try_for_each(|number| forget_one(on, mirror, number).map(drop))?;
        }
    }
    Ok(limit)
}
