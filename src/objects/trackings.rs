//! `trackings`: AfterShip's Tracking, one shipment at one courier.
//!
//! AfterShip API 2026-07, "Trackings": GET, POST /trackings; GET, PUT, DELETE /trackings/{id};
//! POST /trackings/{id}/retrack and /mark-as-completed. A tracking is unique by its courier's
//! slug and its tracking number. Wherever an id is asked for, AfterShip takes its own id, the
//! custom id given at creation, or the legacy id of before 2024-07.

mod actions;
pub(super) mod derived;
mod filters;
mod find;
mod listing;
mod patch;

use super::{ActionCall, Descriptor, Object};
use crate::api::endpoints::{
    TRACKINGS_CREATE, TRACKINGS_DELETE, TRACKINGS_GET, TRACKINGS_LIST, TRACKINGS_UPDATE,
};
use crate::api::{Api, Call, Query};
use crate::error::Error;
use crate::subscriptions;
use crate::types::{
    DataRecord, ListRequest, ManualSteps, Outcome, Page, SubscriptionRequest, Written,
};

/// The object `trackings`.
pub(super) struct Trackings;

const NAME: &str = "trackings";
const DOC_URL: &str = "https://www.aftership.com/docs/tracking/2026-07/trackings";
const RECORD_SCHEMA: &str = include_str!("trackings/record.json");

static DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    title: "Trackings",
    operations: &["list", "get", "create", "update", "delete", "subscribe"],
    doc_url: DOC_URL,
    derived_from: None,
    retention_days: Some(120),
    record_schema: RECORD_SCHEMA,
    create_schema: Some(include_str!("trackings/create.json")),
    update_schema: Some(include_str!("trackings/update.json")),
    find_schema: Some(include_str!("trackings/find.json")),
    filter_schema: include_str!("trackings/filter.json"),
    actions: actions::ACTIONS,
    events: subscriptions::EVENTS,
    // There is no idempotency key, but AfterShip refuses a second tracking of the same courier
    // and number with 4003.
    create_repeatable: true,
};

impl Object for Trackings {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        listing::page(api, NAME, request)
    }

    fn get(&self, api: &Api<'_>, id: &str) -> Result<DataRecord, Error> {
        read(api, id, "get the tracking")
    }

    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        find::matching(api, inputs)
    }

    fn create(&self, api: &Api<'_>, input: &str) -> Result<Written, Error> {
        let call = Call::new(TRACKINGS_CREATE, "create the tracking").body(input);
        api.send(call)?.record().map(written)
    }

    fn update(&self, api: &Api<'_>, id: &str, patch: &str) -> Result<Written, Error> {
        let body = patch::body(patch, || read(api, id, "read the tracking before updating it"))?;
        let call = Call::new(TRACKINGS_UPDATE, "update the tracking").id(id).body(body);
        let record = api.send(call)?.record()?;
        patch::refuse_kept(patch, &record.data)?;
        Ok(written(record))
    }

    fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.send(Call::new(TRACKINGS_DELETE, "delete the tracking").id(id))?.done()
    }

    fn invoke(&self, api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        actions::invoke(api, call)
    }

    fn subscribe(&self, request: &SubscriptionRequest) -> Result<ManualSteps, Error> {
        subscriptions::manual(request)
    }
}

fn check(api: &Api<'_>) -> Result<(), Error> {
    let mut query = Query::new();
    query.add("limit", "1");
    api.send(Call::new(TRACKINGS_LIST, "use trackings").query(query))?.done()
}

fn read(api: &Api<'_>, id: &str, what: &'static str) -> Result<DataRecord, Error> {
    api.send(Call::new(TRACKINGS_GET, what).id(id))?.record()
}

fn written(item: DataRecord) -> Written {
    Written { item, holder: None }
}

#[cfg(test)]
mod tests;
