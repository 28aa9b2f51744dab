//! Which connections changed, by numbers that count up.

use connector_state::ConnectionChanges;

use super::columns::{signed, text};
use super::fault::DbResult;
use super::session::Session;

/// This commit changes these connections. Among the last that it does: whoever else changes any waits for
/// its end.
pub async fn touch<'c>(
    on: &Session,
    connections: impl IntoIterator<Item = &'c str>,
) -> DbResult<()> {
    let connections: Vec<_> = connections.into_iter().map(text).collect();
    if connections.is_empty() {
        return Ok(());
    }
    // In the order of all others: connections first.
    let sql = "SELECT 1 FROM connections WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
    on.rows(sql, &[&connections]).await?;
    let sql = "UPDATE revisions SET number = number + 1 RETURNING number";
    let revision: i64 = on.value(sql, &[]).await?.unwrap_or_default();
    let sql = "UPDATE connections SET revision = $1 WHERE id = ANY($2)";
    on.run(sql, &[&revision, &connections]).await.map(drop)
}

/// What changed of connections after a revision, at one moment.
pub async fn since(on: &Session, revision: u64) -> DbResult<ConnectionChanges> {
    let number: Option<i64> = on.value("SELECT number FROM revisions", &[]).await?;
    let sql = "SELECT id FROM connections WHERE revision > $1 ORDER BY id";
    let changed = on.values(sql, &[&signed(revision)]).await?;
    let revision = u64::try_from(number.unwrap_or_default()).unwrap_or_default();
    Ok(ConnectionChanges { revision, changed })
}
