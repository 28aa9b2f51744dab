//! The body of a delivery.

use super::shape;
use super::version::WebhookVersion;
use super::webhook::WebhookEvent;
use crate::members::{Members, quote};
use crate::store::record::Record;
use crate::text;

/// What a delivery tells.
pub(super) struct Payload<'a> {
    /// `event`.
    pub(super) event: &'a str,
    /// `event_id`.
    pub(super) event_id: &'a str,
    /// `is_tracking_first_tag`.
    pub(super) is_first_tag: bool,
    /// `msg`.
    pub(super) msg: &'a str,
    /// `ts` in seconds.
    pub(super) ts: u64,
}

impl Payload<'_> {
    /// The body. The order of its members varies, as AfterShip's does.
    pub(super) fn write(&self, turned: bool) -> String {
        let Self { event, event_id, is_first_tag, msg, ts } = self;
        let (event, event_id) = (quote(event), quote(event_id));
        if turned {
            return format!(
                "{{\"ts\":{ts},\"event\":{event},\"msg\":{msg},\"event_id\":{event_id},\
                 \"is_tracking_first_tag\":{is_first_tag}}}"
            );
        }
        format!(
            "{{\"event\":{event},\"event_id\":{event_id},\"is_tracking_first_tag\":{is_first_tag},\
             \"msg\":{msg},\"ts\":{ts}}}"
        )
    }
}

/// The tracking of an event.
pub(super) fn msg(
    record: &Record,
    event: WebhookEvent,
    version: WebhookVersion,
    partial: bool,
) -> String {
    let whole = shape::of(&record.text, version);
    if !partial || event == WebhookEvent::TrackingUpdate {
        return whole;
    }
    let mut members = Members::parse(&whole).unwrap_or_default();
    members.keep(|name| {
        matches!(name, "tracking_number" | "slug" | "tag")
            || event == WebhookEvent::EddRevise && name == "aftership_estimated_delivery_date"
    });
    members.render()
}

/// A UUID of version 4 (RFC 9562), the same for the same seed.
pub(super) fn event_id(seed: u64) -> String {
    let mut digits = text::hex(32, seed);
    digits.replace_range(12..13, "4");
    let variant = digits.get(16..17).and_then(|digit| u8::from_str_radix(digit, 16).ok());
    digits.replace_range(16..17, &format!("{:x}", variant.unwrap_or(0) & 3 | 8));
    for place in [8, 13, 18, 23] {
        digits.insert(place, '-');
    }
    digits
}
