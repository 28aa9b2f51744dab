//! Deliveries that are looked for, and what a connector makes of one.

use std::collections::BTreeMap;

use connector_contract::subscriptions::{Effect, Event};
use connector_state::inbox::{DeliveryRow, EventState};
use connector_state::{Database, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// Deliveries that are looked at in one search.
const LOOKED_AT: usize = 2_000;
/// Deliveries that are read at a time.
const AT_ONCE: u32 = 200;

/// An event as a connector tells it now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReceivedEvent {
    /// The provider's id.
    pub id: Option<String>,
    /// Of which object.
    pub object: String,
    /// Its name.
    pub name: String,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<String>,
    /// What it means.
    pub effect: &'static str,
    /// The record that it is about.
    pub record: Option<String>,
    /// The record, or by what it is found.
    #[schemars(with = "Option<serde_json::Value>")]
    pub data: Option<Box<RawValue>>,
}

impl ReceivedEvent {
    /// Of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let raw = |text: &String| {
            let as_text = |_| serde_json::value::to_raw_value(text);
            serde_json::from_str::<Box<RawValue>>(text).or_else(as_text).ok()
        };
        let (effect, record, data) = match &event.effect {
            Effect::Upserted(record) => ("upserted", Some(record.id.clone()), raw(&record.data)),
            Effect::Deleted(id) => ("deleted", Some(id.clone()), None),
            Effect::Changed(input) => ("changed", None, raw(input)),
            Effect::Disconnected => ("disconnected", None, None),
            Effect::Nothing => ("nothing", None, None),
        };
        Self {
            id: event.id.clone(),
            object: event.object.clone(),
            name: event.name.clone(),
            occurred_at: event.occurred_at.clone(),
            effect,
            record,
            data,
        }
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveriesQuery {
    /// Id of the connection; `None`: all of these names.
    pub connection: Option<String>,
    /// With an event of this name.
    pub event: Option<String>,
    /// With an event in this state.
    pub state: Option<EventState>,
    /// Received then or later, in milliseconds since 1970.
    pub since_ms: u64,
    /// Received before then.
    pub until_ms: Option<u64>,
    /// With this number, or with an event of a record or with an id that holds this text.
    pub text: Option<String>,
    /// With a lower number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// Deliveries that were found.
#[derive(Debug, Clone, Default)]
pub struct DeliveriesFound {
    /// The newest first.
    pub rows: Vec<DeliveryRow>,
    /// It goes on with deliveries before this number; `None`: there are none.
    pub next: Option<u64>,
}

/// Looks for deliveries of connections with these names (by their ids), through a bounded number of them.
///
/// # Errors
/// When the state cannot be read.
pub async fn find_deliveries(
    database: &dyn Database,
    names: &BTreeMap<String, String>,
    asked: &DeliveriesQuery,
) -> Result<DeliveriesFound, StoreError> {
    let mut found = DeliveriesFound { rows: vec![], next: asked.before };
    let mut looked_at = 0;
    loop {
        let page = database.deliveries(asked.connection.as_deref(), found.next, AT_ONCE).await?;
        let is_last = page.len() < AT_ONCE as usize;
        for row in page {
            if row.received_ms < asked.since_ms {
                return Ok(DeliveriesFound { next: None, ..found });
            }
            if found.rows.len() >= asked.limit || looked_at >= LOOKED_AT {
                return Ok(found);
            }
            looked_at += 1;
            found.next = Some(row.number);
            if names.contains_key(&row.connection) && asked.takes(&row) {
                found.rows.push(row);
            }
        }
        if is_last {
            return Ok(DeliveriesFound { next: None, ..found });
        }
    }
}

impl DeliveriesQuery {
    fn takes(&self, row: &DeliveryRow) -> bool {
        let any =
            |test: &dyn Fn(&connector_state::inbox::EventRow) -> bool| row.events.iter().any(test);
        let has_text = |text: &String| {
            let holds = |found: Option<&str>| found.is_some_and(|found| found.contains(text));
            row.number.to_string() == *text
                || any(&|event| holds(event.effect.record()) || holds(event.id.as_deref()))
        };
        self.until_ms.is_none_or(|until_ms| row.received_ms < until_ms)
            && self.event.as_ref().is_none_or(|name| any(&|event| event.name == *name))
            && self.state.is_none_or(|state| any(&|event| event.state == state))
            && self.text.as_ref().is_none_or(has_text)
    }
}
