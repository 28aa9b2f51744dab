//! Runs that are removed, and their items erased in pieces: a run may have millions.

use connector_state::push::plan;

use super::conflicts;
use crate::columns::{rows, signed, text};
use crate::fault::DbResult;
use crate::session::Session;

/// From now on there is no such run. Its items are erased later.
pub async fn remove(on: &Session, id: &str) -> DbResult<()> {
    remove_all(on, &[id.to_owned()]).await.map(drop)
}

/// Erases at most so many rows of a removed connection; answers how many there were.
pub async fn erase(on: &Session, connection: &str, limit: usize) -> DbResult<usize> {
    let runs = "SELECT id FROM pushes WHERE connection = $1 ORDER BY id LIMIT $2";
    let runs: Vec<String> = on.values(runs, &[&text(connection), &rows(limit)]).await?;
    let removed = remove_all(on, &runs).await?;
    Ok(removed + drain(on, limit.saturating_sub(removed), Some(connection)).await?)
}

/// Gives up at most so many conflicts, or removes runs, and items of removed runs; answers how many
/// there were.
pub async fn forget(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = signed(plan::kept_since_ms(now_ms));
    let mut removed = conflicts::give_up(on, now_ms, limit).await?;
    for sql in [
        "SELECT id FROM pushes WHERE ended_ms < $1 LIMIT $2",
        "SELECT id FROM pushes WHERE digest IS NULL AND made_ms < $1 LIMIT $2",
    ] {
        let left = rows(limit.saturating_sub(removed));
        removed += remove_all(on, &on.values(sql, &[&before, &left]).await?).await?;
    }
    Ok(removed + drain(on, limit.saturating_sub(removed), None).await?)
}

async fn remove_all(on: &Session, runs: &[String]) -> DbResult<usize> {
    if runs.is_empty() {
        return Ok(0);
    }
    let lock = "SELECT id FROM pushes WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    on.rows(lock, &[&runs]).await?;
    let sql = "INSERT INTO removed_pushes (connection, push)
                   SELECT connection, id FROM pushes WHERE id = ANY($1) ON CONFLICT DO NOTHING";
    on.run(sql, &[&runs]).await?;
    on.run("DELETE FROM push_claims WHERE push = ANY($1)", &[&runs]).await?;
    on.run("DELETE FROM pushes WHERE id = ANY($1)", &[&runs]).await?;
    Ok(runs.len())
}

/// Erases items of removed runs: those of a connection, or of all.
async fn drain(on: &Session, limit: usize, connection: Option<&str>) -> DbResult<usize> {
    let connection = connection.map(text);
    let next = "SELECT push FROM removed_pushes WHERE $1::text IS NULL OR connection = $1 LIMIT 1";
    let mut left = limit;
    while left > 0
        && let Some(push) = on.value::<String>(next, &[&connection]).await?
    {
        let items = "DELETE FROM intents WHERE push = $1 AND item IN
                         (SELECT item FROM intents WHERE push = $1 ORDER BY item LIMIT $2)";
        left -= on.count(items, &[&push, &rows(left)]).await?.min(left);
        if left > 0 {
            on.run("DELETE FROM removed_pushes WHERE push = $1", &[&push]).await?;
            left -= 1;
        }
    }
    Ok(limit - left)
}
