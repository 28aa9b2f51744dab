//! Endpoints of AfterShip's Tracking API 2026-07, and the limits they count against.
//!
//! Each object lists its own, built on [`READ`] or [`WRITE`]. The manifest declares them and every
//! call is made from them, so what is declared and what is sent cannot differ.

use connector_sdk::declare::{self, Endpoint, Limit};

use crate::auth;

/// Kept on top of AfterShip's limits per endpoint: 600 requests a minute over everything.
pub const OVER_ALL: Limit = Limit::requests("all", 600, 60_000);

/// A `GET` of the API. Its path begins with `/tracking/*`: product and version.
pub const READ: Endpoint =
    Endpoint { origin: "{base-url}", secret_uses: auth::SECRET_USES, ..declare::READ };

/// A `POST` of the API that changes something.
pub const WRITE: Endpoint = Endpoint { method: "POST", writes: true, ..READ };

/// An endpoint's own limit (AfterShip API 2026-07, "Rate limit"), besides [`OVER_ALL`].
pub const fn per_second(endpoint: &'static str, requests: u32) -> Limit {
    Limit::requests(endpoint, requests, 1000)
}

/// Whether code 404 of this endpoint means the record. Of a tracking AfterShip says 4004, and 404
/// of an address that it does not know; of a courier connection it documents no code of its own.
#[must_use]
pub fn record_404(endpoint: &Endpoint) -> bool {
    endpoint.path.starts_with("/tracking/*/courier-connections/")
}
