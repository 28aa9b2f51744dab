//! What is asked for one prediction: checked, and read as far as the answer depends on it.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict.

use serde_json::Value;
use time::PrimitiveDateTime;

use super::fields::Fields;
use super::pickup::EstimatedPickup;
use crate::body::{Object, is_region, is_slug};
use crate::errors::ApiError;

const MEMBERS: &[&str] = &[
    "slug",
    "service_type_name",
    "origin_address",
    "destination_address",
    "weight",
    "package_count",
    "pickup_time",
    "estimated_pickup",
];

const ADDRESS: &[&str] = &["country_region", "state", "city", "postal_code", "raw_location"];

/// One shipment whose delivery is to be predicted.
pub(super) struct Request<'a> {
    /// Its members as they came.
    pub(super) given: &'a Object,
    /// `slug`.
    pub(super) slug: &'a str,
    /// `service_type_name`.
    pub(super) service: Option<&'a str>,
    /// `origin_address`.
    pub(super) origin: Address<'a>,
    /// `destination_address`.
    pub(super) destination: Address<'a>,
    /// When it is picked up.
    pub(super) pickup: Pickup,
}

/// An end of a shipment, as far as the prediction depends on it.
pub(super) struct Address<'a> {
    /// `country_region`.
    pub(super) country_region: &'a str,
    /// `city`.
    pub(super) city: Option<&'a str>,
    /// `postal_code`.
    pub(super) postal_code: Option<&'a str>,
}

/// When a shipment is picked up: told, or to be found from its order.
pub(super) struct Pickup {
    /// `pickup_time`, which counts where both are given.
    pub(super) known: Option<PrimitiveDateTime>,
    /// `estimated_pickup`.
    pub(super) estimated: Option<EstimatedPickup>,
}

impl<'a> Request<'a> {
    /// Reads one prediction's members. `path` is where they stand: `""`, or ends in a dot.
    pub(super) fn read(given: &'a Object, path: String, lenient: bool) -> Result<Self, ApiError> {
        let fields = Fields::new(given, path, MEMBERS, lenient)?;
        let slug = fields.required("slug")?.as_str().filter(|slug| is_slug(slug));
        let slug = slug.ok_or_else(|| fields.refused("slug", "must be a slug"))?;
        let service = fields.text("service_type_name", usize::MAX)?;
        let origin = address(&fields, "origin_address", lenient)?;
        let destination = address(&fields, "destination_address", lenient)?;
        check_weight(&fields, lenient)?;
        let count = |value: &Value| value.as_u64().filter(|count| *count > 0);
        fields.read("package_count", "must be an integer from 1", count)?;
        let pickup = pickup(&fields, lenient)?;
        Ok(Self { given, slug, service, origin, destination, pickup })
    }
}

fn address<'a>(fields: &Fields<'a>, name: &str, lenient: bool) -> Result<Address<'a>, ApiError> {
    let address = fields.object(name, fields.required(name)?, ADDRESS, lenient)?;
    let region = address.required("country_region")?.as_str().filter(|text| is_region(text));
    let rule = "must be three upper-case letters (ISO 3166 alpha-3)";
    let country_region = region.ok_or_else(|| address.refused("country_region", rule))?;
    let state = address.text("state", 256)?;
    let city = address.text("city", 256)?;
    let postal_code = address.text("postal_code", 256)?;
    address.text("raw_location", 512)?;
    let filled = |text: &&str| !text.is_empty();
    if state.filter(filled).or(postal_code.filter(filled)).is_none() {
        return Err(address.refused("state", "or `postal_code` beside it is required"));
    }
    Ok(Address {
        country_region,
        city: city.filter(filled),
        postal_code: postal_code.filter(filled),
    })
}

fn check_weight(fields: &Fields<'_>, lenient: bool) -> Result<(), ApiError> {
    let Some(weight) = fields.get("weight") else { return Ok(()) };
    let weight = fields.object("weight", weight, &["unit", "value"], lenient)?;
    let unit = weight.required("unit")?.as_str().filter(|unit| !unit.is_empty());
    unit.ok_or_else(|| weight.refused("unit", "must be a text"))?;
    let value = weight.required("value")?.as_f64().filter(|value| *value >= 0.0);
    value.ok_or_else(|| weight.refused("value", "must be a number from 0"))?;
    Ok(())
}

/// At least one of the two, and with an order's time where it is the only one. The service has
/// taken both together.
fn pickup(fields: &Fields<'_>, lenient: bool) -> Result<Pickup, ApiError> {
    let known = fields.local_time("pickup_time")?;
    let estimated = fields.get("estimated_pickup");
    let read = |value| EstimatedPickup::read(fields, "estimated_pickup", value, lenient);
    let estimated = estimated.map(read).transpose()?;
    match (known, &estimated) {
        (None, None) => Err(fields.refused("pickup_time", "or `estimated_pickup` is required")),
        (None, Some(order)) if order.order_time.is_none() => {
            Err(fields.refused("estimated_pickup.order_time", "is required"))
        }
        _ => Ok(Pickup { known, estimated }),
    }
}
