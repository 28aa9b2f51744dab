//! A prediction as answers show it: what was asked, null where nothing was, and the days.

use serde_json::{Value, json};
use time::Date;

use super::pickup::EstimatedPickup;
use super::request::Request;
use super::transit::estimate;
use crate::body::Object;
use crate::dates;
use crate::errors::ApiError;
use crate::query::refused;

/// The members of an address in the order of the API's examples.
const ADDRESS: &[&str] = &["country_region", "state", "postal_code", "raw_location", "city"];

/// Predicts one delivery.
pub(super) fn predict(request: &Request<'_>, id: &str) -> Result<Value, ApiError> {
    let beyond = || refused("pickup_time", "lies beyond the calendar");
    let estimated = request.pickup.estimated.as_ref();
    let found = estimated.and_then(EstimatedPickup::time);
    let time = request.pickup.known.or(found).ok_or_else(beyond)?;
    let days = estimate(request, time).ok_or_else(beyond)?;
    let given = |name: &str| request.given.get(name).cloned().unwrap_or(Value::Null);
    let date = |day: Date| dates::format_date(day);
    Ok(json!({
        "id": id,
        "slug": request.slug,
        "service_type_name": request.service,
        "origin_address": address(&given("origin_address")),
        "destination_address": address(&given("destination_address")),
        "weight": given("weight"),
        "package_count": given("package_count"),
        "pickup_time": given("pickup_time"),
        "estimated_pickup": estimated.map(|pickup| pickup.write(found)),
        "estimated_delivery_date": date(days.day),
        "estimated_delivery_date_min": date(days.min),
        "estimated_delivery_date_max": date(days.max),
        "confidence_code": days.confidence_code,
    }))
}

fn address(given: &Value) -> Value {
    let member =
        |name: &&str| ((*name).to_owned(), given.get(*name).cloned().unwrap_or(Value::Null));
    Value::Object(ADDRESS.iter().map(member).collect::<Object>())
}
