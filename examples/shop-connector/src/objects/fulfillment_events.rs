//! `fulfillment-events`: what happened to a shipment, written for the shop and its customer.
//!
//! Shopify has no key that makes a mutation happen once. So when an answer was lost, the newest
//! events of the fulfillment are read first; `happenedAt`, which Shopify would fill in with its own
//! time, must be given, because without it an event cannot be told from an earlier one like it.

use connector_sdk::declare::{Descriptor, Endpoint, OBJECT};
use connector_sdk::json::{self, Value};
use connector_sdk::{Attempt, DataRecord, Error, Object, Written, dates, include_json};

use crate::Shop;
use crate::api::{self, Api, CHANGE, MUTATION, Operation, QUERY};
use crate::refused::{refused_input, violations};

/// The object.
#[derive(Debug)]
pub struct FulfillmentEvents;

const NEWEST: Endpoint = Endpoint { name: "fulfillment-events-newest", ..QUERY };
const CREATE: Endpoint = Endpoint { name: "fulfillment-events-create", ..CHANGE };

macro_rules! event {
    () => {
        "id status happenedAt createdAt message address1 city province zip country latitude \
         longitude estimatedDeliveryAt"
    };
}
const NEWEST_DOCUMENT: &str = concat!(
    "query NewestEvents($id: ID!) { fulfillment(id: $id) { id events(first: 100, reverse: true) { \
     nodes { ",
    event!(),
    " } pageInfo { hasNextPage endCursor } } } }"
);
const CREATE_DOCUMENT: &str = concat!(
    "mutation CreateEvent($fulfillmentEvent: FulfillmentEventInput!) { \
     fulfillmentEventCreate(fulfillmentEvent: $fulfillmentEvent) { fulfillmentEvent { ",
    event!(),
    " } userErrors { field message } } }"
);

const DESCRIPTOR: Descriptor = Descriptor {
    name: "fulfillment-events",
    title: "Fulfillment events",
    operations: &["create"],
    endpoints: &[NEWEST, CREATE],
    doc_url: "https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentEventCreate",
    record_schema: include_json!("fulfillment_events.record.json"),
    create_schema: Some(include_json!("fulfillment_events.create.json")),
    ..OBJECT
};

impl Object<Shop> for FulfillmentEvents {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, _: &Api<'_>) -> Result<(), Error> {
        Err(self.unsupported("be checked", "Creating one tells whether it is allowed"))
    }

    fn create(&self, api: &Api<'_>, input: &str, attempt: &Attempt) -> Result<Written, Error> {
        if attempt.again
            && let Some(made) = newest(api, input)?
        {
            return Ok(Written::whole(made));
        }
        let what = "create the fulfillment event";
        // The payload, the event and the list of errors.
        let cost = MUTATION + 3;
        let operation = Operation { endpoint: &CREATE, what, document: CREATE_DOCUMENT, cost };
        let data = api.ask(&operation, &[("fulfillmentEvent", input)])?;
        let payload = json::member(&data, "fulfillmentEventCreate").unwrap_or_default();
        let wrong = violations(payload, "fulfillmentEvent");
        if !wrong.is_empty() {
            return Err(refused_input(what, wrong));
        }
        let made = json::member(payload, "fulfillmentEvent").and_then(api::record);
        made.map(Written::whole).ok_or_else(|| api::unreadable(what, true))
    }
}

/// The newest event that says what `input` does.
fn newest(api: &Api<'_>, input: &str) -> Result<Option<DataRecord>, Error> {
    let what = "look for the fulfillment event";
    // The fulfillment and its events.
    let cost = 101;
    let operation = Operation { endpoint: &NEWEST, what, document: NEWEST_DOCUMENT, cost };
    let id = json::member(input, "fulfillmentId").unwrap_or("null");
    let data = api.ask(&operation, &[("id", id)])?;
    let Some(fulfillment) = json::member(&data, "fulfillment").filter(|found| *found != "null")
    else {
        return Err(Error::not_found("There is no such fulfillment in the shop."));
    };
    let nodes = api::nodes(what, fulfillment, "events")?;
    let wanted = Value::parse(input).map_err(|_| api::unreadable(what, false))?;
    Ok(nodes.records.into_iter().find(|event| says(&event.data, &wanted)))
}

/// Whether an event has all that the input says.
fn says(event: &str, wanted: &Value<'_>) -> bool {
    let Ok(event) = Value::parse(event) else { return false };
    let mut members = wanted.members().iter().filter(|(name, _)| name != "fulfillmentId");
    members.all(|(name, value)| {
        let known = event.get(name).unwrap_or(&Value::Null);
        known == value || [known, value].map(meant) == [meant(value); 2] && meant(value).is_some()
    })
}

/// What is written in several ways: a moment, or a number.
fn meant(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Text(text) => dates::parse(text).map(|moment| moment.floor() as f64),
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}
