//! `webhooks`: the URLs to which AfterShip sends events.
//!
//! AfterShip API 2026-07, "Webhooks": they are set in its admin only, and no endpoint reads or
//! writes them. So nothing is offered but the steps to take there, and all else says why.

use crate::AfterShip;
use crate::api::Api;
use crate::subscriptions;
use connector_sdk::include_json;
use connector_sdk::{
    DataRecord, Error, Object, SubscriptionOutcome, SubscriptionRequest,
    declare::{Descriptor, OBJECT},
};

/// The object `webhooks`.
pub(super) struct Webhooks;

const DESCRIPTOR: Descriptor = Descriptor {
    name: "webhooks",
    title: "Webhooks",
    operations: &["subscribe"],
    doc_url: "https://www.aftership.com/docs/tracking/2026-07/webhook/webhook-overview",
    record_schema: include_json!("webhooks/record.json"),
    filter_schema: include_json!("webhooks/filter.json"),
    events: subscriptions::EVENTS,
    ..OBJECT
};

impl Object<AfterShip> for Webhooks {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, _: &Api<'_>) -> Result<(), Error> {
        Err(self.unsupported("be checked", self.offered()))
    }

    fn find(&self, _: &Api<'_>, _: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        Err(self.unsupported("be found", self.offered()))
    }

    fn subscribe(
        &self,
        _: &Api<'_>,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        subscriptions::manual(request).map(SubscriptionOutcome::Manual)
    }

    fn offered(&self) -> &'static str {
        "AfterShip has no API for them, they are set in its admin only, by the steps that \
         `subscribe` answers"
    }
}

#[cfg(test)]
mod tests;
