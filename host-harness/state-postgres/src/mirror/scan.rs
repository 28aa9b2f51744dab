//! How far scans are, and the bookmarks that they had.

use connector_state::journal::entries;
use connector_state::mirror::{ScanChange, ScanRow};

use super::objects::{self, Key};
use crate::columns::{Record as _, signed, text};
use crate::fault::DbResult;
use crate::journal;
use crate::session::Session;

/// Scans with the names of what they are of.
const SELECT: &str = "SELECT m.connection, o.name AS object, s.*
    FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
        JOIN mirror_scans AS s USING (object) WHERE";

/// All scans of a connection.
pub async fn of_connection(on: &Session, connection: &str) -> DbResult<Vec<ScanRow>> {
    on.all(&format!("{SELECT} m.connection = $1 ORDER BY o.name"), &[&text(connection)]).await
}

/// Lets `change` decide on a scan.
pub async fn change(
    on: &Session,
    connection: &str,
    object: &str,
    change: &ScanChange,
) -> DbResult<ScanRow> {
    let mirror = objects::lock_or_make(on, connection).await?.mirror;
    let mut all = objects::all(on, mirror).await?;
    let key = objects::make(on, &mut all, mirror, object).await?.object;
    let (now_ms, now) = tokio::try_join!(on.now_ms(), of_object(on, key))?;
    let now = now.unwrap_or_else(|| ScanRow::new(connection, object));
    let Some(new) = change(&now, now_ms) else { return Ok(now) };
    put(on, key, &new).await?;
    if let Some(entry) = entries::of_scan(&now, &new) {
        journal::note(on, connection, now_ms, on.actor(), &entry).await?;
    }
    Ok(new)
}

/// When the newest bookmark was kept that is not of the future.
pub async fn bookmarked_ms(on: &Session, object: Key, now_ms: u64) -> DbResult<Option<u64>> {
    let sql = "SELECT at_ms FROM mirror_bookmarks WHERE object = $1 AND at_ms <= $2
               ORDER BY at_ms DESC LIMIT 1";
    let at_ms: Option<i64> = on.value(sql, &[&object, &signed(now_ms)]).await?;
    Ok(at_ms.and_then(|at_ms| u64::try_from(at_ms).ok()))
}

/// Keeps a bookmark, and forgets those from before `until_ms` but for the newest of them.
pub async fn keep_bookmark(
    on: &Session,
    object: Key,
    bookmark: &str,
    now_ms: u64,
    until_ms: u64,
) -> DbResult<()> {
    let sql = "INSERT INTO mirror_bookmarks (object, at_ms, bookmark) VALUES ($1, $2, $3)
               ON CONFLICT (object, at_ms) DO UPDATE SET bookmark = excluded.bookmark";
    on.run(sql, &[&object, &signed(now_ms), &text(bookmark)]).await?;
    let sql = "DELETE FROM mirror_bookmarks WHERE object = $1 AND at_ms < (
                   SELECT max(at_ms) FROM mirror_bookmarks WHERE object = $1 AND at_ms <= $2)";
    on.run(sql, &[&object, &signed(until_ms)]).await.map(drop)
}

/// The newest bookmark from before `at_ms`.
pub async fn bookmark_before(
    on: &Session,
    connection: &str,
    object: &str,
    at_ms: u64,
) -> DbResult<Option<String>> {
    let sql = "SELECT bookmark FROM mirrors JOIN mirror_objects USING (mirror)
                   JOIN mirror_bookmarks USING (object)
               WHERE connection = $1 AND name = $2 AND at_ms <= $3 ORDER BY at_ms DESC LIMIT 1";
    let found: Option<String> =
        on.value(sql, &[&text(connection), &text(object), &signed(at_ms)]).await?;
    Ok(found.map(crate::columns::untext))
}

/// The scan of an object, when there was any. Nobody takes its lease until the transaction ends.
pub async fn of_object(on: &Session, key: Key) -> DbResult<Option<ScanRow>> {
    on.one(&format!("{SELECT} s.object = $1 FOR UPDATE OF s"), &[&key]).await
}

/// Keeps a scan.
pub async fn put(on: &Session, key: Key, row: &ScanRow) -> DbResult<()> {
    let mut columns = row.write();
    columns.add("object", key);
    on.upsert("mirror_scans", &["object"], columns).await
}
