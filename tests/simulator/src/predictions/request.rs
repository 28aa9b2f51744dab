//! What is asked for one prediction: checked, and read as far as the answer depends on it.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict.

use serde_json::Value;
use time::PrimitiveDateTime;

use super::fields::Fields;
use super::pickup::EstimatedPickup;
use crate::body::{Object, is_region, is_slug};
use crate::dates;
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
    /// When it is picked up, or how that is to be found.
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

/// One of the two ways to tell when a shipment is picked up.
pub(super) enum Pickup {
    /// `pickup_time`.
    Known(PrimitiveDateTime),
    /// `estimated_pickup`.
    Estimated(EstimatedPickup),
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

/// Exactly one of the two; what both together mean is undocumented.
fn pickup(fields: &Fields<'_>, lenient: bool) -> Result<Pickup, ApiError> {
    let time = |value: &Value| value.as_str().and_then(dates::parse_local);
    let known = fields.read("pickup_time", "must be a time like 2026-11-22 15:00:00", time)?;
    match (known, fields.get("estimated_pickup")) {
        (Some(known), None) => Ok(Pickup::Known(known)),
        (None, Some(value)) => {
            EstimatedPickup::read(fields, "estimated_pickup", value, lenient).map(Pickup::Estimated)
        }
        (None, None) => Err(fields.refused("pickup_time", "or `estimated_pickup` is required")),
        (Some(_), Some(_)) => {
            Err(fields.refused("estimated_pickup", "must not come together with `pickup_time`"))
        }
    }
}
