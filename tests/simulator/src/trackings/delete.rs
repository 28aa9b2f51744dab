//! `DELETE /trackings/{id}`: drops a tracking and answers what it was.
//!
//! Source: AfterShip API 2026-07, DELETE /trackings/{id}.

use super::named;
use crate::errors::ApiError;
use crate::router::{Call, Reply};

/// Answers the tracking that is no more.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (slot, _) = named(call)?;
    let record = call.state.remove(slot, call.now_ms).ok_or_else(ApiError::no_tracking)?;
    Ok(Reply { status: 200, data: record.text.into() })
}
