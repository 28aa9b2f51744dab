//! The values that go in and out of the connector.
//!
//! They mirror `wit/` so that no other file needs to know WIT. Texts called JSON are one JSON
//! value each; timestamps are RFC 3339 with an offset.

use crate::setup::SecretField;

/// One record of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataRecord {
    /// Identity within its object, as AfterShip writes it.
    pub id: String,
    /// When AfterShip says that it last changed.
    pub updated_at: Option<String>,
    /// When AfterShip says that it was made.
    pub created_at: Option<String>,
    /// The whole record as JSON, token for token as it came.
    pub data: String,
}

/// A record and the object that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRecord {
    /// Name of the object.
    pub object: &'static str,
    /// The record as it is now.
    pub record: DataRecord,
}

/// What a write left behind. AfterShip's answers hold it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The record as it is now.
    pub item: DataRecord,
    /// Other records that it changed, such as the one that holds a derived record.
    pub also: Vec<ObjectRecord>,
}

/// Which part of each record is wanted, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Top-level members of `data`; empty: all. The answer may hold more.
    pub fields: Vec<String>,
    /// JSON, valid against the object's options schema.
    pub options: Option<String>,
}

/// Where a list call begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A full scan.
    Beginning,
    /// Only what changed since this bookmark.
    Since(String),
    /// Go on with the scan of this cursor.
    At(String),
}

/// One call of `records.list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Name of the object.
    pub object: String,
    /// Where to begin.
    pub start: Start,
    /// Records wished for, at most.
    pub page_size: Option<u32>,
    /// JSON object, valid against the object's filter schema.
    pub filter: Option<String>,
    /// Which part of each record. A cursor keeps its own.
    pub view: View,
}

/// An item that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its identity, if that much is readable.
    pub id: Option<String>,
    /// The item as it came, JSON.
    pub raw: String,
    /// Why it could not be read.
    pub reason: String,
}

/// Change times that a scan covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here, included.
    pub since: Option<String>,
    /// Up to here, included.
    pub until: Option<String>,
}

/// One page of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// May be empty although `next` is present.
    pub records: Vec<DataRecord>,
    /// Records that AfterShip reports as gone.
    pub deleted: Vec<String>,
    /// Items to be kept aside.
    pub unreadable: Vec<Unreadable>,
    /// The change times asked for, when the scan filters by them.
    pub window: Option<Window>,
    /// `None`: the scan is complete.
    pub next: Option<String>,
    /// For `Start::Since`, next time.
    pub bookmark: Option<String>,
    /// Records in the whole scan, if AfterShip tells.
    pub total: Option<u32>,
}

/// One call of `subscriptions.subscribe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRequest {
    /// Name of the object.
    pub object: String,
    /// Names of the events; empty: all of the object.
    pub events: Vec<String>,
    /// Public URL at which the host receives deliveries.
    pub target_url: String,
    /// Id of a subscription to prolong or to replace.
    pub renews: Option<String>,
}

/// What a person does, because AfterShip has no API for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualSteps {
    /// One step each, in order.
    pub steps: Vec<String>,
    /// What the person brings back.
    pub secrets: &'static [SecretField],
}

/// One HTTP request that the host received, untouched: signatures cover raw bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Names in any case, in the order of arrival; values as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What an event did to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The record as it is now.
    Upserted(DataRecord),
    /// Something changed that the delivery does not hold whole: an input of `records.find`.
    Changed(String),
    /// It is about no record.
    Nothing,
}

/// One event of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identity, for dropping repeats.
    pub id: Option<String>,
    /// The object of its record.
    pub object: &'static str,
    /// What AfterShip calls it.
    pub name: String,
    /// When it happened, by AfterShip's clock.
    pub occurred_at: Option<String>,
    /// What it did.
    pub effect: Effect,
}

/// One call of `actions.invoke`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Name of the object.
    pub object: String,
    /// Name of the action.
    pub action: String,
    /// Present exactly when the action works on one record.
    pub id: Option<String>,
    /// JSON, valid against the action's input schema.
    pub input: String,
    /// An earlier call ended in `outcome-unknown`: look first.
    pub again: bool,
}

/// What an action answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// JSON, valid against the action's output schema.
    pub output: String,
    /// Records that the action changed, as they are now.
    pub written: Vec<ObjectRecord>,
}
