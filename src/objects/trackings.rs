//! `trackings`: AfterShip's Tracking, one shipment at one courier.
//!
//! AfterShip API 2026-07, "Trackings": GET, POST /trackings; GET, PUT, DELETE /trackings/{id};
//! POST /trackings/{id}/retrack and /mark-as-completed. A tracking is unique by its courier's
//! slug and its tracking number. Wherever an id is asked for, AfterShip takes its own id, the
//! custom id given at creation, or the legacy id of before 2024-07.

mod actions;
pub(crate) mod derived;
pub(crate) mod endpoints;
mod filters;
mod find;
mod listing;
mod patch;
mod view;

use crate::AfterShip;
use crate::api::source::PAGE_SIZES;
use crate::api::{Api, Call};
use crate::subscriptions;
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, Attempt, DataRecord, Error, ListRequest, Object, Outcome, Packed, Page, Query,
    SubscriptionOutcome, SubscriptionRequest, View, Written,
    declare::{Descriptor, OBJECT},
};
use endpoints::{CREATE, DELETE, GET, LIST, MARK_AS_COMPLETED, RETRACK, UPDATE};

/// The object `trackings`.
pub(super) struct Trackings;

const NAME: &str = "trackings";
const DOC_URL: &str = "https://www.aftership.com/docs/tracking/2026-07/trackings";
const RECORD_SCHEMA: Packed = include_json!("trackings/record.json");

const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    title: "Trackings",
    operations: &["list", "get", "create", "update", "delete", "subscribe"],
    endpoints: &[LIST, CREATE, GET, UPDATE, DELETE, RETRACK, MARK_AS_COMPLETED],
    doc_url: DOC_URL,
    retention_days: Some(120),
    page_sizes: PAGE_SIZES,
    record_schema: RECORD_SCHEMA,
    create_schema: Some(include_json!("trackings/create.json")),
    update_schema: Some(include_json!("trackings/update.json")),
    find_schema: Some(include_json!("trackings/find.json")),
    filter_schema: include_json!("trackings/filter.json"),
    options_schema: Some(include_json!("trackings/options.json")),
    actions: actions::ACTIONS,
    events: subscriptions::EVENTS,
    ..OBJECT
};

impl Object<AfterShip> for Trackings {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        listing::page(api, NAME, request)
    }

    fn get(&self, api: &Api<'_>, id: &str, view: &View) -> Result<DataRecord, Error> {
        read(api, id, "get the tracking", view::of_one(view))
    }

    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        find::matching(api, inputs)
    }

    /// There is no idempotency key, but AfterShip refuses a second tracking of the same courier and
    /// number with 4003, so one that is not listed yet may be sent again.
    fn create(&self, api: &Api<'_>, input: &str, attempt: &Attempt) -> Result<Written, Error> {
        if attempt.again
            && let Some(found) = find::one(api, input)?
        {
            return Ok(Written::whole(found));
        }
        let call = Call::new(CREATE, "create the tracking").body(input);
        api.send(call)?.record().map(Written::whole)
    }

    fn update(
        &self,
        api: &Api<'_>,
        id: &str,
        patch: &str,
        _: &Attempt,
        _: Option<&str>,
    ) -> Result<Written, Error> {
        let body = patch::body(patch, || {
            read(api, id, "read the tracking before updating it", Query::new())
        })?;
        let call = Call::new(UPDATE, "update the tracking").id(id).body(body);
        let record = api.send(call)?.record()?;
        patch::refuse_kept(patch, &record.data)?;
        Ok(Written::whole(record))
    }

    fn delete(&self, api: &Api<'_>, id: &str, _: &Attempt, _: Option<&str>) -> Result<(), Error> {
        api.send(Call::new(DELETE, "delete the tracking").id(id))?.done()
    }

    fn invoke(&self, api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        actions::invoke(api, call)
    }

    fn subscribe(
        &self,
        _: &Api<'_>,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        subscriptions::manual(request).map(SubscriptionOutcome::Manual)
    }
}

fn check(api: &Api<'_>) -> Result<(), Error> {
    let mut query = Query::new();
    query.add("limit", "1");
    api.send(Call::new(LIST, "use trackings").query(query))?.done()
}

fn read(api: &Api<'_>, id: &str, what: &'static str, query: Query) -> Result<DataRecord, Error> {
    api.send(Call::new(GET, what).id(id).query(query))?.record()
}

#[cfg(test)]
mod tests;
