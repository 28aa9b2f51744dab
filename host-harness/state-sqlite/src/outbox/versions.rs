//! What changes are between, for as long as a forward needs it.

use connector_state::mirror::plan::ChangedVersions;
use connector_state::outbox::plan::MOST_BEHIND;
use rusqlite::{Connection, Result};

use crate::columns::{run, signed, value, values};
use crate::fault::DbResult;
use connector_state::moving::MOVED;

/// Whether changes of a connection are forwarded to somebody.
pub fn are_kept(on: &Connection, mirror: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM mirrors AS m CROSS JOIN connections AS n ON n.id = m.connection
                   CROSS JOIN forwards AS f
               WHERE m.mirror = ? AND f.connector = n.connector
                   AND (f.connection IS NULL OR f.connection = n.id) LIMIT 1";
    Ok(value::<i64>(on, sql, [mirror])?.is_some())
}

/// Keeps what changes are between.
pub fn keep(on: &Connection, mirror: i64, versions: &[ChangedVersions]) -> Result<()> {
    let sql = "INSERT INTO forward_versions (mirror, change, before, after) VALUES (?, ?, ?, ?)";
    versions.iter().try_for_each(|ChangedVersions { change, before, after }| {
        run(on, sql, (mirror, signed(*change), before, after)).map(drop)
    })
}

/// Forgets versions that every forward has had, or that are too far back.
pub fn forget(on: &Connection, _: u64, limit: usize) -> DbResult<usize> {
    let mut forgotten = 0;
    let mut last = i64::MIN;
    let next = "SELECT mirror FROM forward_versions WHERE mirror > ? ORDER BY mirror LIMIT 1";
    while let Some(mirror) = value::<i64>(on, next, [last])? {
        last = mirror;
        let sql = "SELECT max(m.moment - ?2, coalesce((
                       SELECT min(coalesce(r.number, 0))
                       FROM connections AS n CROSS JOIN forwards AS f
                           LEFT JOIN mirror_readers AS r
                               ON r.kind = 'forward' AND r.reader = f.id AND r.mirror = m.mirror
                       WHERE n.id = m.connection AND f.connector = n.connector
                           AND (f.connection IS NULL OR f.connection = n.id)
                   ), iif(EXISTS (SELECT 1 FROM moves WHERE m.connection = ?3 || connection), 0, m.moment)))
                   FROM mirrors AS m WHERE m.mirror = ?1";
        let until: i64 = value(on, sql, (mirror, signed(MOST_BEHIND), MOVED))?.unwrap_or(i64::MAX);
        let sql = "SELECT change FROM forward_versions AS v WHERE mirror = ?1 AND change <= ?2
                       AND NOT EXISTS (SELECT 1 FROM forward_undelivered AS u
                                       WHERE u.mirror = ?1 AND u.change = v.change)
                   ORDER BY change LIMIT ?3";
        let left = i64::try_from(limit - forgotten).unwrap_or(i64::MAX);
        for change in values::<i64>(on, sql, (mirror, until, left))? {
            let sql = "DELETE FROM forward_versions WHERE mirror = ? AND change = ?";
            run(on, sql, (mirror, change))?;
            forgotten += 1;
        }
        if forgotten >= limit {
            break;
        }
    }
    Ok(forgotten)
}
