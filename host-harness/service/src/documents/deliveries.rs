//! Deliveries, their events, and what was given up.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_state::inbox::{DeliveryRow, EventRow, FailedTry};
use connector_state::mirror::DeadLetterRow;
use connector_state::{Database, StoreError, Word as _};
use schemars::JsonSchema;
use serde::Serialize;

use super::date;
pub use crate::dead_letter_number::DeadLetterNumber;

/// An event of a delivery.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EventDocument {
    /// Names it.
    pub number: u64,
    /// The provider's id.
    pub id: Option<String>,
    /// Of which object; empty where that could not be read.
    pub object: String,
    /// Its name.
    pub name: String,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<String>,
    /// What it means.
    pub effect: &'static str,
    /// The record that it is about.
    pub record: Option<String>,
    /// How far it is.
    pub state: &'static str,
    /// Failed tries.
    pub attempts: u32,
    /// When it is tried again.
    pub next: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
    /// When it was applied.
    pub applied: Option<String>,
    /// The tries that failed.
    pub tries: Vec<TryDocument>,
}

/// A try that failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TryDocument {
    /// When.
    pub at: String,
    /// Why.
    pub reason: String,
    /// Seconds until the next; null: there was none.
    pub wait_seconds: Option<f64>,
}

/// A delivery without its headers and body.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliverySummary {
    /// Names it.
    pub number: u64,
    /// Name of the connection.
    pub connection: String,
    /// When it came.
    pub received: String,
    /// Milliseconds from the first byte of its request until the commit that keeps it began.
    pub answered_ms: u64,
    /// Bytes of its body.
    pub bytes: u64,
    /// What it says.
    pub events: Vec<EventDocument>,
}

/// A delivery, whole. Headers with credentials were never kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliveryDocument {
    /// What lists show of it.
    #[serde(flatten)]
    pub summary: DeliverySummary,
    /// Its method.
    pub method: String,
    /// As the provider called it.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, where it is a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

impl EventDocument {
    /// Of a row.
    #[must_use]
    pub fn of(row: &EventRow) -> Self {
        let tried = |failed: &FailedTry| TryDocument {
            at: date(failed.at_ms),
            reason: failed.reason.clone(),
            wait_seconds: failed.wait_ms.map(|wait_ms| wait_ms as f64 / 1_000.0),
        };
        Self {
            number: row.number,
            id: row.id.clone(),
            object: row.object.clone(),
            name: row.name.clone(),
            occurred_at: row.occurred_at.clone(),
            effect: row.effect.word(),
            record: row.effect.record().map(str::to_owned),
            state: row.state.word(),
            attempts: row.attempts,
            next: row.next_ms.map(date),
            reason: row.reason.clone(),
            applied: row.applied_ms.map(date),
            tries: row.tries.iter().map(tried).collect(),
        }
    }
}

impl DeliverySummary {
    /// Of a row; `names` are those of connections by their ids.
    #[must_use]
    pub fn of(row: &DeliveryRow, names: &BTreeMap<String, String>) -> Self {
        Self {
            number: row.number,
            connection: names.get(&row.connection).unwrap_or(&row.connection).clone(),
            received: date(row.received_ms),
            answered_ms: row.answered_ms,
            bytes: row.bytes,
            events: row.events.iter().map(EventDocument::of).collect(),
        }
    }
}

impl DeliveryDocument {
    /// Of a row; `names` are those of connections by their ids.
    #[must_use]
    pub fn of(row: &DeliveryRow, names: &BTreeMap<String, String>) -> Self {
        let value = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let text = String::from_utf8(row.body.clone());
        Self {
            summary: DeliverySummary::of(row, names),
            method: row.method.clone(),
            url: row.url.clone(),
            headers: row.headers.iter().map(|(name, it)| (name.clone(), value(it))).collect(),
            body_base64: text.is_err().then(|| BASE64.encode(&row.body)),
            body: text.ok(),
        }
    }
}

/// What could not be read or applied.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Names it: `3` came with a scan, `e3` with a delivery.
    pub number: String,
    /// Name of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record, where that is known.
    pub id: Option<String>,
    /// Since when it is here.
    pub at: String,
    /// Why.
    pub reason: Option<String>,
    /// As it came.
    pub raw: String,
    /// Number of its delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// The provider's id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Option<String>>,
    /// What the event means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'static str>,
}

/// Dead letters of one connection or of all, at most `limit`, those after `after`. Oldest first: those of
/// scans, then those of deliveries.
///
/// # Errors
/// When the state cannot be read.
pub async fn dead_letters(
    database: &dyn Database,
    connection: Option<&str>,
    names: &BTreeMap<String, String>,
    after: Option<DeadLetterNumber>,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let name = |id: &String| names.get(id).unwrap_or(id).clone();
    let of_scan = |letter: DeadLetterRow| DeadLetter {
        number: DeadLetterNumber::Record(letter.number).to_string(),
        connection: name(&letter.connection),
        object: letter.object,
        id: letter.id,
        at: date(letter.at_ms),
        reason: Some(letter.reason),
        raw: letter.raw,
        delivery: None,
        event: None,
        effect: None,
    };
    let (of_scans, event) = match after {
        None => (Some(0), 0),
        Some(DeadLetterNumber::Record(number)) => (Some(number), 0),
        Some(DeadLetterNumber::Event(number)) => (None, number),
    };
    let rows = match of_scans {
        Some(number) => database.list_dead_letters(connection, number, limit).await?,
        None => vec![],
    };
    let mut letters: Vec<DeadLetter> = rows.into_iter().map(of_scan).collect();
    let left = limit.saturating_sub(u32::try_from(letters.len()).unwrap_or(u32::MAX));
    if left == 0 {
        return Ok(letters);
    }
    for event in database.list_dead_events(connection, event, left).await? {
        let delivery = database.delivery(event.delivery).await?;
        let body = delivery.map(|row| row.body).unwrap_or_default();
        letters.push(DeadLetter {
            number: DeadLetterNumber::Event(event.number).to_string(),
            connection: name(&event.connection),
            id: event.effect.record().map(str::to_owned),
            at: date(event.received_ms),
            reason: event.reason,
            raw: String::from_utf8_lossy(&body).into_owned(),
            delivery: Some(event.delivery),
            event: Some(event.id),
            effect: Some(event.effect.word()),
            object: event.object,
        });
    }
    Ok(letters)
}
