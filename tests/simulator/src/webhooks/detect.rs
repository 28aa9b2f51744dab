//! What happened between two states of a tracking.

use serde_json::Value;

use super::webhook::WebhookEvent;
use crate::members::Members;
use crate::store::record::Record;

/// The members that hold estimated delivery dates.
const ESTIMATES: [&str; 5] = [
    "courier_estimated_delivery_date",
    "aftership_estimated_delivery_date",
    "custom_estimated_delivery_date",
    "first_estimated_delivery",
    "latest_estimated_delivery",
];

/// The events of a change, each with `is_tracking_first_tag`. What exactly causes
/// `tracking_update` is undocumented: here another tag or subtag, or one more checkpoint.
pub(super) fn events(before: Option<&Record>, after: &Record) -> Vec<(WebhookEvent, bool)> {
    let now = after.members();
    let then = before.map(Record::members).unwrap_or_default();
    let mut events = Vec::new();
    let tag = after.facts.tag.as_deref().unwrap_or_default();
    let status = |members: &Members<'_>| {
        (members.text("tag"), members.text("subtag"), checkpoints(members).len())
    };
    if !tag.is_empty() && tag != "Pending" && status(&now) != status(&then) {
        let of_checkpoint =
            |checkpoint: &Value| checkpoint.get("tag").is_some_and(|one| one == tag);
        let is_known = then.text("tag").is_some_and(|known| known == tag)
            || checkpoints(&then).iter().any(of_checkpoint);
        events.push((WebhookEvent::TrackingUpdate, !is_known));
    }
    let raw = |members: &Members<'_>, name| members.raw(name).unwrap_or("null").to_owned();
    if before.is_some() && ESTIMATES.iter().any(|name| raw(&now, name) != raw(&then, name)) {
        events.push((WebhookEvent::EddRevise, false));
    }
    events
}

fn checkpoints(members: &Members<'_>) -> Vec<Value> {
    let raw = members.raw("checkpoints").unwrap_or("[]");
    serde_json::from_str(raw).unwrap_or_default()
}
