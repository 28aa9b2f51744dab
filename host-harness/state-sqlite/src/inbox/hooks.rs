//! Where deliveries come to.

use connector_state::Lease;
use connector_state::inbox::Beat;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::columns::{Column as _, run, signed};

/// Notes a gap: its time, and the connection.
pub const OPEN_GAP: &str = "UPDATE hooks SET gap_ms = min(coalesce(gap_ms, ?1), ?1),
        gap_end_ms = max(coalesce(gap_end_ms, ?1), ?1)
    WHERE connection = ?2";

/// A verified delivery of these objects came: the subscriptions to them work. Where none is to
/// one of these objects, all of the connection's do: what a subscription is to may hand over
/// events of other objects.
pub fn came(on: &Connection, connection: &str, objects: &[&str], now_ms: u64) -> Result<()> {
    const WORKS: &str = "UPDATE subscriptions SET deliveries = deliveries + 1,
        last_ms = max(coalesce(last_ms, 0), ?1), proven_ms = coalesce(proven_ms, ?1)
        WHERE connection = ?2";
    let now = signed(now_ms);
    let mut found = 0;
    for object in objects {
        found += run(on, &format!("{WORKS} AND object = ?3"), (now, connection, object))?;
    }
    if found == 0 {
        run(on, WORKS, (now, connection))?;
    }
    Ok(())
}

/// A receiver is there.
pub fn beat(on: &Connection, beat: &Beat) -> Result<()> {
    let now = signed(beat.now_ms);
    run(on, "REPLACE INTO receiver (one, alive_ms) VALUES (1, ?)", [now])?;
    let oldest = signed(beat.now_ms.saturating_sub(beat.gap_after_ms));
    let sql = "UPDATE hooks SET
                   gap_ms = CASE WHEN alive_ms < ?1 THEN min(coalesce(gap_ms, alive_ms), alive_ms)
                            ELSE gap_ms END,
                   gap_end_ms = CASE WHEN alive_ms < ?1 THEN ?2 ELSE gap_end_ms END,
                   alive_ms = ?2, refused = refused + ?3,
                   refused_ms = CASE WHEN ?3 > 0 THEN ?2 ELSE refused_ms END
               WHERE connection = ?4";
    for (connection, refused) in &beat.served {
        run(on, sql, (oldest, now, signed(*refused), connection))?;
    }
    Ok(())
}

/// Takes or extends the lease of a connection's events.
pub fn lease(on: &Connection, connection: &str, wanted: &Lease, now_ms: u64) -> Result<bool> {
    let sql = "SELECT lease_attempt, lease_until_ms FROM hooks WHERE connection = ?";
    let held = |row: &Row<'_>| <Option<Lease>>::read(row, "lease");
    let held = on.prepare_cached(sql)?.query_row([connection], held).optional()?.flatten();
    if held.is_some_and(|held| held.blocks(wanted, now_ms)) {
        return Ok(false);
    }
    let sql = "UPDATE hooks SET lease_attempt = ?, lease_until_ms = ? WHERE connection = ?";
    Ok(run(on, sql, (&wanted.attempt, signed(wanted.until_ms), connection))? > 0)
}
