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
use crate::router::{Call, Endpoint};
use crate::scopes::Scope;
use crate::store::Slot;
use crate::store::record::Record;

/// The name of the endpoint of a single tracking.
pub(crate) const GET_ONE: &str = "GET /trackings/:id";

/// The endpoints and their limits.
///
/// Source: AfterShip API 2026-07, Trackings; rate limit.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "GET /trackings",
        method: "GET",
        path: "/trackings",
        limit: 6,
        scope: Scope::TrackingRead,
        query: list::QUERY,
        run: list::run,
    },
    Endpoint {
        name: "POST /trackings",
        method: "POST",
        path: "/trackings",
        limit: 20,
        scope: Scope::TrackingWrite,
        query: &[],
        run: create::run,
    },
    Endpoint {
        name: GET_ONE,
        method: "GET",
        path: "/trackings/{id}",
        limit: 5,
        scope: Scope::TrackingRead,
        query: get::QUERY,
        run: get::run,
    },
    Endpoint {
        name: "PUT /trackings/:id",
        method: "PUT",
        path: "/trackings/{id}",
        limit: 5,
        scope: Scope::TrackingWrite,
        query: &[],
        run: update::run,
    },
    Endpoint {
        name: "DELETE /trackings/:id",
        method: "DELETE",
        path: "/trackings/{id}",
        limit: 5,
        scope: Scope::TrackingWrite,
        query: &[],
        run: delete::run,
    },
    Endpoint {
        name: "POST /trackings/:id/retrack",
        method: "POST",
        path: "/trackings/{id}/retrack",
        limit: 5,
        scope: Scope::TrackingWrite,
        query: &[],
        run: retrack::run,
    },
    Endpoint {
        name: "POST /trackings/:id/mark-as-completed",
        method: "POST",
        path: "/trackings/{id}/mark-as-completed",
        limit: 5,
        scope: Scope::TrackingWrite,
        query: &[],
        run: complete::run,
    },
];

/// The names of all members of a tracking.
#[cfg(test)]
pub(crate) fn member_names() -> impl Iterator<Item = &'static str> {
    fresh::TEMPLATE.iter().map(|(name, _)| *name)
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
