//! A tracking in the shape of an older version, as far as the changelog tells.
//!
//! Source: AfterShip API, changelogs 2025-04 to 2026-07.

use super::version::WebhookVersion;
use crate::members::{Members, elements};

/// What came with 2026-07.
const NEWEST: [&str; 6] = [
    "shipment_dimensions",
    "proof_of_delivery",
    "multi_piece_info",
    "shipment_direction",
    "return_shipment",
    "forward_shipment",
];

/// The tracking as JSON text: untouched in the newest version.
pub(crate) fn of(text: &str, version: WebhookVersion) -> String {
    let mut shape = Members::parse(text).unwrap_or_default();
    if version >= WebhookVersion::V2026_07 {
        return text.to_owned();
    }
    shape.keep(|name| !NEWEST.contains(&name));
    change_each(&mut shape, "customers", |customer| customer.keep(|name| name != "id"));
    change_each(&mut shape, "checkpoints", |checkpoint| checkpoint.keep(|name| name != "hash"));
    if version < WebhookVersion::V2026_01 {
        let promised = "order_promised_delivery_date";
        if let Some(dates) = shape.raw(promised).map(str::to_owned) {
            let dates = Members::parse(&dates).unwrap_or_default();
            let date = dates.raw("promised_delivery_date").unwrap_or("null");
            shape.set(promised, date.to_owned());
        }
        change_each(&mut shape, "checkpoints", |checkpoint| {
            checkpoint.rename("postal_code", "zip");
        });
    }
    if version < WebhookVersion::V2025_07 && shape.raw("custom_fields") == Some("null") {
        shape.set("custom_fields", "{}");
    }
    let latest = "latest_estimated_delivery";
    if version < WebhookVersion::V2025_04
        && let Some(text) = shape.raw(latest).filter(|raw| *raw != "null").map(str::to_owned)
    {
        let mut estimate = Members::parse(&text).unwrap_or_default();
        estimate.keep(|name| name != "revise_reason");
        shape.set(latest, estimate.render());
    }
    shape.render()
}

/// Changes each element of a member that is an array of objects.
fn change_each(shape: &mut Members<'_>, name: &str, how: impl Fn(&mut Members<'_>)) {
    let Some(list) = shape.raw(name).filter(|raw| raw.starts_with('[')) else { return };
    let changed: Vec<_> = elements(list)
        .iter()
        .map(|text| {
            let mut element = Members::parse(text).unwrap_or_default();
            how(&mut element);
            element.render()
        })
        .collect();
    shape.set(name, format!("[{}]", changed.join(",")));
}
