//! A tracking as it is just after its creation, and how a body fills it.

use serde_json::{Map, Value};

use crate::body::Object;
use crate::dates;
use crate::members::Members;

/// What decides which tracking it is.
pub(super) struct Identity<'a> {
    /// `id`: made here or brought by the client.
    pub(super) id: &'a str,
    /// `legacy_id`.
    pub(super) legacy_id: &'a str,
    /// `tracking_number`.
    pub(super) number: &'a str,
    /// `slug`.
    pub(super) slug: &'a str,
}

/// What its courier brings along.
pub(super) struct AtCourier<'a> {
    /// The page that shows a parcel, where the number follows; empty where it is not known.
    pub(super) link: &'a str,
    /// The connection that is used unless the body names one: the earliest of the courier.
    pub(super) connection_id: Option<&'a str>,
}

/// Every member of a tracking in the order of the API's examples, with its value on creation.
/// Texts that depend on the request come later.
///
/// Source: AfterShip API 2026-07, POST /trackings, answer.
pub(super) const TEMPLATE: &[(&str, &str)] = &[
    ("id", "null"),
    ("legacy_id", "null"),
    ("created_at", "null"),
    ("updated_at", "null"),
    ("tracking_number", "null"),
    ("slug", "null"),
    ("active", "true"),
    ("custom_fields", "null"),
    ("transit_time", "null"),
    ("origin_country_region", "null"),
    ("origin_state", "null"),
    ("origin_city", "null"),
    ("origin_postal_code", "null"),
    ("origin_raw_location", "null"),
    ("destination_country_region", "null"),
    ("destination_state", "null"),
    ("destination_city", "null"),
    ("destination_postal_code", "null"),
    ("destination_raw_location", "null"),
    ("courier_destination_country_region", "null"),
    ("courier_estimated_delivery_date", "null"),
    ("note", "null"),
    ("order_id", "null"),
    ("order_id_path", "null"),
    ("order_date", "null"),
    ("shipment_package_count", "null"),
    ("shipment_pickup_date", "null"),
    ("shipment_delivery_date", "null"),
    ("shipment_type", "null"),
    ("shipment_weight", "null"),
    ("signed_by", "null"),
    ("customers", "[]"),
    ("source", "\"api\""),
    ("tag", "\"Pending\""),
    ("subtag", "\"Pending_001\""),
    ("subtag_message", "\"Pending\""),
    ("title", "null"),
    ("tracked_count", "0"),
    ("language", "null"),
    ("checkpoints", "[]"),
    ("subscribed_smses", "[]"),
    ("subscribed_emails", "[]"),
    ("return_to_sender", "false"),
    ("order_promised_delivery_date", "null"),
    ("delivery_type", "null"),
    ("pickup_location", "null"),
    ("pickup_note", "null"),
    ("courier_tracking_link", "null"),
    ("first_attempted_at", "null"),
    ("courier_redirect_link", "null"),
    ("tracking_account_number", "null"),
    ("tracking_key", "null"),
    ("tracking_ship_date", "null"),
    ("on_time_status", "null"),
    ("on_time_difference", "null"),
    ("order_tags", "[]"),
    ("aftership_estimated_delivery_date", "null"),
    ("custom_estimated_delivery_date", "null"),
    ("order_number", "null"),
    ("first_estimated_delivery", "null"),
    ("latest_estimated_delivery", "null"),
    ("shipment_tags", "[]"),
    ("courier_connection_id", "null"),
    ("last_mile", "null"),
    ("first_mile", "null"),
    ("carbon_emissions", "null"),
    ("location_id", "null"),
    ("shipping_method", "null"),
    ("failed_delivery_attempts", "null"),
    ("signature_requirement", "null"),
    ("delivery_location_type", "null"),
    ("aftership_tracking_url", "null"),
    ("aftership_tracking_order_url", "null"),
    ("shipment_dimensions", "null"),
    ("proof_of_delivery", "null"),
    ("multi_piece_info", "null"),
    ("shipment_direction", "null"),
    ("return_shipment", "null"),
    ("forward_shipment", "null"),
];

/// A fresh tracking: Pending, no checkpoints, filled from the body.
pub(super) fn tracking(
    identity: &Identity<'_>,
    courier: &AtCourier<'_>,
    body: &Object,
    now_ms: u64,
) -> Members<'static> {
    let Identity { id, legacy_id, number, slug } = identity;
    let mut members = Members::default();
    for (name, value) in TEMPLATE {
        members.set(name, *value);
    }
    let now = dates::format_utc(now_ms);
    members.set_text("created_at", &now);
    members.set_text("updated_at", &now);
    members.set_text("title", number);
    if !courier.link.is_empty() {
        members.set_text("courier_tracking_link", &format!("{}{number}", courier.link));
    }
    if let Some(id) = courier.connection_id {
        members.set_text("courier_connection_id", id);
    }
    fill(&mut members, body);
    members.set_text("id", id);
    members.set_text("legacy_id", legacy_id);
    members.set_text("tracking_number", number);
    members.set_text("slug", slug);
    members
}

/// Puts the members of a checked body into a tracking. Objects gain the members that the answers
/// show besides those that were given.
pub(super) fn fill(members: &mut Members<'_>, body: &Object) {
    for (name, value) in body {
        let value = match (name.as_str(), value) {
            ("slug_group", _) => continue,
            ("order_promised_delivery_date", value) => with(
                value,
                &[
                    "promised_delivery_date",
                    "promised_delivery_date_max",
                    "promised_delivery_date_min",
                ],
            ),
            ("last_mile", value) => last_mile(value),
            ("customers", Value::Array(customers)) => {
                let names = ["role", "name", "phone_number", "email", "language", "id"];
                customers.iter().map(|customer| with(customer, &names)).collect()
            }
            (_, value) => value.clone(),
        };
        if super::validate::is_member(name) {
            members.set(name, value.to_string());
        }
    }
}

fn last_mile(given: &Value) -> Value {
    let names =
        ["slug", "tracking_number", "source", "courier_tracking_link", "courier_redirect_link"];
    let mut value = with(given, &names);
    if let Some(source) = value.get_mut("source") {
        *source = Value::from("user");
    }
    value
}

/// The named members of an object, null where it has none.
fn with(given: &Value, names: &[&str]) -> Value {
    let member =
        |name: &&str| ((*name).to_owned(), given.get(*name).cloned().unwrap_or(Value::Null));
    Value::Object(names.iter().map(member).collect::<Map<_, _>>())
}
