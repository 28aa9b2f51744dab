//! The rows of an inbox. Times that end in `_ms` are milliseconds since 1970-01-01T00:00:00Z by
//! the host's clock.

use connector_contract::clock::Instant;
use connector_contract::subscriptions;
use connector_contract::types::DataRecord;
use serde::{Deserialize, Serialize};

use crate::words::words;

/// Where a connection's deliveries come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookRow {
    /// Whose: the id of its row.
    pub connection: String,
    /// The end of its path: 32 hexadecimal digits that cannot be guessed. Who knows them can send
    /// deliveries, and without the signing secret none is accepted.
    pub token: String,
    /// When it was made.
    pub made_ms: u64,
    /// When a receiver last served it.
    pub alive_ms: Option<u64>,
    /// Since when deliveries may have been missed; a scan that overlaps it clears it.
    pub gap_ms: Option<u64>,
    /// Until when: only a scan that began later knows of all that was missed.
    pub gap_end_ms: Option<u64>,
    /// Deliveries that were refused because they were not verified.
    pub refused: u64,
    /// When the last one was.
    pub refused_ms: Option<u64>,
}

/// A standing request for events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Id of the connection.
    pub connection: String,
    /// To which object.
    pub object: String,
    /// Only these events; empty: all.
    pub events: Vec<String>,
    /// The URL that was given to the provider.
    pub url: String,
    /// The provider's id, where it has an API for it.
    pub id: Option<String>,
    /// When it ends, as the provider said it.
    pub expires_at: Option<String>,
    /// When it was made.
    pub made_ms: u64,
    /// When the first verified delivery came: it works.
    pub proven_ms: Option<u64>,
    /// When the last one came.
    pub last_ms: Option<u64>,
    /// How many came, repeats included.
    pub deliveries: u64,
}

/// A delivery that was verified, or is genuine and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Id of the connection.
    pub connection: String,
    /// `POST` ...
    pub method: String,
    /// As the provider called it.
    pub url: String,
    /// Without those that hold credentials.
    pub headers: Vec<(String, Vec<u8>)>,
    /// As it came.
    pub body: Vec<u8>,
    /// What it says.
    pub events: Vec<NewEvent>,
    /// When the first byte of its request came.
    pub arrived: Instant,
}

impl NewDelivery {
    /// [`DeliveryRow::answered_ms`] of a commit that begins now.
    #[must_use]
    pub fn answered_ms(&self) -> u64 {
        u64::try_from(self.arrived.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// An event of a new delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// SHA-256 of what it is known by: an event of a connection is kept once. The first 16 bytes are
    /// compared.
    pub key: [u8; 32],
    /// The provider's id.
    pub id: Option<String>,
    /// Of which object; empty where that could not be read.
    pub object: String,
    /// Its name.
    pub name: String,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<String>,
    /// What it means.
    pub effect: EventEffect,
    /// Its record is asked for, whatever the delivery says of it.
    pub asks: bool,
    /// Why that is so, or why it could not be read.
    pub reason: Option<String>,
}

/// What an event means for the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventEffect {
    /// A record is like this now.
    Upserted(DataRecord),
    /// A record is gone.
    Deleted(String),
    /// Something changed: input of `find`, as JSON.
    Changed(String),
    /// Genuine, and about no record.
    Nothing,
    /// The delivery is genuine and could not be read.
    Unreadable,
}

/// What came of keeping a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept.
    New {
        /// Its number.
        delivery: u64,
        /// Number of the event that is a dead letter from the start.
        dead: Option<u64>,
    },
    /// All its events were known.
    Repeat,
}

/// A delivery as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Names it; counts up.
    pub number: u64,
    /// Id of the connection.
    pub connection: String,
    /// When it came.
    pub received_ms: u64,
    /// Milliseconds from the first byte of its request until the commit that keeps it began: until all of it
    /// had come, was verified and decoded, and had waited for those before it. The answer went out when that
    /// commit was on the disk, which is not in it.
    pub answered_ms: u64,
    /// `POST` ...
    pub method: String,
    /// As the provider called it.
    pub url: String,
    /// Without those that hold credentials.
    pub headers: Vec<(String, Vec<u8>)>,
    /// As it came; empty in lists.
    pub body: Vec<u8>,
    /// Size of its body.
    pub bytes: u64,
    /// Its events.
    pub events: Vec<EventRow>,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Names it; counts up.
    pub number: u64,
    /// Number of the delivery that brought it.
    pub delivery: u64,
    /// Id of the connection.
    pub connection: String,
    /// The provider's id.
    pub id: Option<String>,
    /// Of which object.
    pub object: String,
    /// Its name.
    pub name: String,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<String>,
    /// What it means.
    pub effect: EventEffect,
    /// How far it is.
    pub state: EventState,
    /// Failed tries.
    pub attempts: u32,
    /// When something is to be done about it; `None`: never again.
    pub next_ms: Option<u64>,
    /// What went wrong last.
    pub reason: Option<String>,
    /// When it came.
    pub received_ms: u64,
    /// When it was applied, or there was nothing to apply.
    pub applied_ms: Option<u64>,
    /// Its newest failed tries, oldest first, at most [`FAILED_TRIES`].
    pub tries: Vec<FailedTry>,
}

/// Failed tries of an event that are kept.
pub const FAILED_TRIES: usize = 16;

/// A try of an event that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTry {
    /// When.
    pub at_ms: u64,
    /// Why, cut where it is long.
    pub reason: String,
    /// After how long it was to be tried again; `None`: never.
    pub wait_ms: Option<u64>,
}

words! {
    /// How far an event is.
    pub enum EventState {
        /// Not applied yet.
        Waiting = "waiting",
        /// Applied, or there was nothing to apply.
        Done = "done",
        /// Given up on: a dead letter.
        Dead = "dead",
    }
}

impl From<subscriptions::Effect> for EventEffect {
    fn from(effect: subscriptions::Effect) -> Self {
        match effect {
            subscriptions::Effect::Upserted(record) => Self::Upserted(record),
            subscriptions::Effect::Deleted(id) => Self::Deleted(id),
            subscriptions::Effect::Changed(input) => Self::Changed(input),
            // That the customer has withdrawn is acted on before it is kept.
            subscriptions::Effect::Disconnected | subscriptions::Effect::Nothing => Self::Nothing,
        }
    }
}

impl EventEffect {
    /// Its kind, as it is kept and shown.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Upserted(_) => "upserted",
            Self::Deleted(_) => "deleted",
            Self::Changed(_) => "changed",
            Self::Nothing => "nothing",
            Self::Unreadable => "unreadable",
        }
    }

    /// What it says of its record, to tell two events of one id apart.
    #[must_use]
    pub fn said(&self) -> &[u8] {
        match self {
            Self::Upserted(record) => record.data.as_bytes(),
            Self::Deleted(text) | Self::Changed(text) => text.as_bytes(),
            Self::Nothing | Self::Unreadable => &[],
        }
    }

    /// The record that it is about, where it says so.
    #[must_use]
    pub fn record(&self) -> Option<&str> {
        match self {
            Self::Upserted(record) => Some(&record.id),
            Self::Deleted(id) => Some(id),
            Self::Changed(_) | Self::Nothing | Self::Unreadable => None,
        }
    }
}
