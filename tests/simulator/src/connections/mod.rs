//! Courier connections: the account's own credentials at its couriers.

mod create;
mod credentials;
mod delete;
mod get;
mod handle;
mod list;
mod record;
mod store;
mod update;

use self::record::Connection;
pub(crate) use self::store::Connections;
use crate::errors::ApiError;
use crate::options::Options;
use crate::router::{Call, Endpoint, endpoint};
use crate::scopes::Scope;
use crate::switches::ConnectionAnswer;

/// The endpoints and their limits.
///
/// Source: AfterShip API 2026-07, Courier connections; rate limit.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint("GET /courier-connections", 5, Scope::CarrierConnectionRead, list::QUERY, list::run),
    endpoint("POST /courier-connections", 5, Scope::CarrierConnectionWrite, &[], create::run),
    endpoint("GET /courier-connections/:id", 5, Scope::CarrierConnectionRead, &[], get::run),
    endpoint("PATCH /courier-connections/:id", 5, Scope::CarrierConnectionWrite, &[], update::run),
    endpoint("DELETE /courier-connections/:id", 5, Scope::CarrierConnectionWrite, &[], delete::run),
];

/// The connection that the path names. An unknown one is 404 with the path, as other resources
/// that do not exist: 4004 is only for trackings.
fn named<'a>(call: &'a Call<'_>) -> Result<&'a Connection, ApiError> {
    call.state.connections.find(call.id).ok_or_else(|| unknown(call))
}

fn unknown(call: &Call<'_>) -> ApiError {
    let (version, id) = (call.version.name(), call.id);
    ApiError::unknown_uri(&format!("/tracking/{version}/courier-connections/{id}"))
}

/// A connection as answers show it.
fn shown(connection: &Connection, options: &Options) -> String {
    let mut members = connection.members();
    match options.connection_answer {
        ConnectionAnswer::Full => {}
        ConnectionAnswer::Masked => {
            let mut credentials = connection.credentials();
            credentials.values_mut().for_each(|value| *value = "********".into());
            members.set("credentials", serde_json::Value::Object(credentials).to_string());
        }
        ConnectionAnswer::WithoutCredentials => members.keep(|name| name != "credentials"),
    }
    members.render()
}
