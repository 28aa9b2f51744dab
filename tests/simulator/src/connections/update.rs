//! `PATCH /courier-connections/{id}`: changes the credentials, and nothing else.
//!
//! Source: AfterShip API 2026-07, PATCH /courier-connections/{id}. Whether credentials that are
//! left out stay is undocumented.

use super::{credentials, named, shown};
use crate::body;
use crate::errors::ApiError;
use crate::router::{Call, Reply};
use crate::switches::CredentialsUpdate;

/// Answers the changed connection.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let connection = named(call)?;
    let options = &call.state.options;
    let body = body::object(call.body)?;
    body::known_members(&body, &["credentials"], options.lenient)?;
    let given = credentials::given(&body)?.clone();
    let given = match options.credentials_update {
        CredentialsUpdate::Replace => given,
        CredentialsUpdate::Merge => connection.credentials().into_iter().chain(given).collect(),
    };
    let courier = call.state.couriers.find(&connection.courier_slug);
    let credentials = match courier.and_then(|courier| courier.credentials.as_ref()) {
        Some(wanted) => credentials::fitting(given, wanted, options.lenient)?,
        // A connection that was put in by hand may be of a courier that is not in the list.
        None => given,
    };
    let changed = connection.with_credentials(&credentials, call.now_ms);
    let data = shown(&changed, options);
    call.state.connections.insert(changed);
    Ok(Reply { status: 200, data })
}
