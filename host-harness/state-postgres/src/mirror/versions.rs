//! Versions of records that were replaced, by the change that replaced each.

use connector_state::mirror::history::{KEPT, TRIM_EVERY, Unfolding};
use connector_state::mirror::plan::Plan;
use connector_state::mirror::{ChangeRow, HistoryRow, MirroredRecord};
use connector_state::{StoreError, retention};

use super::objects::{self, Key};
use crate::columns::{Column as _, Record as _, odd, rows, signed};
use crate::fault::DbResult;
use crate::session::Session;

/// Changes from one of a record back, of which some versions may be kept.
const REACH: u32 = KEPT + TRIM_EVERY;

/// The changes of records, from the numbers `$2` back by `prior`, at most `$3` of each: `place` counts
/// from 1.
const BACK: &str = "WITH RECURSIVE back (number, prior, place) AS (
        SELECT number, prior, 1::bigint FROM mirror_changes
        WHERE mirror = $1 AND number = ANY($2::bigint[])
        UNION ALL
        SELECT c.number, c.prior, b.place + 1
        FROM back AS b JOIN mirror_changes AS c ON c.mirror = $1 AND c.number = b.prior
        WHERE b.place < $3)";

/// Keeps what the changes of a plan have replaced.
pub async fn keep(on: &Session, mirror: Key, plan: &Plan, now_ms: u64) -> DbResult<()> {
    if plan.packed.is_empty() {
        return Ok(());
    }
    let changes: Vec<i64> = plan.packed.iter().map(|version| signed(version.change)).collect();
    let before: Vec<&[u8]> = plan.packed.iter().map(|version| version.before.as_slice()).collect();
    let sql = "INSERT INTO mirror_versions (mirror, at_ms, change, before)
               SELECT $1, $2, * FROM unnest($3::bigint[], $4::bytea[])";
    on.run(sql, &[&mirror, &signed(now_ms), &changes, &before]).await.map(drop)
}

/// Forgets what is more than is kept of the records with these changes.
pub async fn trim(on: &Session, mirror: Key, trims: &[u64]) -> DbResult<()> {
    if trims.is_empty() {
        return Ok(());
    }
    let trims: Vec<i64> = trims.iter().map(|number| signed(*number)).collect();
    let sql = format!(
        "{BACK} DELETE FROM mirror_versions AS v USING back AS b
         WHERE v.mirror = $1 AND v.change = b.number AND b.place > $4"
    );
    on.run(&sql, &[&mirror, &trims, &i64::from(REACH), &i64::from(KEPT)]).await.map(drop)
}

/// What became of a record that is like this now, newest change first.
pub async fn history(on: &Session, now: &MirroredRecord, limit: u32) -> DbResult<Vec<HistoryRow>> {
    let Some(mirror) = objects::mirror(on, &now.connection).await? else { return Ok(vec![]) };
    let sql = format!(
        "{BACK} SELECT m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery,
            c.at_ms, c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule, v.before
        FROM back AS b JOIN mirror_changes AS c ON c.mirror = $1 AND c.number = b.number
            JOIN mirror_objects AS o USING (object)
            JOIN mirrors AS m ON m.mirror = c.mirror
            LEFT JOIN mirror_versions AS v ON v.mirror = c.mirror AND v.change = c.number
        WHERE b.place <= $3 ORDER BY b.place"
    );
    let from = vec![signed(now.change)];
    let mut unfolding = Unfolding::new(now);
    for row in on.rows(&sql, &[&mirror, &from, &i64::from(limit)]).await? {
        let change = ChangeRow::read(&row)?;
        let (number, before) = (change.number, <Option<Vec<u8>>>::read(&row, "before")?);
        unfolding.add(change, before.as_deref()).map_err(|why| {
            let why = format!("the version before change {number} cannot be unpacked: {why}");
            StoreError::Corrupt { path: on.place().to_owned(), why }
        })?;
    }
    Ok(unfolding.rows())
}

/// Forgets versions that were replaced too long ago; answers how many there were.
pub async fn forget_old(on: &Session, mirror: Key, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before_ms = signed(now_ms.saturating_sub(retention::VERSIONS_MS));
    let oldest =
        "SELECT change, at_ms FROM mirror_versions WHERE mirror = $1 ORDER BY change LIMIT $2";
    let mut last = None;
    for row in on.rows(oldest, &[&mirror, &rows(limit)]).await? {
        if row.try_get::<_, i64>("at_ms")? >= before_ms {
            break;
        }
        last = Some(row.try_get::<_, i64>("change")?);
    }
    let Some(last) = last else { return Ok(0) };
    let sql = "DELETE FROM mirror_versions WHERE mirror = $1 AND change <= $2";
    on.count(sql, &[&mirror, &last]).await
}

/// Forgets what records were that were removed too long ago; answers how many changes they had.
pub async fn forget_removed(
    on: &Session,
    mirror: Key,
    now_ms: u64,
    limit: usize,
) -> DbResult<usize> {
    let before_ms = signed(now_ms.saturating_sub(retention::REMOVED_VERSIONS_MS));
    let sets = "SELECT records FROM mirror_objects WHERE mirror = $1";
    let mut forgotten = 0;
    for records in on.values::<Key>(sets, &[&mirror]).await? {
        let sql = "SELECT h.id, h.change, c.at_ms FROM mirror_heads AS h
                       LEFT JOIN mirror_changes AS c ON c.mirror = $2 AND c.number = h.change
                   WHERE h.records = $1 AND h.state = 'deleted' AND h.versions > 0
                   ORDER BY h.change LIMIT $3";
        let removed = on.rows(sql, &[&records, &mirror, &rows(limit - forgotten)]).await?;
        for row in removed {
            let at_ms: Option<i64> = row.try_get("at_ms")?;
            if at_ms.is_some_and(|at_ms| at_ms >= before_ms) {
                break;
            }
            let id: String = row.try_get("id")?;
            let change: i64 = row.try_get("change")?;
            forgotten += forget_one(on, mirror, change, &id).await?;
            let sql = "UPDATE mirror_heads SET versions = 0 WHERE records = $1 AND id = $2";
            on.run(sql, &[&records, &id]).await?;
            if forgotten >= limit {
                return Ok(limit);
            }
        }
    }
    Ok(forgotten)
}

/// Forgets all versions of a record, also those that are to be forwarded, and those of what it held:
/// these follow its own in the log. Answers how many changes it had.
async fn forget_one(on: &Session, mirror: Key, change: i64, id: &str) -> DbResult<usize> {
    let sql = format!("{BACK} SELECT number FROM back");
    let numbers: Vec<i64> = on.values(&sql, &[&mirror, &vec![change], &i64::from(REACH)]).await?;
    let sql = "DELETE FROM mirror_versions WHERE mirror = $1 AND change = ANY($2)";
    on.run(sql, &[&mirror, &numbers]).await?;
    for number in &numbers {
        let sql = "DELETE FROM forward_versions WHERE mirror = $1 AND change >= $2 AND change < coalesce((
                       SELECT number FROM mirror_changes
                       WHERE mirror = $1 AND number > $2
                           AND NOT (id = $3 OR starts_with(id, $3 || '/'))
                       ORDER BY number LIMIT 1), 9223372036854775807)";
        on.run(sql, &[&mirror, number, &id]).await?;
    }
    Ok(numbers.len().max(1))
}

/// Forgets what the first records of a set were, which are erased; answers of how many that was, or
/// `limit` where there are no more.
pub async fn erase(on: &Session, mirror: Key, records: Key, limit: usize) -> DbResult<usize> {
    let sql = "SELECT change, versions FROM mirror_heads WHERE records = $1 ORDER BY id LIMIT $2";
    let mut left = limit;
    for (done, row) in on.rows(sql, &[&records, &rows(limit)]).await?.iter().enumerate() {
        if left == 0 {
            return Ok(done);
        }
        let versions = u32::read(row, "versions")?;
        if versions > 1 {
            let change: i64 = row.try_get("change")?;
            let sql = format!(
                "{BACK} DELETE FROM mirror_versions AS v USING back AS b
                 WHERE v.mirror = $1 AND v.change = b.number"
            );
            let reach = i64::from(versions.min(REACH));
            on.run(&sql, &[&mirror, &vec![change], &reach]).await?;
            left = left.saturating_sub(usize::try_from(reach).map_err(|_| odd("versions", "odd"))?);
        }
    }
    Ok(limit)
}
