//! `webhooks`: the URLs to which AfterShip sends events.
//!
//! AfterShip API 2026-07, "Webhooks": they are set in its admin only, and no endpoint reads or
//! writes them. So nothing is offered but the steps to take there, and all else says why.

use super::trackings::derived::Derivation;
use super::{Descriptor, Object};
use crate::api::Api;
use crate::error::Error;
use crate::subscriptions;
use crate::types::{DataRecord, ManualSteps, SubscriptionRequest};

/// The object `webhooks`.
pub(super) struct Webhooks;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "webhooks",
    title: "Webhooks",
    operations: &["subscribe"],
    endpoints: &[],
    doc_url: "https://www.aftership.com/docs/tracking/2026-07/webhook/webhook-overview",
    derived_from: None,
    retention_days: None,
    record_schema: include_str!("webhooks/record.json"),
    create_schema: None,
    update_schema: None,
    find_schema: None,
    filter_schema: include_str!("webhooks/filter.json"),
    options_schema: None,
    actions: &[],
    events: subscriptions::EVENTS,
};

impl Object for Webhooks {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, _: &Api<'_>) -> Result<(), Error> {
        Err(self.unsupported("be checked", self.offered()))
    }

    fn derivation(&self) -> Result<Derivation, Error> {
        Err(self.unsupported("be derived", self.offered()))
    }

    fn find(&self, _: &Api<'_>, _: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        Err(self.unsupported("be found", self.offered()))
    }

    fn subscribe(&self, request: &SubscriptionRequest) -> Result<ManualSteps, Error> {
        subscriptions::manual(request)
    }

    fn offered(&self) -> &'static str {
        "AfterShip has no API for them, they are set in its admin only, by the steps that \
         `subscribe` answers"
    }
}

#[cfg(test)]
mod tests;
