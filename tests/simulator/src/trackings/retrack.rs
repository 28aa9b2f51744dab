//! `POST /trackings/{id}/retrack`: makes an inactive tracking active again.
//!
//! Source: AfterShip API 2026-07, POST /trackings/{id}/retrack. Needs no body; one is ignored.

use super::{named, store_changed};
use crate::errors::ApiError;
use crate::members::Members;
use crate::router::{Call, Reply};
use crate::switches::RetrackAnswer;

/// What a partial answer holds, as far as the tracking has it.
const PARTIAL: &[&str] = &[
    "id",
    "tracking_number",
    "slug",
    "active",
    "tracking_account_number",
    "tracking_key",
    "tracking_ship_date",
    "origin_country_region",
    "destination_country_region",
    "destination_state",
    "destination_postal_code",
];

/// Answers the tracking, active now.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (slot, record) = named(call)?;
    if record.facts.active {
        return Err(ApiError::retrack_active());
    }
    if record.retracks >= call.state.options.max_retracks {
        return Err(ApiError::retrack_spent());
    }
    let mut changed = record.clone();
    changed.retracks += 1;
    let mut members = record.members();
    members.set("active", "true");
    changed.text = members.render().into();
    let mut data = store_changed(call, slot, &changed)?;
    if call.state.options.retrack_answer == RetrackAnswer::Partial {
        let mut members = Members::parse(&data).unwrap_or_default();
        members.keep(|name| PARTIAL.contains(&name));
        data = members.render();
    }
    Ok(Reply { status: 200, data })
}
