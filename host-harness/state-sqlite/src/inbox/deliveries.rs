//! Deliveries: kept once, listed, forgotten.

use connector_state::inbox::{DeliveryRow, Effect, NewDelivery, NewEvent, Received};
use rusqlite::{Connection, OptionalExtension as _, Result};

use super::rows::{delivery_of, headers_json};
use super::{events, hooks};
use crate::columns::signed;

/// Rows that are forgotten in one transaction: others write in between.
const FORGOTTEN_AT_ONCE: u32 = 500;

const COLUMNS: &str =
    "number, connection, received_ms, method, url, headers, length(body) AS bytes";

/// Keeps what is new of a delivery.
pub fn receive(on: &Connection, delivery: &NewDelivery) -> Result<Received> {
    let connection = delivery.connection.as_str();
    let mut objects: Vec<&str> =
        delivery.events.iter().map(|event| event.object.as_str()).collect();
    objects.sort_unstable();
    objects.dedup();
    hooks::came(on, connection, &objects, delivery.received_ms)?;
    let mut key = on.prepare(
        "INSERT INTO event_keys (connection, key, seen_ms) VALUES (?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?;
    let mut new: Vec<&NewEvent> = Vec::with_capacity(delivery.events.len());
    for event in &delivery.events {
        if key.execute((connection, event.key, signed(delivery.received_ms)))? > 0 {
            new.push(event);
        }
    }
    if new.is_empty() {
        return Ok(Received::Repeat);
    }
    on.prepare(
        "INSERT INTO deliveries (connection, received_ms, method, url, headers, body)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        connection,
        signed(delivery.received_ms),
        &delivery.method,
        &delivery.url,
        headers_json(&delivery.headers)?,
        &delivery.body,
    ))?;
    let number = on.last_insert_rowid();
    let mut dead = None;
    for event in new {
        let put = events::put(on, connection, number, event, delivery.received_ms)?;
        if event.effect == Effect::Unreadable {
            hooks::open_gap(on, connection, delivery.received_ms)?;
            dead = Some(put);
        }
    }
    Ok(Received::New { delivery: u64::try_from(number).unwrap_or_default(), dead })
}

/// Deliveries below a number, newest first.
pub fn before(
    on: &Connection,
    connection: Option<&str>,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<DeliveryRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, x'' AS body FROM deliveries
         WHERE (?1 IS NULL OR connection = ?1) AND (?2 IS NULL OR number < ?2)
         ORDER BY number DESC LIMIT ?3"
    );
    let mut found = on.prepare(&sql)?;
    let rows = found.query_map((connection, before.map(signed), limit), delivery_of)?;
    let mut rows: Vec<DeliveryRow> = rows.collect::<Result<_>>()?;
    for row in &mut rows {
        row.events = events::of_delivery(on, row.number)?;
    }
    Ok(rows)
}

/// One delivery, whole.
pub fn one(on: &Connection, number: u64) -> Result<Option<DeliveryRow>> {
    let sql = format!("SELECT {COLUMNS}, body FROM deliveries WHERE number = ?");
    let Some(mut row) = on.query_row(&sql, [signed(number)], delivery_of).optional()? else {
        return Ok(None);
    };
    row.events = events::of_delivery(on, number)?;
    Ok(Some(row))
}

/// Forgets some of what is old. Answers whether there is more.
pub fn prune(on: &Connection, applied_before_ms: u64, keys_before_ms: u64) -> Result<bool> {
    let deliveries = on.execute(
        "DELETE FROM deliveries WHERE number IN (
             SELECT number FROM deliveries AS d WHERE received_ms < ?
                 AND NOT EXISTS (SELECT 1 FROM events AS e
                                 WHERE e.delivery = d.number AND e.state <> 'done')
             ORDER BY number LIMIT ?)",
        (signed(applied_before_ms), FORGOTTEN_AT_ONCE),
    )?;
    let keys = on.execute(
        "DELETE FROM event_keys WHERE (connection, key) IN (
             SELECT connection, key FROM event_keys WHERE seen_ms < ? LIMIT ?)",
        (signed(keys_before_ms), FORGOTTEN_AT_ONCE),
    )?;
    Ok(deliveries.max(keys) == FORGOTTEN_AT_ONCE as usize)
}
