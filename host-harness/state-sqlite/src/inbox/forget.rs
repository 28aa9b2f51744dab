//! What goes: deliveries and keys that are old, and all of a removed connection, in pieces.

use connector_state::inbox::EventState;
use connector_state::inbox::plan;
use connector_state::retention::EVENT_KEYS_MS;
use rusqlite::{Connection, Result, Row};

use super::numbers;
use super::rows::state_of;
use crate::columns::{prepared, run, signed, value, values};
use crate::fault::DbResult;

/// Bytes of a body that take as long to remove as a row.
const BYTES_A_ROW: i64 = 8_192;

pub const OLDEST: &str = "SELECT number, received_ms, first_event, events, length(body)
    FROM inbox_deliveries WHERE number > ? ORDER BY number LIMIT ?";
pub const ONE: &str = "SELECT number, received_ms, first_event, events, length(body)
    FROM inbox_deliveries WHERE number = ?";
pub const OF_INBOX: &str = "SELECT number, received_ms, first_event, events, length(body)
    FROM inbox_deliveries WHERE inbox = ? ORDER BY number LIMIT ?";
pub const STATES: &str = "SELECT state FROM inbox_events WHERE number >= ?1 AND number < ?1 + ?2";
pub const ANY_EVENT: &str =
    "SELECT e.number FROM inbox_deliveries AS d CROSS JOIN inbox_events AS e
        ON e.number >= d.first_event AND e.number < d.first_event + d.events
    WHERE d.number = ? LIMIT 1";
pub const REMOVE: &str = "DELETE FROM inbox_deliveries WHERE number = ?";
pub const REMOVE_EVENTS: &str = "DELETE FROM inbox_events WHERE number >= ?1 AND number < ?1 + ?2";
pub const REMOVE_SOME: &str = "DELETE FROM inbox_events WHERE number IN (
    SELECT number FROM inbox_events WHERE number >= ?1 AND number < ?1 + ?2 LIMIT ?3)";
pub const REMOVE_OLD_KEYS: &str = "DELETE FROM inbox_keys WHERE (generation, inbox, key) IN (
    SELECT generation, inbox, key FROM inbox_keys WHERE generation < ? LIMIT ?)";
pub const REMOVE_KEYS: &str = "DELETE FROM inbox_keys WHERE (generation, inbox, key) IN (
    SELECT generation, inbox, key FROM inbox_keys WHERE generation = ? AND inbox = ? LIMIT ?)";
pub const OLDEST_GENERATION: &str = "SELECT min(generation) FROM inbox_keys";
pub const INBOX: &str = "SELECT number FROM inboxes WHERE connection = ?";
pub const REMOVE_INBOX: &str = "DELETE FROM inboxes WHERE number = ?";

/// A delivery, as far as removing it needs it.
struct Kept {
    number: i64,
    received_ms: u64,
    first_event: i64,
    events: i64,
    bytes: i64,
}

fn kept(row: &Row<'_>) -> Result<Kept> {
    Ok(Kept {
        number: row.get(0)?,
        received_ms: row.get(1)?,
        first_event: row.get(2)?,
        events: row.get(3)?,
        bytes: row.get(4)?,
    })
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Removes a delivery with its events, or only so many of these. Answers how many rows that was, and
/// whether the delivery is gone.
fn remove(on: &Connection, delivery: &Kept, most: usize) -> Result<(usize, bool)> {
    let Kept { number, first_event, events, bytes, .. } = *delivery;
    if events >= limit(most) {
        let removed = run(on, REMOVE_SOME, (first_event, events, limit(most)))?;
        if removed >= most {
            return Ok((removed, false));
        }
    }
    let removed = run(on, REMOVE_EVENTS, (first_event, events))?;
    run(on, REMOVE, [number])?;
    let rows = 1 + usize::try_from(bytes / BYTES_A_ROW).unwrap_or_default();
    Ok((removed + rows, true))
}

fn is_over(on: &Connection, delivery: &Kept, now_ms: u64) -> Result<bool> {
    let states = |row: &Row<'_>| state_of(row, 0);
    let mut statement = prepared(on, STATES)?;
    let found = statement.query_map((delivery.first_event, delivery.events), states)?;
    let states: Vec<EventState> = found.collect::<Result<_>>()?;
    Ok(plan::is_over(delivery.received_ms, states, now_ms))
}

/// Forgets an old delivery, which may have been passed over while it was needed, when it is not any
/// more.
pub fn if_over(on: &Connection, delivery: i64, received_ms: u64, now_ms: u64) -> Result<()> {
    if !plan::is_old(received_ms, now_ms) {
        return Ok(());
    }
    let mut statement = prepared(on, ONE)?;
    let found: Vec<Kept> = statement.query_map([delivery], kept)?.collect::<Result<_>>()?;
    for delivery in found {
        if is_over(on, &delivery, now_ms)? {
            remove(on, &delivery, usize::MAX)?;
        }
    }
    Ok(())
}

/// Forgets deliveries that were applied, from the oldest on, until the first that is young.
/// Answers how many rows were removed or passed over.
pub fn deliveries(on: &Connection, now_ms: u64, most: usize) -> DbResult<usize> {
    let mut numbers = numbers::read(on)?;
    let before = numbers.looked_at;
    let mut statement = prepared(on, OLDEST)?;
    let mut found = statement.query_map((signed(before), limit(most)), kept)?;
    let mut done = 0;
    while done < most
        && let Some(delivery) = found.next().transpose()?
        && plan::is_old(delivery.received_ms, now_ms)
    {
        let (rows, is_dealt_with) = match is_over(on, &delivery, now_ms)? {
            true => remove(on, &delivery, most - done)?,
            false => (1, true),
        };
        done += rows;
        if is_dealt_with {
            numbers.looked_at = u64::try_from(delivery.number).unwrap_or_default();
        }
    }
    if numbers.looked_at != before {
        numbers::write(on, &numbers)?;
    }
    Ok(done)
}

/// Begins a new generation of keys when the newest is old, and forgets those that are too old to be
/// known.
pub fn keys(on: &Connection, now_ms: u64, most: usize) -> DbResult<usize> {
    let mut numbers = numbers::read(on)?;
    if numbers.generation_ms.saturating_add(EVENT_KEYS_MS) <= now_ms {
        numbers.generation += 1;
        numbers.generation_ms = now_ms;
        numbers::write(on, &numbers)?;
    }
    Ok(run(on, REMOVE_OLD_KEYS, (numbers.generation - 1, limit(most)))?)
}

/// Erases what a removed connection had.
pub fn erase(on: &Connection, connection: &str, most: usize) -> DbResult<usize> {
    let Some(inbox) = value::<i64>(on, INBOX, [connection])? else { return Ok(0) };
    let mut done = 0;
    let mut statement = prepared(on, OF_INBOX)?;
    let found = statement.query_map((inbox, limit(most)), kept)?;
    for delivery in found.collect::<Result<Vec<Kept>>>()? {
        if done >= most {
            return Ok(done);
        }
        done += remove(on, &delivery, most - done)?.0;
    }
    let newest = numbers::read(on)?.generation;
    let oldest = values::<Option<i64>>(on, OLDEST_GENERATION, ())?.pop().flatten();
    for generation in oldest.unwrap_or(newest)..=newest {
        if done >= most {
            return Ok(done);
        }
        done += run(on, REMOVE_KEYS, (generation, inbox, limit(most - done)))?;
    }
    if done < most {
        run(on, REMOVE_INBOX, [inbox])?;
    }
    Ok(done)
}
