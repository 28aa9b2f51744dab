//! Events: what is to be done about each.

use connector_state::inbox::plan::{self, CountChange, EventChange, PlannedEvent};
use connector_state::inbox::{EventEffect, EventRow, EventState, HookRow, NewEvent, Settled};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::forget;
use super::rows::{effect_code, events, place_in, select_events, state_code, state_of, tries};
use super::{hooks, numbers};
use crate::columns::{json, prepared, run, signed, value};

pub const PUT: &str = "INSERT INTO inbox_events (number, delivery, inbox, state, asks, next_ms,
    attempts, reason, effect, id, object, name, occurred_at, record, updated_at, created_at, version,
    data_at, data_bytes, data, applied_ms)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub const TRIES: &str = "SELECT tries FROM inbox_events WHERE number = ?";
pub const PUT_TRIES: &str = "UPDATE inbox_events SET tries = ? WHERE number = ?";
pub const HEAD: &str = "SELECT e.state, e.delivery, e.inbox, d.received_ms, i.connection
    FROM inbox_events AS e
        CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
        CROSS JOIN inboxes AS i ON i.number = e.inbox
    WHERE e.number = ?";
pub const CHANGE: &str = "UPDATE inbox_events SET state = ?, attempts = ?, next_ms = ?, asks = ?,
    reason = ?, applied_ms = ? WHERE number = ?";
pub const REMOVE: &str = "DELETE FROM inbox_events WHERE number = ?";
/// Those of removed connections are not shown.
pub const ONE: &str = select_events!(
    "inbox_events AS e
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
         CROSS JOIN inboxes AS i ON i.number = e.inbox
         CROSS JOIN connections AS c ON c.id = i.connection
     WHERE e.number = ?"
);
pub const OF_DELIVERY: &str = select_events!(
    "inbox_deliveries AS d
         CROSS JOIN inbox_events AS e
             ON e.number >= d.first_event AND e.number < d.first_event + d.events
         CROSS JOIN inboxes AS i ON i.number = d.inbox
     WHERE d.number = ? ORDER BY e.number"
);
pub const DUE: &str = select_events!(
    "connections AS c
         CROSS JOIN inboxes AS i ON i.connection = c.id
         CROSS JOIN inbox_events AS e ON e.inbox = i.number
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
     WHERE c.id = ? AND e.asks = ? AND e.next_ms <= ? ORDER BY e.next_ms, e.number LIMIT ?"
);
pub const DEAD: &str = select_events!(
    "connections AS c
         CROSS JOIN inboxes AS i ON i.connection = c.id
         CROSS JOIN inbox_events AS e ON e.inbox = i.number
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
     WHERE e.state = 2 ORDER BY e.number"
);
pub const DEAD_OF: &str = select_events!(
    "connections AS c
         CROSS JOIN inboxes AS i ON i.connection = c.id
         CROSS JOIN inbox_events AS e ON e.inbox = i.number
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
     WHERE c.id = ? AND e.state = 2 ORDER BY e.number"
);
/// Some of those, after a number.
pub const DEAD_PAGE: &str = select_events!(
    "connections AS c
         CROSS JOIN inboxes AS i ON i.connection = c.id
         CROSS JOIN inbox_events AS e ON e.inbox = i.number
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
     WHERE c.id = ? AND e.state = 2 AND e.number > ? ORDER BY e.number LIMIT ?"
);
pub const DEAD_ALL_PAGE: &str = select_events!(
    "inbox_events AS e INDEXED BY inbox_events_dead_all
         CROSS JOIN inbox_deliveries AS d ON d.number = e.delivery
         CROSS JOIN inboxes AS i ON i.number = e.inbox
         CROSS JOIN connections AS c ON c.id = i.connection
     WHERE e.state = 2 AND e.number > ? ORDER BY e.number LIMIT ?"
);
pub const MOVE: &str = "UPDATE inbox_events SET number = ? WHERE number = ?";
pub const RANGE: &str = "UPDATE inbox_deliveries SET first_event = ?, events = ? WHERE number = ?";
pub const DELIVERY: &str =
    "SELECT inbox, first_event, events, body FROM inbox_deliveries WHERE number = ?";
pub const NUMBERS: &str = "SELECT number FROM inbox_events WHERE number >= ?1 AND number < ?1 + ?2
    ORDER BY number";

/// Adds an event of a delivery, whose body is `body` where that is text.
pub fn put(
    on: &Connection,
    inbox: i64,
    delivery: i64,
    body: Option<&str>,
    event: &PlannedEvent<'_>,
) -> Result<()> {
    let new: &NewEvent = event.new;
    let (record, data) = match &new.effect {
        EventEffect::Upserted(record) => (Some(record), Some(&record.data)),
        EventEffect::Changed(input) => (None, Some(input)),
        EventEffect::Deleted(_) | EventEffect::Nothing | EventEffect::Unreadable => (None, None),
    };
    let place = data.and_then(|data| place_in(body, data));
    prepared(on, PUT)?.execute(rusqlite::params![
        signed(event.number),
        delivery,
        inbox,
        state_code(event.state),
        event.asks,
        event.next_ms.map(signed),
        new.reason,
        effect_code(&new.effect),
        new.id,
        new.object,
        new.name,
        new.occurred_at,
        new.effect.record(),
        record.and_then(|record| record.updated_at.as_ref()),
        record.and_then(|record| record.created_at.as_ref()),
        record.and_then(|record| record.version.as_ref()),
        place.map(|(at, _)| at),
        place.map(|(_, bytes)| bytes),
        data.filter(|_| place.is_none()),
        event.applied_ms.map(signed),
    ])?;
    Ok(())
}

/// What a decision about an event needs.
struct EventHead {
    state: EventState,
    delivery: i64,
    inbox: i64,
    received_ms: u64,
    connection: String,
}

fn head(on: &Connection, event: u64) -> Result<Option<EventHead>> {
    let read = |row: &Row<'_>| {
        Ok(EventHead {
            state: state_of(row, 0)?,
            delivery: row.get(1)?,
            inbox: row.get(2)?,
            received_ms: row.get(3)?,
            connection: row.get(4)?,
        })
    };
    prepared(on, HEAD)?.query_row([signed(event)], read).optional()
}

fn change(
    on: &Connection,
    event: u64,
    head: &EventHead,
    change: EventChange,
    now_ms: u64,
) -> Result<()> {
    let EventChange { state, attempts, next_ms, asks, reason, applied_ms, failed, gap_ms, counts } =
        change;
    let (state, next, applied) = (state_code(state), next_ms.map(signed), applied_ms.map(signed));
    run(on, CHANGE, (state, attempts, next, asks, reason, applied, signed(event)))?;
    if let Some(failed) = failed {
        let kept = prepared(on, TRIES)?.query_row([signed(event)], tries)?;
        run(on, PUT_TRIES, (json(&plan::with_try(kept, failed))?, signed(event)))?;
    }
    numbers::count(on, head.inbox, counts)?;
    if let Some(since_ms) = gap_ms {
        let open = |hook: &mut HookRow| plan::open_gap(hook, since_ms);
        hooks::change(on, &head.connection, now_ms, open)?;
    }
    Ok(())
}

/// Keeps what came of an event.
pub fn settle(on: &Connection, settled: Settled, now_ms: u64) -> Result<()> {
    let (event, state) = (settled.event, settled.state);
    let Some(head) = head(on, event)? else { return Ok(()) };
    let planned = plan::settle(head.state, head.received_ms, settled, now_ms);
    let Some(planned) = planned else { return Ok(()) };
    change(on, event, &head, planned, now_ms)?;
    match state {
        EventState::Done => forget::if_over(on, head.delivery, head.received_ms, now_ms),
        EventState::Waiting | EventState::Dead => Ok(()),
    }
}

/// An event of a connection that is there.
fn one(on: &Connection, event: u64) -> Result<Option<EventRow>> {
    events(on, ONE, [signed(event)]).map(|mut found| found.pop())
}

/// Has a dead event tried again. Answers whether it was there.
pub fn replay(on: &Connection, event: u64, now_ms: u64) -> Result<bool> {
    let row = one(on, event)?;
    let Some(planned) = row.and_then(|row| plan::replay(&row, now_ms)) else { return Ok(false) };
    if let Some(head) = head(on, event)? {
        change(on, event, &head, planned, now_ms)?;
    }
    Ok(true)
}

/// Puts new events in the place of an unreadable one. Numbers of a delivery's events follow one
/// another, so those that it keeps, if there are any, get new ones too.
pub fn read_again(on: &Connection, event: u64, new: &[NewEvent], now_ms: u64) -> Result<()> {
    let unread = one(on, event)?.filter(|row| row.effect == EventEffect::Unreadable);
    let Some(unread) = unread else { return Ok(()) };
    let delivery = signed(unread.delivery);
    let read = |row: &Row<'_>| row.try_into();
    let (inbox, first, count, body): (i64, i64, i64, Vec<u8>) =
        prepared(on, DELIVERY)?.query_row([delivery], read)?;
    run(on, REMOVE, [signed(event)])?;
    let mut counts = CountChange::default();
    counts.take(unread.state);
    let mut numbers = numbers::read(on)?;
    let from = numbers.newest.event + 1;
    for kept in crate::columns::values::<i64>(on, NUMBERS, (first, count))? {
        numbers.newest.event += 1;
        run(on, MOVE, (signed(numbers.newest.event), kept))?;
    }
    let known = numbers::learn(on, &numbers, inbox, new)?;
    let text = std::str::from_utf8(&body).ok();
    for planned in plan::new_events(new, &known, &mut numbers.newest, now_ms) {
        put(on, inbox, delivery, text, &planned)?;
        counts.add(planned.state);
    }
    let count = (numbers.newest.event + 1).saturating_sub(from);
    run(on, RANGE, (signed(from), signed(count), delivery))?;
    numbers::write(on, &numbers)?;
    numbers::count(on, inbox, counts)?;
    forget::if_over(on, delivery, unread.received_ms, now_ms)
}

/// Forgets a dead event, and its delivery when nothing else of that is left.
pub fn remove(on: &Connection, event: u64, now_ms: u64) -> Result<bool> {
    let dead = one(on, event)?.filter(|row| row.state == EventState::Dead);
    let Some(dead) = dead else { return Ok(false) };
    let Some(head) = head(on, event)? else { return Ok(false) };
    run(on, REMOVE, [signed(event)])?;
    let mut counts = CountChange::default();
    counts.take(dead.state);
    numbers::count(on, head.inbox, counts)?;
    let left: Option<i64> = value(on, forget::ANY_EVENT, [head.delivery])?;
    match left {
        Some(_) => forget::if_over(on, head.delivery, head.received_ms, now_ms)?,
        None => drop(run(on, forget::REMOVE, [head.delivery])?),
    }
    Ok(true)
}
