//! Deliveries: kept once, listed, forgotten.

use connector_state::inbox::{DeliveryRow, EventEffect, NewDelivery, NewEvent, Receipt};
use rusqlite::{Connection, Params, Result};

use super::rows::{delivery_of, headers_json};
use super::{OPEN_GAP, events};
use crate::columns::{self, run, signed};

/// Rows that are forgotten in one transaction: others write in between.
const FORGOTTEN_AT_ONCE: u32 = 500;

/// Keeps what is new of a delivery.
pub fn receive(on: &Connection, delivery: &NewDelivery) -> Result<Receipt> {
    let connection = delivery.connection.as_str();
    let mut objects: Vec<&str> =
        delivery.events.iter().map(|event| event.object.as_str()).collect();
    objects.sort_unstable();
    objects.dedup();
    came(on, connection, &objects, delivery.received_ms)?;
    let sql = "INSERT INTO event_keys (connection, key, seen_ms) VALUES (?, ?, ?)
               ON CONFLICT DO NOTHING";
    let received = signed(delivery.received_ms);
    let mut new: Vec<&NewEvent> = Vec::with_capacity(delivery.events.len());
    for event in &delivery.events {
        if run(on, sql, (connection, event.key, received))? > 0 {
            new.push(event);
        }
    }
    if new.is_empty() {
        return Ok(Receipt::Repeat);
    }
    let sql = "INSERT INTO deliveries (connection, received_ms, method, url, headers, body)
               VALUES (?, ?, ?, ?, ?, ?)";
    let NewDelivery { method, url, headers, body, .. } = delivery;
    run(on, sql, (connection, received, method, url, headers_json(headers)?, body))?;
    let number = on.last_insert_rowid();
    let mut dead = None;
    for event in new {
        let put = events::put(on, connection, number, event, delivery.received_ms)?;
        if event.effect == EventEffect::Unreadable {
            run(on, OPEN_GAP, (received, connection))?;
            dead = Some(put);
        }
    }
    Ok(Receipt::New { delivery: u64::try_from(number).unwrap_or_default(), dead })
}

/// A verified delivery of these objects came: the subscriptions to them work. Where none is to
/// one of these objects, all of the connection's do: what a subscription is to may hand over
/// events of other objects.
fn came(on: &Connection, connection: &str, objects: &[&str], now_ms: u64) -> Result<()> {
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

/// The deliveries that `sql` finds, with their events.
pub fn with_events(on: &Connection, sql: &str, of: impl Params) -> Result<Vec<DeliveryRow>> {
    let found: Result<_> = on.prepare_cached(sql)?.query_map(of, delivery_of)?.collect();
    let mut rows: Vec<DeliveryRow> = found?;
    for row in &mut rows {
        let sql = format!("{} WHERE e.delivery = ? ORDER BY e.number", events::SELECT);
        row.events = columns::all(on, &sql, [signed(row.number)])?;
    }
    Ok(rows)
}

/// Forgets some of what is old. Answers whether there is more.
pub fn prune(on: &Connection, applied_before_ms: u64, keys_before_ms: u64) -> Result<bool> {
    let deliveries = run(
        on,
        "DELETE FROM deliveries WHERE number IN (
             SELECT number FROM deliveries AS d WHERE received_ms < ?
                 AND NOT EXISTS (SELECT 1 FROM events AS e
                                 WHERE e.delivery = d.number AND e.state <> 'done')
             ORDER BY number LIMIT ?)",
        (signed(applied_before_ms), FORGOTTEN_AT_ONCE),
    )?;
    let keys = run(
        on,
        "DELETE FROM event_keys WHERE (connection, key) IN (
             SELECT connection, key FROM event_keys WHERE seen_ms < ? LIMIT ?)",
        (signed(keys_before_ms), FORGOTTEN_AT_ONCE),
    )?;
    Ok(deliveries.max(keys) == FORGOTTEN_AT_ONCE as usize)
}
