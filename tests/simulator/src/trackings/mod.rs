//! The endpoints of trackings, one file each, and what they share.

mod checkpoint;
mod complete;
mod courier;
mod create;
mod delete;
mod fields;
mod filters;
mod fresh;
mod get;
mod list;
mod retrack;
pub(crate) mod scan;
mod shuffled;
pub(crate) mod test_courier;
pub(crate) mod totals;
mod update;
mod validate;

use crate::body;
use crate::dates;
use crate::errors::ApiError;
use crate::router::{Call, Endpoint, endpoint};
use crate::scopes::Scope;
use crate::store::Slot;
use crate::store::record::Record;

/// The name of the endpoint of a single tracking.
pub(crate) const GET_ONE: &str = "GET /trackings/:id";

/// The endpoints and their limits.
///
/// Source: AfterShip API 2026-07, Trackings; rate limit.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint("GET /trackings", 6, Scope::TrackingRead, list::QUERY, list::run),
    endpoint("POST /trackings", 20, Scope::TrackingWrite, &[], create::run),
    endpoint(GET_ONE, 5, Scope::TrackingRead, get::QUERY, get::run),
    endpoint("PUT /trackings/:id", 5, Scope::TrackingWrite, &[], update::run),
    endpoint("DELETE /trackings/:id", 5, Scope::TrackingWrite, &[], delete::run),
    endpoint("POST /trackings/:id/retrack", 5, Scope::TrackingWrite, &[], retrack::run),
    endpoint("POST /trackings/:id/mark-as-completed", 5, Scope::TrackingWrite, &[], complete::run),
];

/// The names of all members of a tracking.
#[cfg(test)]
pub(crate) fn member_names() -> impl Iterator<Item = &'static str> {
    fresh::MEMBERS.split(' ')
}

/// The tracking that the path names: by id, custom id or legacy id.
fn named<'a>(call: &'a Call<'_>) -> Result<(Slot, &'a Record), ApiError> {
    if !body::is_id(call.id) {
        return Err(ApiError::id_invalid());
    }
    call.state.store.find_by_any_id(call.id).ok_or_else(ApiError::no_tracking)
}

/// Puts a changed tracking, its `updated_at` moved to now, into its slot and answers its text.
fn store_changed(call: &mut Call<'_>, slot: Slot, changed: &Record) -> Result<String, ApiError> {
    let mut members = changed.members();
    members.set_text("updated_at", &dates::format_utc(call.now_ms));
    let words = &mut call.state.store.words;
    let mut record =
        changed.with_members(&members, words).map_err(|problem| ApiError::internal(&problem))?;
    record.facts.updated_ms = call.now_ms;
    let text = record.text.to_string();
    call.state.replace(slot, record, call.now_ms);
    Ok(text)
}
