//! `GET /courier-connections/{id}`: one connection.
//!
//! Source: AfterShip API 2026-07, GET /courier-connections/{id}.

use super::{named, shown};
use crate::errors::ApiError;
use crate::router::{Call, Reply};

/// Answers the connection.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let data = shown(named(call)?, &call.state.options);
    Ok(Reply { status: 200, data })
}
