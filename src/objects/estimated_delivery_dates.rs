//! `estimated-delivery-dates`: when a tracking is to be delivered, by everybody who says so.
//!
//! AfterShip API 2026-07 has no endpoint that lists them: they are members of a tracking. A record
//! has its tracking's id, and exists while there is any estimate. What the endpoints under
//! /estimated-delivery-date predict is stored nowhere, so these are actions and no `create`.

mod actions;

use super::trackings::derived::{self, DOC_URL, FILTER_SCHEMA, HOLDER};
use crate::AfterShip;
use crate::api::Api;
use crate::api::source::PAGE_SIZES;
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, DataRecord, Error, ListRequest, Object, Outcome, Page, Parent, View,
    declare::{Descriptor, OBJECT},
    json::{Kind, Malformed, Reader},
};

/// The object `estimated-delivery-dates`.
pub(super) struct EstimatedDeliveryDates;

const NAME: &str = "estimated-delivery-dates";

/// Members of the tracking that each are an estimate.
const ESTIMATES: [&str; 6] = [
    "courier_estimated_delivery_date",
    "aftership_estimated_delivery_date",
    "custom_estimated_delivery_date",
    "first_estimated_delivery",
    "latest_estimated_delivery",
    "order_promised_delivery_date",
];
/// Members that say which shipment it is.
const SHIPMENT: [&str; 2] = ["tracking_number", "slug"];
/// Members that say how the estimates turned out.
const OUTCOME: [&str; 3] = ["on_time_status", "on_time_difference", "shipment_delivery_date"];

const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    title: "Estimated delivery dates",
    operations: &["list", "get"],
    endpoints: &[actions::PREDICT, actions::PREDICT_BATCH],
    doc_url: DOC_URL,
    derived_from: Some(HOLDER),
    page_sizes: PAGE_SIZES,
    record_schema: include_json!("estimated_delivery_dates/record.json"),
    filter_schema: FILTER_SCHEMA,
    actions: actions::ACTIONS,
    ..OBJECT
};

impl Object<AfterShip> for EstimatedDeliveryDates {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        derived::check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        derived::list(api, NAME, request, derive_from)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        let tracking = derived::read_holder(api, id, "get the tracking")?;
        derived::derive_one(&tracking, derive_from)?.into_iter().next().ok_or_else(|| {
            Error::not_found(format!(
                "Nobody has estimated yet when the tracking `{}` is delivered. Look again when it \
                 has changed, or ask for a prediction by the action `predict`.",
                tracking.id
            ))
        })
    }

    fn derive(&self, parent: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
        derive_from(parent)
    }

    fn invoke(&self, api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        actions::invoke(api, call)
    }

    fn offered(&self) -> &'static str {
        "AfterShip takes no estimates, and stores none that it is asked for: use the action \
         `predict` or `predict-batch`"
    }
}

/// The record of a tracking of which there is any estimate.
fn derive_from(tracking: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
    let Parent { record, members } = tracking;
    let estimates = ESTIMATES.iter().filter_map(|name| tracking.member(name));
    let mut says_anything = false;
    for estimate in estimates {
        says_anything |= is_said(estimate.value)?;
    }
    if !says_anything {
        return Ok(Vec::new());
    }
    let mut data = derived::begin_data(&record.id, record);
    for names in [&SHIPMENT[..], &ESTIMATES, &OUTCOME] {
        derived::copy_members(members, names, &mut data);
    }
    Ok(vec![DataRecord { data: data.finish(), ..derived::with_times_of(record) }])
}

/// AfterShip writes an estimate that it does not have as null, or as an object of nulls.
fn is_said(estimate: &str) -> Result<bool, Malformed> {
    let mut reader = Reader::new(estimate);
    Ok(match reader.kind()? {
        Kind::Null => false,
        Kind::Object => reader.members()?.iter().any(|member| member.value != "null"),
        _ => true,
    })
}

#[cfg(test)]
mod tests;
