//! What changes are between, for as long as a forward needs it.

use connector_state::mirror::plan::ChangedVersions;
use connector_state::outbox::plan::MOST_BEHIND;

use crate::columns::{rows, signed, texts};
use crate::fault::DbResult;
use crate::session::Session;
use connector_state::moving::MOVED;

/// Whether changes of a connection are forwarded to somebody.
pub async fn are_kept(on: &Session, mirror: i64) -> DbResult<bool> {
    let sql = "SELECT EXISTS (
                   SELECT 1 FROM mirrors AS m JOIN connections AS n ON n.id = m.connection
                       JOIN forwards AS f ON f.connector = n.connector
                           AND (f.connection IS NULL OR f.connection = n.id)
                   WHERE m.mirror = $1)";
    Ok(on.value(sql, &[&mirror]).await?.unwrap_or_default())
}

/// Keeps what changes are between.
pub async fn keep(on: &Session, mirror: i64, versions: &[ChangedVersions]) -> DbResult<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let changes: Vec<i64> = versions.iter().map(|version| signed(version.change)).collect();
    let before: Vec<_> = versions.iter().map(|version| texts(version.before.as_ref())).collect();
    let after: Vec<_> = versions.iter().map(|version| texts(version.after.as_ref())).collect();
    let sql = "INSERT INTO forward_versions (mirror, change, before, after)
               SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[])";
    on.run(sql, &[&mirror, &changes, &before, &after]).await.map(drop)
}

/// Forgets versions that every forward has had, or that are too far back.
pub async fn forget(on: &Session, limit: usize) -> DbResult<usize> {
    let (mut forgotten, mut last) = (0, i64::MIN);
    let next = "SELECT mirror FROM forward_versions WHERE mirror > $1 ORDER BY mirror LIMIT 1";
    while let Some(mirror) = on.value::<i64>(next, &[&last]).await? {
        last = mirror;
        let sql = "SELECT greatest(m.moment - $2, coalesce((
                       SELECT min(coalesce(r.number, 0))
                       FROM connections AS n JOIN forwards AS f ON f.connector = n.connector
                               AND (f.connection IS NULL OR f.connection = n.id)
                           LEFT JOIN mirror_readers AS r
                               ON r.kind = 'forward' AND r.reader = f.id AND r.mirror = m.mirror
                       WHERE n.id = m.connection
                   ), CASE WHEN starts_with(m.connection, $3) THEN 0 ELSE m.moment END))
                   FROM mirrors AS m WHERE m.mirror = $1";
        let until: Option<i64> = on.value(sql, &[&mirror, &signed(MOST_BEHIND), &MOVED]).await?;
        let sql = "DELETE FROM forward_versions WHERE mirror = $1 AND change IN (
                       SELECT change FROM forward_versions AS v
                       WHERE mirror = $1 AND change <= $2
                           AND NOT EXISTS (SELECT 1 FROM forward_undelivered AS u
                                           WHERE u.mirror = $1 AND u.change = v.change)
                       ORDER BY change LIMIT $3)";
        let left = rows(limit - forgotten);
        forgotten += on.count(sql, &[&mirror, &until.unwrap_or(i64::MAX), &left]).await?;
        if forgotten >= limit {
            break;
        }
    }
    Ok(forgotten)
}
