//! Endpoints of AfterShip's Tracking API 2026-07, and the limits they count against.
//!
//! Each object lists its own. The manifest declares them and every call is made from them, so what
//! is declared and what is sent cannot differ.

use crate::auth::SCHEMES;
use crate::permissions::{self, Limit};

/// Where the API lives: the operator's setting.
const ORIGIN: &str = "{base-url}";
/// Every path of the API stands behind the product and the version, which is a setting.
const PATH_PREFIX: &str = "/tracking/*";

/// Kept on top of AfterShip's limits per endpoint: 600 requests a minute over everything.
pub const OVER_ALL: Limit = Limit { name: "all", requests: 600, window_ms: 60_000 };

/// One operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Requests and its own limit name it.
    pub name: &'static str,
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path after `/tracking/{version}`; `*` stands for one segment.
    pub path: &'static str,
    /// Whether it changes something, whatever its method.
    pub writes: bool,
    /// Its own limit (AfterShip API 2026-07, "Rate limit"), besides [`OVER_ALL`].
    pub per_second: u32,
    /// The scope that it needs, when scopes are granted (AfterShip API 2026-07, "OAuth").
    pub scope: &'static str,
}

impl Endpoint {
    /// Whether its code 404 means the record. Of a tracking AfterShip says 4004, and 404 of an
    /// address that it does not know; of a courier connection it documents no code of its own.
    #[must_use]
    pub fn record_404(&self) -> bool {
        self.path.starts_with("/courier-connections/")
    }

    /// As the manifest has it: a request carries the secrets of the connection's scheme.
    #[must_use]
    pub fn declared(&self) -> permissions::Endpoint {
        let Self { name, method, path, writes, per_second, .. } = *self;
        let path = [PATH_PREFIX, path].concat();
        let limits = vec![OVER_ALL, Limit { name, requests: per_second, window_ms: 1000 }];
        let secret_uses = SCHEMES.iter().flat_map(|scheme| scheme.secret_uses()).copied();
        let secret_uses = crate::catalog::distinct(secret_uses);
        let (origin, captures) = (ORIGIN, &[]);
        permissions::Endpoint { name, method, origin, path, writes, limits, secret_uses, captures }
    }
}
