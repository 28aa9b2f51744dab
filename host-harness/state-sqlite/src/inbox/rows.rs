//! The rows of an inbox as rows of SQLite, and back.

use connector_contract::types::DataRecord;
use connector_state::inbox::{
    DeliveryRow, EventEffect, EventRow, EventState, FailedTry, HookRow, SubscriptionRow,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Result, Row};

use crate::columns::{columns, from_json, json, odd, prepared, signed};

columns!(HookRow [] {
    connection, token, made_ms, alive_ms, gap_ms, gap_end_ms, refused, refused_ms
});
columns!(SubscriptionRow [] {
    connection, object, events, url, id, expires_at, made_ms, proven_ms, last_ms, deliveries
});

/// Selects deliveries with what [`delivery_of`] reads. Those of removed connections are not shown.
macro_rules! select_deliveries {
    ($body:literal, $rest:literal) => {
        concat!(
            "SELECT d.number, i.connection, d.received_ms, d.answered_ms, d.method, d.url, d.headers, ",
            $body,
            " AS body, length(d.body) AS bytes
             FROM inbox_deliveries AS d
                 CROSS JOIN inboxes AS i ON i.number = d.inbox
                 CROSS JOIN connections AS c ON c.id = i.connection ",
            $rest
        )
    };
}
pub(super) use select_deliveries;

/// Its events are read on their own.
pub fn delivery_of(row: &Row<'_>) -> Result<DeliveryRow> {
    let headers: Vec<(String, String)> = from_json(row, "headers")?;
    let bytes = |text: String| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    Ok(DeliveryRow {
        number: row.get("number")?,
        connection: row.get("connection")?,
        received_ms: row.get("received_ms")?,
        answered_ms: row.get("answered_ms")?,
        method: row.get("method")?,
        url: row.get("url")?,
        headers: headers.into_iter().map(|(name, value)| (name, bytes(value))).collect(),
        body: row.get("body")?,
        bytes: row.get("bytes")?,
        events: vec![],
    })
}

/// Each byte of a value as the character of its number (ISO 8859-1): values are bytes, mostly
/// ASCII.
pub fn headers_json(headers: &[(String, Vec<u8>)]) -> Result<String> {
    let text = |value: &Vec<u8>| value.iter().map(|byte| char::from(*byte)).collect::<String>();
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    json(&headers)
}

/// Selects events, from tables that are joined, with what [`events`] reads.
macro_rules! select_events {
    ($from:literal) => {
        concat!(
            "SELECT e.number, e.delivery, i.connection, e.id, e.object, e.name, e.occurred_at,
                 e.effect, e.record, e.updated_at, e.created_at, e.version, e.data_at,
                 e.data_bytes, e.data, e.state, e.attempts, e.next_ms, e.reason, d.received_ms,
                 e.applied_ms, e.tries
             FROM ",
            $from
        )
    };
}
pub(super) use select_events;

/// A delivery's body. It is read once for its events that follow one another, and only when their
/// data is in it.
pub const BODY: &str = "SELECT body FROM inbox_deliveries WHERE number = ?";

/// Every event that `sql`, made by [`select_events`], finds.
pub fn events(on: &Connection, sql: &str, of: impl Params) -> Result<Vec<EventRow>> {
    let mut statement = prepared(on, sql)?;
    let mut rows = statement.query(of)?;
    let mut events = Vec::new();
    let mut body = (-1, Vec::new());
    while let Some(row) = rows.next()? {
        events.push(event_of(on, row, &mut body)?);
    }
    Ok(events)
}

fn event_of(on: &Connection, row: &Row<'_>, body: &mut (i64, Vec<u8>)) -> Result<EventRow> {
    let data = |body: &mut (i64, Vec<u8>)| match row.get_ref(14)? {
        ValueRef::Null => {
            let delivery = row.get(1)?;
            if body.0 != delivery {
                let read = |row: &Row<'_>| row.get(0);
                *body = (delivery, prepared(on, BODY)?.query_row([delivery], read)?);
            }
            let (at, bytes): (usize, usize) = (row.get(12)?, row.get(13)?);
            let slice = body.1.get(at..at.saturating_add(bytes)).map(<[u8]>::to_vec);
            let text = slice.and_then(|slice| String::from_utf8(slice).ok());
            text.ok_or_else(|| odd(row, "data_at", "it is no text in the body".into()))
        }
        _ => row.get(14),
    };
    let effect = match row.get(7)? {
        0 => EventEffect::Upserted(DataRecord {
            id: row.get(8)?,
            updated_at: row.get(9)?,
            created_at: row.get(10)?,
            version: row.get(11)?,
            data: data(body)?,
        }),
        1 => EventEffect::Deleted(row.get(8)?),
        2 => EventEffect::Changed(data(body)?),
        3 => EventEffect::Nothing,
        4 => EventEffect::Unreadable,
        other => return Err(odd(row, "effect", format!("{other} is not known").into())),
    };
    Ok(EventRow {
        number: row.get(0)?,
        delivery: row.get(1)?,
        connection: row.get(2)?,
        id: row.get(3)?,
        object: row.get(4)?,
        name: row.get(5)?,
        occurred_at: row.get(6)?,
        effect,
        state: state_of(row, 15)?,
        attempts: row.get(16)?,
        next_ms: row.get(17)?,
        reason: row.get(18)?,
        received_ms: row.get(19)?,
        applied_ms: row.get(20)?,
        tries: tries(row)?,
    })
}

/// Failed tries, oldest first; null where there are none.
pub fn tries(row: &Row<'_>) -> Result<Vec<FailedTry>> {
    match row.get_ref("tries")? {
        ValueRef::Null => Ok(vec![]),
        _ => from_json(row, "tries"),
    }
}

/// How an effect is kept.
pub fn effect_code(effect: &EventEffect) -> u8 {
    match effect {
        EventEffect::Upserted(_) => 0,
        EventEffect::Deleted(_) => 1,
        EventEffect::Changed(_) => 2,
        EventEffect::Nothing => 3,
        EventEffect::Unreadable => 4,
    }
}

/// How a state is kept.
pub fn state_code(state: EventState) -> u8 {
    match state {
        EventState::Waiting => 0,
        EventState::Done => 1,
        EventState::Dead => 2,
    }
}

/// Reads what [`state_code`] made.
pub fn state_of(row: &Row<'_>, column: usize) -> Result<EventState> {
    match row.get(column)? {
        0 => Ok(EventState::Waiting),
        1 => Ok(EventState::Done),
        2 => Ok(EventState::Dead),
        other => Err(odd(row, "state", format!("{other} is not known").into())),
    }
}

/// The first bytes of data, by which it is looked for, and how often they may be met in vain: a body
/// is read through once, whatever is in it.
const MARK: usize = 64;
const MARKS: usize = 16;

/// Where in a body the data of an event is, and how long it is: a connector mostly hands over a part
/// of what came.
pub fn place_in(body: Option<&str>, data: &str) -> Option<(i64, i64)> {
    let body = body?;
    let mark = data.get(..data.floor_char_boundary(MARK)).filter(|mark| !mark.is_empty())?;
    let mut found = body.match_indices(mark).take(MARKS);
    let (at, _) =
        found.find(|(at, _)| body.get(*at..).is_some_and(|rest| rest.starts_with(data)))?;
    Some((signed(at as u64), signed(data.len() as u64)))
}
