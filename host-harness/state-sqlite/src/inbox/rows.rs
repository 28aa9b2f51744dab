//! The rows of an inbox as rows of SQLite, and back.

use connector_contract::types::DataRecord;
use connector_state::inbox::{DeliveryRow, Effect, EventRow, EventState, HookRow, SubscriptionRow};
use rusqlite::{Error, Result, Row};

use crate::rows::{from_json, json, maybe_unsigned, odd, unsigned};

pub fn hook_of(row: &Row<'_>) -> Result<HookRow> {
    Ok(HookRow {
        connection: row.get("connection")?,
        token: row.get("token")?,
        made_ms: unsigned(row, "made_ms")?,
        alive_ms: maybe_unsigned(row, "alive_ms")?,
        gap_ms: maybe_unsigned(row, "gap_ms")?,
        gap_end_ms: maybe_unsigned(row, "gap_end_ms")?,
        refused: unsigned(row, "refused")?,
        refused_ms: maybe_unsigned(row, "refused_ms")?,
    })
}

pub fn subscription_of(row: &Row<'_>) -> Result<SubscriptionRow> {
    Ok(SubscriptionRow {
        connection: row.get("connection")?,
        object: row.get("object")?,
        events: from_json(row, "events")?,
        url: row.get("url")?,
        id: row.get("id")?,
        expires_at: row.get("expires_at")?,
        made_ms: unsigned(row, "made_ms")?,
        proven_ms: maybe_unsigned(row, "proven_ms")?,
        last_ms: maybe_unsigned(row, "last_ms")?,
        deliveries: unsigned(row, "deliveries")?,
    })
}

/// Its events are read on their own.
pub fn delivery_of(row: &Row<'_>) -> Result<DeliveryRow> {
    let headers: Vec<(String, String)> = from_json(row, "headers")?;
    let bytes = |text: String| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    Ok(DeliveryRow {
        number: unsigned(row, "number")?,
        connection: row.get("connection")?,
        received_ms: unsigned(row, "received_ms")?,
        method: row.get("method")?,
        url: row.get("url")?,
        headers: headers.into_iter().map(|(name, value)| (name, bytes(value))).collect(),
        body: row.get("body")?,
        bytes: unsigned(row, "bytes")?,
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

pub fn event_of(row: &Row<'_>) -> Result<EventRow> {
    Ok(EventRow {
        number: unsigned(row, "number")?,
        delivery: unsigned(row, "delivery")?,
        connection: row.get("connection")?,
        id: row.get("id")?,
        object: row.get("object")?,
        name: row.get("name")?,
        occurred_at: row.get("occurred_at")?,
        effect: effect_of(row)?,
        state: state_of(row)?,
        attempts: row.get("attempts")?,
        next_ms: maybe_unsigned(row, "next_ms")?,
        reason: row.get("reason")?,
        received_ms: unsigned(row, "received_ms")?,
    })
}

fn effect_of(row: &Row<'_>) -> Result<Effect> {
    let effect: String = row.get("effect")?;
    Ok(match effect.as_str() {
        "upserted" => Effect::Upserted(DataRecord {
            id: row.get("record")?,
            updated_at: row.get("updated_at")?,
            created_at: row.get("created_at")?,
            version: None,
            data: row.get("data")?,
        }),
        "deleted" => Effect::Deleted(row.get("record")?),
        "changed" => Effect::Changed(row.get("data")?),
        "nothing" => Effect::Nothing,
        "unreadable" => Effect::Unreadable,
        _ => return Err(unknown(row, "effect", &effect)),
    })
}

pub fn state_word(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "waiting",
        EventState::Done => "done",
        EventState::Dead => "dead",
    }
}

fn state_of(row: &Row<'_>) -> Result<EventState> {
    let found: String = row.get("state")?;
    let all = [EventState::Waiting, EventState::Done, EventState::Dead];
    let state = all.into_iter().find(|state| state_word(*state) == found);
    state.ok_or_else(|| unknown(row, "state", &found))
}

fn unknown(row: &Row<'_>, column: &str, found: &str) -> Error {
    odd(row, column, format!("\"{found}\" is not known").into())
}
