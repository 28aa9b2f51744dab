//! Events: what is to be done about each.

use connector_state::Word as _;
use connector_state::inbox::{Effect, EventRow, EventState, NewEvent, Settled};
use rusqlite::{Connection, OptionalExtension as _, Result};

use super::hooks;
use crate::columns::{self, Column as _, Columns, signed};

const SELECT: &str = "SELECT e.*, d.received_ms FROM events AS e
    JOIN deliveries AS d ON d.number = e.delivery";

/// Adds an event of a delivery; answers its number.
pub fn put(
    on: &Connection,
    connection: &str,
    delivery: i64,
    event: &NewEvent,
    now_ms: u64,
) -> Result<u64> {
    let state = match &event.effect {
        Effect::Unreadable => EventState::Dead,
        Effect::Nothing => EventState::Done,
        Effect::Upserted(_) | Effect::Deleted(_) | Effect::Changed(_) => EventState::Waiting,
    };
    let mut to = Columns::default();
    to.add("delivery", delivery);
    connection.to_owned().write("connection", &mut to)?;
    event.id.write("id", &mut to)?;
    event.object.write("object", &mut to)?;
    event.name.write("name", &mut to)?;
    event.occurred_at.write("occurred_at", &mut to)?;
    event.effect.write("effect", &mut to)?;
    state.write("state", &mut to)?;
    to.add("asks", event.asks || matches!(event.effect, Effect::Changed(_)));
    to.add("attempts", 0);
    (state == EventState::Waiting).then_some(now_ms).write("next_ms", &mut to)?;
    event.reason.write("reason", &mut to)?;
    columns::put(on, "INSERT INTO events", [to])?;
    Ok(u64::try_from(on.last_insert_rowid()).unwrap_or_default())
}

/// Connections with events that are due.
pub fn due(on: &Connection, now_ms: u64) -> Result<Vec<String>> {
    let mut found = on.prepare(
        "SELECT connection FROM hooks AS h WHERE EXISTS (
             SELECT 1 FROM events AS e
             WHERE e.connection = h.connection AND e.next_ms IS NOT NULL AND e.next_ms <= ?)",
    )?;
    found.query_map([signed(now_ms)], |row| row.get(0))?.collect()
}

/// Events of a connection that are due.
pub fn due_of(
    on: &Connection,
    connection: &str,
    asks: bool,
    now_ms: u64,
    limit: u32,
) -> Result<Vec<EventRow>> {
    let sql = format!(
        "{SELECT} WHERE e.connection = ? AND e.asks = ? AND e.next_ms IS NOT NULL
             AND e.next_ms <= ? ORDER BY e.number LIMIT ?"
    );
    columns::all(on, &sql, (connection, asks, signed(now_ms), limit))
}

/// Events of a delivery.
pub fn of_delivery(on: &Connection, delivery: u64) -> Result<Vec<EventRow>> {
    let sql = format!("{SELECT} WHERE e.delivery = ? ORDER BY e.number");
    columns::all(on, &sql, [signed(delivery)])
}

/// Dead events, oldest first.
pub fn dead(on: &Connection, connection: Option<&str>) -> Result<Vec<EventRow>> {
    let sql = format!(
        "{SELECT} WHERE e.state = 'dead' AND (?1 IS NULL OR e.connection = ?1) ORDER BY e.number"
    );
    columns::all(on, &sql, [connection])
}

/// Keeps what came of events.
pub fn settle(on: &Connection, settled: &[Settled]) -> Result<()> {
    let mut event = on.prepare(
        "UPDATE events SET state = ?, attempts = ?, next_ms = ?, asks = ?, reason = ?
         WHERE number = ?",
    )?;
    for one in settled {
        event.execute((
            one.state.word(),
            one.attempts,
            one.next_ms.map(signed),
            one.asks,
            &one.reason,
            signed(one.event),
        ))?;
        if one.missed {
            let sql = format!("{SELECT} WHERE e.number = ?");
            let row: Option<EventRow> = columns::one(on, &sql, [signed(one.event)])?;
            if let Some(EventRow { connection, received_ms, .. }) = row {
                hooks::open_gap(on, &connection, received_ms)?;
            }
        }
    }
    Ok(())
}

/// Puts new events in the place of an unreadable one.
pub fn read_again(on: &Connection, event: u64, new: &[NewEvent]) -> Result<()> {
    let sql = "DELETE FROM events WHERE number = ? AND effect = 'unreadable'
               RETURNING delivery, connection";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let Some((delivery, connection)) = on.query_row(sql, [signed(event)], read).optional()? else {
        return Ok(());
    };
    for event in new {
        let sql = "INSERT INTO event_keys (connection, key, seen_ms)
                   SELECT connection, ?, received_ms FROM deliveries WHERE number = ?
                   ON CONFLICT DO NOTHING";
        if on.execute(sql, (event.key, delivery))? > 0 {
            put(on, &connection, delivery, event, 0)?;
        }
    }
    Ok(())
}

/// Has a dead event tried again.
pub fn replay(on: &Connection, event: u64, now_ms: u64) -> Result<bool> {
    let sql = "UPDATE events SET state = 'waiting', attempts = 0, next_ms = ?,
                   asks = (effect = 'changed')
               WHERE number = ? AND state = 'dead'";
    Ok(on.execute(sql, (signed(now_ms), signed(event)))? > 0)
}

/// Forgets a dead event, and its delivery when nothing else of that is left.
pub fn remove(on: &Connection, event: u64) -> Result<bool> {
    let sql = "DELETE FROM events WHERE number = ? AND state = 'dead' RETURNING delivery";
    let delivery: Option<i64> = on.query_row(sql, [signed(event)], |row| row.get(0)).optional()?;
    if let Some(delivery) = delivery {
        on.execute(
            "DELETE FROM deliveries WHERE number = ?1
                 AND NOT EXISTS (SELECT 1 FROM events WHERE delivery = ?1)",
            [delivery],
        )?;
    }
    Ok(delivery.is_some())
}

/// Events that wait, and dead ones.
pub fn count(on: &Connection, connection: Option<&str>) -> Result<(u64, u64)> {
    let count = |state: &str| {
        let sql = format!(
            "SELECT count(*) FROM events WHERE state = '{state}'
                 AND (?1 IS NULL OR connection = ?1)"
        );
        on.query_row(&sql, [connection], |row| row.get::<_, i64>(0))
    };
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok((number(count("waiting")?), number(count("dead")?)))
}
