//! The rows of an inbox as rows of PostgreSQL, and back.

use std::collections::BTreeMap;

use connector_contract::types::DataRecord;
use connector_state::inbox::{
    DeliveryRow, EventEffect, EventRow, EventState, HookRow, SubscriptionRow,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::columns::{Column, columns, json, odd, signed, untext};
use crate::fault::DbResult;
use crate::session::Session;

columns!(HookRow [] {
    connection, token, made_ms, alive_ms, gap_ms, gap_end_ms, refused, refused_ms
});
columns!(SubscriptionRow [] {
    connection, object, events, url, id, expires_at, made_ms, proven_ms, last_ms, deliveries
});

/// Deliveries that are found by `rest`, newest first, with their events. Those of removed connections are
/// not shown. `body`: with what they brought.
pub async fn deliveries(
    on: &Session,
    body: bool,
    rest: &str,
    of: &[&(dyn ToSql + Sync)],
) -> DbResult<Vec<DeliveryRow>> {
    let body = if body { "d.body" } else { "''::bytea" };
    let sql = format!(
        "SELECT d.number, i.connection, d.received_ms, d.answered_ms, d.method, d.url, d.headers,
             {body} AS body,
             length(d.body)::bigint AS bytes
         FROM inbox_deliveries AS d
             JOIN inboxes AS i ON i.number = d.inbox
             JOIN connections AS c ON c.id = i.connection {rest}"
    );
    let found = on.rows(&sql, of).await?;
    let mut deliveries: Vec<DeliveryRow> =
        found.iter().map(delivery_of).collect::<DbResult<_>>()?;
    let numbers: Vec<i64> = deliveries.iter().map(|row| signed(row.number)).collect();
    let mut events: BTreeMap<u64, Vec<EventRow>> = BTreeMap::new();
    let of_these = "WHERE e.delivery = ANY($1) ORDER BY e.number";
    for event in self::events(on, of_these, &[&numbers]).await? {
        events.entry(event.delivery).or_default().push(event);
    }
    for delivery in &mut deliveries {
        delivery.events = events.remove(&delivery.number).unwrap_or_default();
    }
    Ok(deliveries)
}

fn delivery_of(row: &Row) -> DbResult<DeliveryRow> {
    let headers: String = row.try_get("headers")?;
    let headers: Vec<(String, String)> =
        serde_json::from_str(&headers).map_err(|why| odd("headers", &why.to_string()))?;
    let bytes = |text: String| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    Ok(DeliveryRow {
        number: Column::read(row, "number")?,
        connection: Column::read(row, "connection")?,
        received_ms: Column::read(row, "received_ms")?,
        answered_ms: Column::read(row, "answered_ms")?,
        method: Column::read(row, "method")?,
        url: Column::read(row, "url")?,
        headers: headers.into_iter().map(|(name, value)| (name, bytes(value))).collect(),
        body: Column::read(row, "body")?,
        bytes: Column::read(row, "bytes")?,
        events: vec![],
    })
}

/// Each byte of a value as the character of its number (ISO 8859-1): values are bytes, mostly
/// ASCII. JSON writes what a text cannot hold as an escape.
pub fn headers_json(headers: &[(String, Vec<u8>)]) -> String {
    let text = |value: &Vec<u8>| value.iter().map(|byte| char::from(*byte)).collect::<String>();
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    json(&headers)
}

/// Every event that `rest` finds. Those of removed connections are not shown.
pub async fn events(
    on: &Session,
    rest: &str,
    of: &[&(dyn ToSql + Sync)],
) -> DbResult<Vec<EventRow>> {
    let sql = format!(
        "SELECT e.number, e.delivery, i.connection, e.id, e.object, e.name, e.occurred_at, e.effect,
             e.record, e.updated_at, e.created_at, e.version, e.state, e.attempts, e.next_ms, e.reason,
             d.received_ms, e.applied_ms, e.tries,
             coalesce(e.data, convert_from(
                 substr(d.body, e.data_at::int + 1, e.data_bytes::int), 'UTF8')) AS data
         FROM inbox_events AS e
             JOIN inbox_deliveries AS d ON d.number = e.delivery
             JOIN inboxes AS i ON i.number = e.inbox
             JOIN connections AS c ON c.id = i.connection {rest}"
    );
    on.rows(&sql, of).await?.iter().map(event_of).collect()
}

fn event_of(row: &Row) -> DbResult<EventRow> {
    let data = || row.try_get::<_, String>("data").map(untext);
    let effect = match row.try_get::<_, i16>("effect")? {
        0 => EventEffect::Upserted(DataRecord {
            id: Column::read(row, "record")?,
            updated_at: Column::read(row, "updated_at")?,
            created_at: Column::read(row, "created_at")?,
            version: Column::read(row, "version")?,
            data: data()?,
        }),
        1 => EventEffect::Deleted(Column::read(row, "record")?),
        2 => EventEffect::Changed(data()?),
        3 => EventEffect::Nothing,
        4 => EventEffect::Unreadable,
        other => return Err(odd("effect", &format!("{other} is not known"))),
    };
    Ok(EventRow {
        number: Column::read(row, "number")?,
        delivery: Column::read(row, "delivery")?,
        connection: Column::read(row, "connection")?,
        id: Column::read(row, "id")?,
        object: Column::read(row, "object")?,
        name: Column::read(row, "name")?,
        occurred_at: Column::read(row, "occurred_at")?,
        effect,
        state: state_of(row)?,
        attempts: Column::read(row, "attempts")?,
        next_ms: Column::read(row, "next_ms")?,
        reason: Column::read(row, "reason")?,
        received_ms: Column::read(row, "received_ms")?,
        applied_ms: Column::read(row, "applied_ms")?,
        tries: <Option<_>>::read(row, "tries")?.unwrap_or_default(),
    })
}

/// How an effect is kept.
pub fn effect_code(effect: &EventEffect) -> i16 {
    match effect {
        EventEffect::Upserted(_) => 0,
        EventEffect::Deleted(_) => 1,
        EventEffect::Changed(_) => 2,
        EventEffect::Nothing => 3,
        EventEffect::Unreadable => 4,
    }
}

/// How a state is kept.
pub fn state_code(state: EventState) -> i16 {
    match state {
        EventState::Waiting => 0,
        EventState::Done => 1,
        EventState::Dead => 2,
    }
}

/// Reads what [`state_code`] made.
pub fn state_of(row: &Row) -> DbResult<EventState> {
    match row.try_get::<_, i16>("state")? {
        0 => Ok(EventState::Waiting),
        1 => Ok(EventState::Done),
        2 => Ok(EventState::Dead),
        other => Err(odd("state", &format!("{other} is not known"))),
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
    // What a text cannot hold is kept beside the body, and written otherwise there.
    if data.contains(['\0', '\u{1}']) {
        return None;
    }
    let mut found = body.match_indices(mark).take(MARKS);
    let (at, _) =
        found.find(|(at, _)| body.get(*at..).is_some_and(|rest| rest.starts_with(data)))?;
    Some((signed(at as u64), signed(data.len() as u64)))
}
