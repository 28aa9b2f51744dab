//! The rows of forwards, and how far behind each is.

use connector_state::Lease;
use connector_state::outbox::{ForwardLag, ForwardRow, plan};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::columns::{Column as _, Record as _, all, prepared, run, signed, upsert, value};
use crate::fault::DbResult;

pub const FORWARDS: &str = "SELECT * FROM forwards ORDER BY name";

/// The mirrors whose changes the forward `?1` hands on, and how far it is in each (`r`).
pub const COVERED: &str = "forwards AS f
    CROSS JOIN connections AS n
        ON n.connector = f.connector AND (f.connection IS NULL OR f.connection = n.id)
    CROSS JOIN mirrors AS m ON m.connection = n.id
    LEFT JOIN mirror_readers AS r
        ON r.kind = 'forward' AND r.reader = f.id AND r.mirror = m.mirror
    WHERE f.id = ?1";

/// When the first change was noticed that the forward has not had; null: there is none.
pub const FIRST_AFTER: &str = "(SELECT at_ms FROM mirror_changes AS c
    WHERE c.mirror = m.mirror AND c.number > coalesce(r.number, 0) ORDER BY c.number LIMIT 1) AS first_ms";

pub fn put(on: &Connection, forward: &ForwardRow, now_ms: u64) -> DbResult<()> {
    let sql = "SELECT 1 FROM connections WHERE id = ?";
    let is_connected = value::<i64>(on, sql, [&forward.connection])?.is_some();
    let is_new = plan::put(forward, &all::<ForwardRow>(on, FORWARDS, ())?, is_connected)?;
    upsert(on, "forwards", &["id"], forward.write()?)?;
    if is_new { begin(on, &forward.id, now_ms) } else { Ok(()) }
}

/// A forward that is new begins with what changes from now on.
pub fn begin(on: &Connection, forward: &str, now_ms: u64) -> DbResult<()> {
    let sql = format!(
        "INSERT OR IGNORE INTO mirror_readers (kind, reader, mirror, number, moved_ms)
         SELECT 'forward', f.id, m.mirror, m.moment, ?2 FROM {COVERED}"
    );
    run(on, &sql, (forward, signed(now_ms)))?;
    Ok(())
}

/// Every forward has a position in the changes of a connection from now on: one that had none begins with what
/// changes from now on, or `at_first` with the first change that is kept.
pub fn begin_here(on: &Connection, connection: &str, at_first: bool, now_ms: u64) -> DbResult<()> {
    let sql = "INSERT OR IGNORE INTO mirror_readers (kind, reader, mirror, number, moved_ms)
               SELECT 'forward', f.id, m.mirror, iif(?3, 0, m.moment), ?2
               FROM mirrors AS m CROSS JOIN connections AS n ON n.id = m.connection
                   CROSS JOIN forwards AS f
               WHERE m.connection = ?1 AND f.connector = n.connector
                   AND (f.connection IS NULL OR f.connection = n.id)";
    run(on, sql, (connection, signed(now_ms), at_first))?;
    Ok(())
}

pub fn remove(on: &Connection, forward: &str) -> Result<()> {
    for sql in [
        "DELETE FROM forwards WHERE id = ?",
        "DELETE FROM forward_undelivered WHERE forward = ?",
        "DELETE FROM mirror_readers WHERE kind = 'forward' AND reader = ?",
    ] {
        run(on, sql, [forward])?;
    }
    Ok(())
}

pub fn lease(on: &Connection, forward: &str, wanted: &Lease, now_ms: u64) -> Result<bool> {
    let sql = "SELECT lease_attempt, lease_until_ms FROM forwards WHERE id = ?";
    let held = |row: &Row<'_>| <Option<Lease>>::read(row, "lease");
    let held = prepared(on, sql)?.query_row([forward], held).optional()?.flatten();
    if held.is_some_and(|held| held.blocks(wanted, now_ms)) {
        return Ok(false);
    }
    let sql = "UPDATE forwards SET lease_attempt = ?, lease_until_ms = ? WHERE id = ?";
    Ok(run(on, sql, (&wanted.attempt, signed(wanted.until_ms), forward))? > 0)
}

pub fn measure(on: &Connection, forward: &str) -> Result<ForwardLag> {
    let on = on.unchecked_transaction()?;
    let sql = "SELECT error, error_ms FROM forwards WHERE id = ?";
    let error = prepared(&on, sql)?.query_row([forward], |row| row.try_into()).optional()?;
    let (error, error_ms): (Option<String>, Option<u64>) = error.unwrap_or_default();
    let mut lag = ForwardLag { error, error_ms, ..ForwardLag::default() };
    let sql = format!(
        "SELECT m.moment - coalesce(r.number, 0), {FIRST_AFTER}
         FROM {COVERED} AND m.moment > coalesce(r.number, 0)"
    );
    let mut since = Vec::new();
    let mut behind = prepared(&on, &sql)?;
    for row in behind.query_map([forward], |row| <(u64, Option<u64>)>::try_from(row))? {
        let (count, Some(first_ms)) = row? else { continue };
        lag.behind += count;
        since.push(first_ms);
    }
    let sql = "SELECT count(u.next_ms), count(*), min(iif(u.next_ms IS NULL, NULL, c.at_ms))
               FROM forward_undelivered AS u
                   CROSS JOIN mirror_changes AS c ON c.mirror = u.mirror AND c.number = u.change
               WHERE u.forward = ?";
    let counted: (u64, u64, Option<u64>) =
        prepared(&on, sql)?.query_row([forward], |row| row.try_into())?;
    (lag.waiting, lag.parked) = (counted.0, counted.1.saturating_sub(counted.0));
    lag.since_ms = since.into_iter().chain(counted.2).min();
    Ok(lag)
}
