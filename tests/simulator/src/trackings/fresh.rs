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

/// Every member of a tracking in the order of the API's examples.
///
/// Source: AfterShip API 2026-07, POST /trackings, answer.
pub(super) const MEMBERS: &str = "id legacy_id created_at updated_at tracking_number slug active custom_fields transit_time \
    origin_country_region origin_state origin_city origin_postal_code origin_raw_location \
    destination_country_region destination_state destination_city destination_postal_code \
    destination_raw_location courier_destination_country_region courier_estimated_delivery_date \
    note order_id order_id_path order_date shipment_package_count shipment_pickup_date \
    shipment_delivery_date shipment_type shipment_weight signed_by customers source tag subtag \
    subtag_message title tracked_count language checkpoints subscribed_smses subscribed_emails \
    return_to_sender order_promised_delivery_date delivery_type pickup_location pickup_note \
    courier_tracking_link first_attempted_at courier_redirect_link tracking_account_number \
    tracking_key tracking_ship_date on_time_status on_time_difference order_tags \
    aftership_estimated_delivery_date custom_estimated_delivery_date order_number \
    first_estimated_delivery latest_estimated_delivery shipment_tags courier_connection_id \
    last_mile first_mile carbon_emissions location_id shipping_method failed_delivery_attempts \
    signature_requirement delivery_location_type aftership_tracking_url \
    aftership_tracking_order_url shipment_dimensions proof_of_delivery multi_piece_info \
    shipment_direction return_shipment forward_shipment";

/// Its members on creation; all others are null, or depend on the request.
const FRESH: &[(&str, &str)] = &[
    ("active", "true"),
    ("customers", "[]"),
    ("source", "\"api\""),
    ("tag", "\"Pending\""),
    ("subtag", "\"Pending_001\""),
    ("subtag_message", "\"Pending\""),
    ("tracked_count", "0"),
    ("checkpoints", "[]"),
    ("subscribed_smses", "[]"),
    ("subscribed_emails", "[]"),
    ("return_to_sender", "false"),
    ("order_tags", "[]"),
    ("shipment_tags", "[]"),
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
    for name in MEMBERS.split(' ') {
        members.set(name, "null");
    }
    for (name, value) in FRESH {
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
