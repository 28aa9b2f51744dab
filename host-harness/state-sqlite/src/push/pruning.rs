//! Runs that are removed, and their items erased in pieces: a run may have millions.

use connector_state::push::plan;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::conflicts;
use crate::columns::{prepared, run, signed, value, values};
use crate::fault::DbResult;

/// From now on there is no such run. Its items are erased later.
pub fn remove(on: &Connection, id: &str) -> DbResult<()> {
    let sql = "INSERT OR IGNORE INTO removed_pushes (connection, push)
                   SELECT connection, id FROM pushes WHERE id = ?";
    run(on, sql, [id])?;
    run(on, "DELETE FROM push_claims WHERE push = ?", [id])?;
    run(on, "DELETE FROM pushes WHERE id = ?", [id])?;
    Ok(())
}

/// Erases at most so many rows of a removed connection; answers how many there were.
pub fn erase(on: &Connection, connection: &str, limit: usize) -> DbResult<usize> {
    let some = signed(limit as u64);
    let runs = "SELECT id FROM pushes WHERE connection = ? LIMIT ?";
    let removed = remove_all(on, &values(on, runs, (connection, some))?)?;
    let next = "SELECT push FROM removed_pushes WHERE connection = ? LIMIT 1";
    let next = || Ok(value(on, next, [connection])?.map(|push| (connection.to_owned(), push)));
    Ok(removed + drain(on, limit.saturating_sub(removed), next)?)
}

/// Gives up at most so many conflicts, or removes runs, and items of removed runs; answers how many
/// there were.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = signed(plan::kept_since_ms(now_ms));
    let mut removed = conflicts::give_up(on, now_ms, limit)?;
    for sql in [
        "SELECT id FROM pushes WHERE ended_ms < ? LIMIT ?",
        "SELECT id FROM pushes WHERE digest IS NULL AND made_ms < ? LIMIT ?",
    ] {
        let left = signed(limit.saturating_sub(removed) as u64);
        removed += remove_all(on, &values(on, sql, (before, left))?)?;
    }
    let next = "SELECT connection, push FROM removed_pushes LIMIT 1";
    let pair = |row: &Row<'_>| row.try_into();
    let next = || prepared(on, next)?.query_row((), pair).optional();
    Ok(removed + drain(on, limit.saturating_sub(removed), next)?)
}

fn remove_all(on: &Connection, runs: &[String]) -> DbResult<usize> {
    runs.iter().try_for_each(|id| remove(on, id))?;
    Ok(runs.len())
}

/// Erases items of removed runs, as `next` names them one by one.
fn drain(
    on: &Connection,
    limit: usize,
    next: impl Fn() -> rusqlite::Result<Option<(String, String)>>,
) -> DbResult<usize> {
    let mut left = limit;
    while left > 0
        && let Some((connection, push)) = next()?
    {
        let items = "DELETE FROM intents WHERE push = ?1 AND item IN
                         (SELECT item FROM intents WHERE push = ?1 ORDER BY item LIMIT ?2)";
        left -= run(on, items, (&push, signed(left as u64)))?.min(left);
        if left > 0 {
            let done = "DELETE FROM removed_pushes WHERE connection = ? AND push = ?";
            run(on, done, (connection, push))?;
            left -= 1;
        }
    }
    Ok(limit - left)
}
