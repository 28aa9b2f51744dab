//! Deliveries: kept once, listed, forgotten.

use connector_state::inbox::{DeliveryRow, Effect, NewDelivery, NewEvent, Received};
use rusqlite::{Connection, Params, Result};

use super::rows::{delivery_of, headers_json};
use super::{events, hooks};
use crate::columns::{self, run, signed};

/// Rows that are forgotten in one transaction: others write in between.
const FORGOTTEN_AT_ONCE: u32 = 500;

/// Keeps what is new of a delivery.
pub fn receive(on: &Connection, delivery: &NewDelivery) -> Result<Received> {
    let connection = delivery.connection.as_str();
    let mut objects: Vec<&str> =
        delivery.events.iter().map(|event| event.object.as_str()).collect();
    objects.sort_unstable();
    objects.dedup();
    hooks::came(on, connection, &objects, delivery.received_ms)?;
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
        return Ok(Received::Repeat);
    }
    let sql = "INSERT INTO deliveries (connection, received_ms, method, url, headers, body)
               VALUES (?, ?, ?, ?, ?, ?)";
    let NewDelivery { method, url, headers, body, .. } = delivery;
    run(on, sql, (connection, received, method, url, headers_json(headers)?, body))?;
    let number = on.last_insert_rowid();
    let mut dead = None;
    for event in new {
        let put = events::put(on, connection, number, event, delivery.received_ms)?;
        if event.effect == Effect::Unreadable {
            run(on, hooks::OPEN_GAP, (received, connection))?;
            dead = Some(put);
        }
    }
    Ok(Received::New { delivery: u64::try_from(number).unwrap_or_default(), dead })
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
