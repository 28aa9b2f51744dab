//! The log of changes, and how far its readers are.

use connector_state::StoreError;
use connector_state::mirror::ChangeRow;
use rusqlite::Connection;

use crate::columns::{all, run, signed, value};
use crate::fault::Fault;

/// So many changes are pruned in one transaction: others write in between.
const PRUNED_AT_ONCE: u32 = 10_000;

/// Changes after a number.
///
/// # Errors
/// [`StoreError::Forgotten`].
pub fn after(
    on: &Connection,
    connection: Option<&str>,
    since: u64,
    limit: u32,
) -> Result<Vec<ChangeRow>, Fault> {
    // One transaction: nothing is pruned between the two looks.
    let reading = on.unchecked_transaction()?;
    let until = value(&reading, "SELECT forgotten FROM mirror_counter", ())?.unwrap_or(0);
    if 0 < since && since < until {
        return Err(StoreError::Forgotten { since, until }.into());
    }
    // From the log's order alone, so that the limit ends it.
    let sql = "SELECT o.connection, o.name AS object, c.*
               FROM mirror_changes AS c CROSS JOIN mirror_objects AS o USING (object)
               WHERE c.number > ?1 AND (?2 IS NULL OR o.connection = ?2)
               ORDER BY c.number LIMIT ?3";
    Ok(all(&reading, sql, (signed(since), connection, limit))?)
}

/// Forgets some changes at the log's beginning. Answers how many, and whether there may be more.
pub fn prune(on: &Connection, before_ms: u64) -> rusqlite::Result<(u64, bool)> {
    let sql = "SELECT max(number) FROM (
                   SELECT number FROM mirror_changes WHERE number < coalesce(
                       (SELECT number FROM mirror_changes WHERE at_ms >= ?
                        ORDER BY number LIMIT 1), 9223372036854775807)
                   ORDER BY number LIMIT ?)";
    let until = value(on, sql, (signed(before_ms), PRUNED_AT_ONCE))?.flatten();
    let Some(until): Option<i64> = until else { return Ok((0, false)) };
    let pruned = run(on, "DELETE FROM mirror_changes WHERE number <= ?", [until])?;
    run(on, "UPDATE mirror_counter SET forgotten = ?", [until])?;
    Ok((pruned as u64, pruned as u64 == u64::from(PRUNED_AT_ONCE)))
}
