//! Where deliveries come to, and who asked for them.

use connector_state::inbox::{Beat, HookRow, SubscriptionRow};
use connector_state::{Lease, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::changes::must_exist;
use crate::columns::{self, Column as _, signed};
use crate::fault::Fault;

/// Every hook.
pub fn all(on: &Connection) -> Result<Vec<HookRow>> {
    columns::all(on, "SELECT * FROM hooks ORDER BY connection", ())
}

/// The hook that is there, else `new`.
pub fn make(on: &Connection, new: &HookRow) -> std::result::Result<HookRow, Fault> {
    must_exist(on, &new.connection)?;
    let sql = "INSERT INTO hooks (connection, token, made_ms) VALUES (?, ?, ?)
               ON CONFLICT (connection) DO NOTHING";
    on.execute(sql, (&new.connection, &new.token, signed(new.made_ms)))?;
    let sql = "SELECT * FROM hooks WHERE connection = ?";
    let found = columns::one(on, sql, [&new.connection])?;
    found.ok_or_else(|| StoreError::NoConnection(new.connection.clone()).into())
}

/// Adds or replaces a subscription.
pub fn put_subscription(on: &Connection, row: &SubscriptionRow) -> std::result::Result<(), Fault> {
    must_exist(on, &row.connection)?;
    Ok(columns::put_one(on, "REPLACE INTO subscriptions", row)?)
}

/// Forgets a subscription.
pub fn remove_subscription(on: &Connection, connection: &str, object: &str) -> Result<()> {
    let sql = "DELETE FROM subscriptions WHERE connection = ? AND object = ?";
    on.execute(sql, (connection, object))?;
    Ok(())
}

/// Subscriptions of one connection or of all.
pub fn subscriptions(on: &Connection, connection: Option<&str>) -> Result<Vec<SubscriptionRow>> {
    let sql = "SELECT * FROM subscriptions WHERE ?1 IS NULL OR connection = ?1
               ORDER BY connection, object";
    columns::all(on, sql, [connection])
}

/// A verified delivery of these objects came: the subscriptions to them work. Where none is to
/// one of these objects, all of the connection's do: what a subscription is to may hand over
/// events of other objects.
pub fn came(on: &Connection, connection: &str, objects: &[&str], now_ms: u64) -> Result<()> {
    const WORKS: &str = "UPDATE subscriptions SET deliveries = deliveries + 1,
        last_ms = max(coalesce(last_ms, 0), ?1), proven_ms = coalesce(proven_ms, ?1)
        WHERE connection = ?2";
    let now = signed(now_ms);
    let mut found = 0;
    let mut one = on.prepare(&format!("{WORKS} AND object = ?3"))?;
    for object in objects {
        found += one.execute((now, connection, object))?;
    }
    if found == 0 {
        on.prepare(WORKS)?.execute((now, connection))?;
    }
    Ok(())
}

/// A receiver is there.
pub fn beat(on: &Connection, beat: &Beat) -> Result<()> {
    let now = signed(beat.now_ms);
    on.execute("REPLACE INTO receiver (one, alive_ms) VALUES (1, ?)", [now])?;
    let oldest = signed(beat.now_ms.saturating_sub(beat.gap_after_ms));
    let mut hook = on.prepare(
        "UPDATE hooks SET
             gap_ms = CASE WHEN alive_ms < ?1 THEN min(coalesce(gap_ms, alive_ms), alive_ms)
                      ELSE gap_ms END,
             gap_end_ms = CASE WHEN alive_ms < ?1 THEN ?2 ELSE gap_end_ms END,
             alive_ms = ?2, refused = refused + ?3,
             refused_ms = CASE WHEN ?3 > 0 THEN ?2 ELSE refused_ms END
         WHERE connection = ?4",
    )?;
    for (connection, refused) in &beat.served {
        hook.execute((oldest, now, signed(*refused), connection))?;
    }
    Ok(())
}

/// Forgets a gap that began at `gap_ms` or later, up to `until_ms`.
pub fn close_gap(on: &Connection, connection: &str, gap_ms: u64, until_ms: u64) -> Result<bool> {
    let sql = "UPDATE hooks SET
                   gap_ms = CASE WHEN gap_end_ms >= ?3 THEN max(gap_ms, ?3) END,
                   gap_end_ms = CASE WHEN gap_end_ms >= ?3 THEN gap_end_ms END
               WHERE connection = ?1 AND gap_ms >= ?2 RETURNING gap_ms IS NULL";
    let ends = (connection, signed(gap_ms), signed(until_ms));
    Ok(on.query_row(sql, ends, |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Notes a gap.
pub fn open_gap(on: &Connection, connection: &str, since_ms: u64) -> Result<()> {
    let sql = "UPDATE hooks SET gap_ms = min(coalesce(gap_ms, ?1), ?1),
                   gap_end_ms = max(coalesce(gap_end_ms, ?1), ?1)
               WHERE connection = ?2";
    on.execute(sql, (signed(since_ms), connection))?;
    Ok(())
}

/// Takes or extends the lease of a connection's events.
pub fn lease(on: &Connection, connection: &str, lease: &Lease, now_ms: u64) -> Result<bool> {
    let sql = "SELECT lease_attempt, lease_until_ms FROM hooks WHERE connection = ?";
    let held = |row: &Row<'_>| <Option<Lease>>::read(row, "lease");
    if on
        .query_row(sql, [connection], held)
        .optional()?
        .flatten()
        .is_some_and(|held| held.blocks(lease, now_ms))
    {
        return Ok(false);
    }
    let sql = "UPDATE hooks SET lease_attempt = ?, lease_until_ms = ? WHERE connection = ?";
    Ok(on.execute(sql, (&lease.attempt, signed(lease.until_ms), connection))? > 0)
}

/// Gives it back.
pub fn release(on: &Connection, connection: &str, attempt: &str) -> Result<()> {
    let sql = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
               WHERE connection = ? AND lease_attempt = ?";
    on.execute(sql, (connection, attempt))?;
    Ok(())
}
