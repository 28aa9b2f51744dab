//! `GET /couriers`: all couriers at once.
//!
//! Source: AfterShip API 2026-07, GET /couriers. What `active=false` means is undocumented; here
//! it is as if it were not there.

use super::{is_active, is_retired, write};
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};

/// The query parameters.
pub(super) const QUERY: &[&str] = &["active", "slug"];

/// Answers the couriers.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let active_only = match call.query.get("active") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(refused("active", "must be true or false")),
    };
    let slugs = call.query.slugs("slug")?;
    let options = &call.state.options;
    let couriers = call.state.couriers.iter().filter(|courier| {
        !is_retired(options, &courier.slug)
            && (!active_only || is_active(options, &courier.slug))
            && (slugs.is_empty() || slugs.iter().any(|slug| **slug == *courier.slug))
    });
    Ok(Reply { status: 200, data: write(&couriers.collect::<Vec<_>>()) })
}
