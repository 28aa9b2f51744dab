//! The rules for bodies: which members there are, and what each may hold.
//!
//! Source: AfterShip API 2026-07, POST and PUT /trackings.

use serde_json::Value;

use crate::body::{Object, is_id, is_slug};
use crate::dates;
use crate::errors::ApiError;

/// What a member may hold.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// A text.
    Text,
    /// A text, which a create must not leave empty. An update may: so it is cleared.
    Filled,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// `[0-9a-zA-Z-_]{1,128}`.
    Id,
    /// `[a-z0-9-]+`.
    Slug,
    /// A date, also as `20220101`, or a time with or without a zone.
    ShipDate,
    /// A time with a zone.
    Zoned,
    /// Texts by name: at most 25, names up to 30 characters, values up to 512.
    CustomFields,
    /// Three dates or nulls.
    PromisedDate,
    /// Slug and number, both required.
    LastMile,
    /// At most 3 customers.
    Customers,
    /// At most 50 texts of up to 32 characters.
    ShipmentTags,
    /// A text that has rules of its own elsewhere.
    Anything,
}

/// Which body is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// Of `POST /trackings`.
    Create,
    /// Of `PUT /trackings/{id}`.
    Update,
}

/// Every member of a create body. Regions, languages and groups are described as codes, yet
/// documented as any text: what the service makes of others is not for the simulator to refuse.
const RULES: &[(&str, Rule)] = &[
    ("tracking_number", Rule::Anything),
    ("id", Rule::Id),
    ("slug", Rule::Slug),
    ("slug_group", Rule::Text),
    ("title", Rule::Filled),
    ("order_id", Rule::Filled),
    ("order_number", Rule::Text),
    ("order_id_path", Rule::Filled),
    ("order_date", Rule::Zoned),
    ("custom_fields", Rule::CustomFields),
    ("language", Rule::Filled),
    ("order_promised_delivery_date", Rule::PromisedDate),
    ("delivery_type", Rule::Choice(&["pickup_at_store", "pickup_at_courier", "door_to_door"])),
    ("pickup_location", Rule::Filled),
    ("pickup_note", Rule::Filled),
    ("tracking_account_number", Rule::Text),
    ("tracking_key", Rule::Text),
    ("tracking_ship_date", Rule::ShipDate),
    ("origin_country_region", Rule::Text),
    ("origin_state", Rule::Text),
    ("origin_city", Rule::Text),
    ("origin_postal_code", Rule::Text),
    ("origin_raw_location", Rule::Text),
    ("destination_country_region", Rule::Text),
    ("destination_state", Rule::Text),
    ("destination_city", Rule::Text),
    ("destination_postal_code", Rule::Text),
    ("destination_raw_location", Rule::Text),
    ("note", Rule::Text),
    ("shipment_type", Rule::Text),
    ("shipment_tags", Rule::ShipmentTags),
    ("courier_connection_id", Rule::Text),
    ("location_id", Rule::Text),
    ("shipping_method", Rule::Text),
    ("last_mile", Rule::LastMile),
    ("customers", Rule::Customers),
    ("shipment_direction", Rule::Choice(&["forward", "return"])),
];

/// Members that only a create takes.
pub(super) const CREATE_ONLY: &[&str] =
    &["id", "tracking_number", "slug_group", "shipment_tags", "courier_connection_id"];

/// Texts that an update clears by an empty one.
pub(super) const CLEARED: &[&str] =
    &["title", "order_id", "order_id_path", "language", "pickup_location", "pickup_note", "note"];

/// The names of all members that a create takes.
pub(super) fn all() -> Vec<&'static str> {
    RULES.iter().map(|(name, _)| *name).collect()
}

/// The names of the members that create and update take.
pub(super) fn both() -> impl Iterator<Item = &'static str> {
    all().into_iter().filter(|name| !CREATE_ONLY.contains(name))
}

/// Whether a name is a member of bodies.
pub(super) fn is_member(name: &str) -> bool {
    RULES.iter().any(|(known, _)| *known == name)
}

/// Checks each member that is there by its rule.
pub(super) fn check(body: &Object, write: Write) -> Result<(), ApiError> {
    for (name, rule) in RULES {
        if let Some(value) = body.get(*name) {
            rule.check(name, value, write)?;
        }
    }
    Ok(())
}

/// Refuses a location together with an origin, which the location stands for.
pub(super) fn check_location(body: &Object) -> Result<(), ApiError> {
    let origin = body.keys().any(|name| name.starts_with("origin_"));
    match origin && body.contains_key("location_id") {
        true => Err(ApiError::value_invalid("location_id")),
        false => Ok(()),
    }
}

impl Rule {
    fn check(self, name: &str, value: &Value, write: Write) -> Result<(), ApiError> {
        let text = value.as_str();
        let passes = match self {
            Self::Anything => true,
            Self::Text => text.is_some(),
            Self::Filled => text.is_some_and(|text| is_filled(text, write)),
            Self::Choice(choices) => text.is_some_and(|text| choices.contains(&text)),
            Self::Id if !text.is_some_and(is_id) => return Err(ApiError::id_invalid()),
            Self::Slug if !text.is_some_and(is_slug) => return Err(ApiError::slug_invalid()),
            Self::Id | Self::Slug => true,
            Self::ShipDate => {
                text.is_some_and(|text| dates::is_date_or_time(text) || dates::is_compact_day(text))
            }
            Self::Zoned => text.is_some_and(dates::is_zoned),
            Self::CustomFields => value.as_object().is_some_and(are_custom_fields),
            Self::PromisedDate => value.as_object().is_some_and(is_promised_date),
            Self::ShipmentTags => value.as_array().is_some_and(|tags| are_tags(tags)),
            Self::LastMile => return check_last_mile(value),
            Self::Customers => return check_customers(value, write),
        };
        if passes { Ok(()) } else { Err(ApiError::value_invalid(name)) }
    }
}

fn is_filled(text: &str, write: Write) -> bool {
    !text.is_empty() || write == Write::Update
}

fn are_custom_fields(fields: &Object) -> bool {
    let short = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 512);
    fields.len() <= 25
        && fields.iter().all(|(name, value)| name.chars().count() <= 30 && short(value))
}

fn is_promised_date(dates: &Object) -> bool {
    let names =
        ["promised_delivery_date", "promised_delivery_date_min", "promised_delivery_date_max"];
    dates.iter().all(|(name, value)| {
        let date = value.as_str().is_some_and(dates::is_date_or_time);
        names.contains(&name.as_str()) && (value.is_null() || date)
    })
}

fn are_tags(tags: &[Value]) -> bool {
    let short = |tag: &Value| tag.as_str().is_some_and(|text| text.chars().count() <= 32);
    tags.len() <= 50 && tags.iter().all(short)
}

/// 4009 for a missing member, 4008 for anything else.
fn check_last_mile(value: &Value) -> Result<(), ApiError> {
    let refuse = || ApiError::value_invalid("last_mile");
    let members = value.as_object().ok_or_else(refuse)?;
    for name in ["tracking_number", "slug"] {
        let path = format!("last_mile.{name}");
        let member = members.get(name).ok_or_else(|| ApiError::value_required(&path))?;
        let text = member.as_str().filter(|text| !text.is_empty());
        let good = text.is_some_and(|text| name != "slug" || is_slug(text));
        if !good {
            return Err(ApiError::value_invalid(&path));
        }
    }
    match members.len() {
        2 => Ok(()),
        _ => Err(refuse()),
    }
}

/// 4008 with the member's path, as `customers[0].email`.
fn check_customers(value: &Value, write: Write) -> Result<(), ApiError> {
    let refuse = || ApiError::value_invalid("customers");
    let customers = value.as_array().filter(|list| list.len() <= 3).ok_or_else(refuse)?;
    for (place, customer) in customers.iter().enumerate() {
        let members = customer.as_object().ok_or_else(refuse)?;
        for (name, value) in members {
            let good = value.as_str().is_some_and(|text| match name.as_str() {
                "role" | "name" => is_filled(text, write),
                "phone_number" => is_phone_number(text),
                "email" => is_email(text),
                "language" | "id" => true,
                _ => false,
            });
            if !good {
                return Err(ApiError::value_invalid(&format!("customers[{place}].{name}")));
            }
        }
    }
    Ok(())
}

fn is_phone_number(text: &str) -> bool {
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('+').is_some_and(digits)
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}
