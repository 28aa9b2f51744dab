//! `DELETE /courier-connections/{id}`: drops a connection and answers what it was.
//!
//! Source: AfterShip API 2026-07, DELETE /courier-connections/{id}.

use super::{shown, unknown};
use crate::errors::ApiError;
use crate::router::{Call, Reply};

/// Answers the connection that is no more.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let connection = call.state.connections.remove(call.id);
    let connection = connection.ok_or_else(|| unknown(call))?;
    Ok(Reply { status: 200, data: shown(&connection, &call.state.options) })
}
