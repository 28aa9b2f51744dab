//! Events: what is to be done about each.

use connector_state::Word as _;
use connector_state::inbox::{EventEffect, EventRow, EventState, NewEvent, Settled};
use rusqlite::{Connection, OptionalExtension as _, Result};

use super::OPEN_GAP;
use crate::columns::{self, Column as _, Values, run, signed, value};

/// Events with the time at which they came.
pub const SELECT: &str = "SELECT e.*, d.received_ms FROM events AS e
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
        EventEffect::Unreadable => EventState::Dead,
        EventEffect::Nothing => EventState::Done,
        EventEffect::Upserted(_) | EventEffect::Deleted(_) | EventEffect::Changed(_) => {
            EventState::Waiting
        }
    };
    let mut to = Values::default();
    to.add("delivery", delivery);
    connection.to_owned().write("connection", &mut to)?;
    event.id.write("id", &mut to)?;
    event.object.write("object", &mut to)?;
    event.name.write("name", &mut to)?;
    event.occurred_at.write("occurred_at", &mut to)?;
    event.effect.write("effect", &mut to)?;
    state.write("state", &mut to)?;
    to.add("asks", event.asks || matches!(event.effect, EventEffect::Changed(_)));
    to.add("attempts", 0);
    (state == EventState::Waiting).then_some(now_ms).write("next_ms", &mut to)?;
    event.reason.write("reason", &mut to)?;
    columns::put(on, "INSERT INTO events", to)?;
    Ok(u64::try_from(on.last_insert_rowid()).unwrap_or_default())
}

/// Keeps what came of an event.
pub fn settle(on: &Connection, settled: &Settled) -> Result<()> {
    let Settled { event, state, attempts, next_ms, asks, reason, missed } = settled;
    let sql = "UPDATE events SET state = ?, attempts = ?, next_ms = ?, asks = ?, reason = ?
               WHERE number = ?";
    let event = signed(*event);
    run(on, sql, (state.word(), attempts, next_ms.map(signed), asks, reason, event))?;
    if *missed {
        let row: Option<EventRow> =
            columns::one(on, &format!("{SELECT} WHERE e.number = ?"), [event])?;
        if let Some(row) = row {
            run(on, OPEN_GAP, (signed(row.received_ms), row.connection))?;
        }
    }
    Ok(())
}

/// Puts new events in the place of an unreadable one.
pub fn read_again(on: &Connection, event: u64, new: &[NewEvent]) -> Result<()> {
    let sql = "DELETE FROM events WHERE number = ? AND effect = 'unreadable'
               RETURNING delivery, connection";
    let unread: Option<(i64, String)> =
        on.query_row(sql, [signed(event)], |row| row.try_into()).optional()?;
    let Some((delivery, connection)) = unread else { return Ok(()) };
    for event in new {
        let sql = "INSERT INTO event_keys (connection, key, seen_ms)
                   SELECT connection, ?, received_ms FROM deliveries WHERE number = ?
                   ON CONFLICT DO NOTHING";
        if run(on, sql, (event.key, delivery))? > 0 {
            put(on, &connection, delivery, event, 0)?;
        }
    }
    Ok(())
}

/// Forgets a dead event, and its delivery when nothing else of that is left.
pub fn remove(on: &Connection, event: u64) -> Result<bool> {
    let sql = "DELETE FROM events WHERE number = ? AND state = 'dead' RETURNING delivery";
    let delivery: Option<i64> = value(on, sql, [signed(event)])?;
    if let Some(delivery) = delivery {
        let sql = "DELETE FROM deliveries WHERE number = ?1
                       AND NOT EXISTS (SELECT 1 FROM events WHERE delivery = ?1)";
        run(on, sql, [delivery])?;
    }
    Ok(delivery.is_some())
}
