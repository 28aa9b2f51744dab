//! The rows of an inbox as rows of SQLite, and back.

use connector_contract::types::DataRecord;
use connector_state::inbox::{DeliveryRow, EventEffect, EventRow, HookRow, SubscriptionRow};
use rusqlite::{Result, Row};

use crate::columns::{Column, Values, columns, from_json, json, odd};

columns!(HookRow [] {
    connection, token, made_ms, alive_ms, gap_ms, gap_end_ms, refused, refused_ms
});
columns!(SubscriptionRow [] {
    connection, object, events, url, id, expires_at, made_ms, proven_ms, last_ms, deliveries
});
columns!(EventRow [received_ms] {
    number, delivery, connection, id, object, name, occurred_at, effect, state, attempts, next_ms,
    reason
});

/// Its events are read on their own.
pub fn delivery_of(row: &Row<'_>) -> Result<DeliveryRow> {
    let headers: Vec<(String, String)> = from_json(row, "headers")?;
    let bytes = |text: String| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    Ok(DeliveryRow {
        number: row.get("number")?,
        connection: row.get("connection")?,
        received_ms: row.get("received_ms")?,
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

/// In `effect`, and in those columns that it needs.
impl Column for EventEffect {
    fn read(row: &Row<'_>, name: &str) -> Result<Self> {
        let effect: String = row.get(name)?;
        Ok(match effect.as_str() {
            "upserted" => Self::Upserted(DataRecord {
                id: row.get("record")?,
                updated_at: row.get("updated_at")?,
                created_at: row.get("created_at")?,
                version: None,
                data: row.get("data")?,
            }),
            "deleted" => Self::Deleted(row.get("record")?),
            "changed" => Self::Changed(row.get("data")?),
            "nothing" => Self::Nothing,
            "unreadable" => Self::Unreadable,
            _ => return Err(odd(row, name, format!("\"{effect}\" is not known").into())),
        })
    }

    fn write(&self, name: &str, to: &mut Values) -> Result<()> {
        let (record, input) = match self {
            Self::Upserted(record) => (Some(record), None),
            Self::Changed(input) => (None, Some(input)),
            Self::Deleted(_) | Self::Nothing | Self::Unreadable => (None, None),
        };
        to.add(name, self.word().to_owned());
        to.add("record", self.record().map(str::to_owned));
        to.add("updated_at", record.and_then(|record| record.updated_at.clone()));
        to.add("created_at", record.and_then(|record| record.created_at.clone()));
        to.add("data", record.map(|record| &record.data).or(input).cloned());
        Ok(())
    }
}
