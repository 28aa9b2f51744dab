//! `POST /trackings/{id}/mark-as-completed`: the user tells how a shipment ended.
//!
//! Source: AfterShip API 2026-07, POST /trackings/{id}/mark-as-completed.

use super::checkpoint::Checkpoint;
use super::{named, store_changed};
use crate::body::{self, Object};
use crate::dates;
use crate::errors::ApiError;
use crate::router::{Call, Reply};

/// Reason, tag, subtag, and the words for the subtag.
const REASONS: &[(&str, &str, &str, &str)] = &[
    ("DELIVERED", "Delivered", "Delivered_001", "Delivered"),
    ("LOST", "Exception", "Exception_013", "Shipment lost"),
    ("RETURNED_TO_SENDER", "Exception", "Exception_011", "Returned to sender"),
];

/// Answers the tracking, inactive now.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (slot, record) = named(call)?;
    let body = body::object(call.body)?;
    body::known_members(&body, &["reason", "event_datetime"], call.state.options.lenient)?;
    let (tag, subtag, subtag_message) = reason(&body)?;
    let now = dates::format_utc(call.now_ms);
    let time = event_time(&body)?.unwrap_or(&now);
    let checkpoint = Checkpoint {
        slug: &record.facts.slug,
        checkpoint_time: time,
        message: subtag_message,
        tag,
        subtag,
        subtag_message,
        source: "user",
    };
    let mut changed = record.clone();
    changed.stage = None;
    let mut members = record.members();
    checkpoint.add_to(&mut members, &now);
    members.set("active", "false");
    changed.text = members.render().into();
    Ok(Reply { status: 200, data: store_changed(call, slot, &changed)? })
}

fn reason(body: &Object) -> Result<(&'static str, &'static str, &'static str), ApiError> {
    let given = body.get("reason").ok_or_else(|| ApiError::value_required("reason"))?;
    let known = REASONS.iter().find(|(reason, ..)| given.as_str() == Some(reason));
    known
        .map(|(_, tag, subtag, message)| (*tag, *subtag, *message))
        .ok_or_else(|| ApiError::value_invalid("reason"))
}

fn event_time(body: &Object) -> Result<Option<&str>, ApiError> {
    let Some(given) = body.get("event_datetime") else { return Ok(None) };
    match given.as_str().filter(|text| dates::is_date_or_time(text)) {
        Some(time) => Ok(Some(time)),
        None => Err(ApiError::value_invalid("event_datetime")),
    }
}
