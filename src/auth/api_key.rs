//! `api-key`: AfterShip's key in a header of every request.
//!
//! AfterShip API 2026-07, "Authentication": header `as-api-key`. Keys of the old header
//! `aftership-api-key` are refused since 2023-10.

use super::{BeginRequest, Description, Grant, Scheme, Step};
use crate::error::Error;
use crate::host::{Place, SecretPart};
use crate::types::SecretField;

/// Name of the secret.
pub(super) const SECRET: &str = "api-key";

const FIELDS: &[SecretField] = &[SecretField {
    name: SECRET,
    title: "API key, from Settings > API keys in the AfterShip admin",
    required: true,
}];

const PARTS: &[SecretPart] =
    &[SecretPart { secret: SECRET, place: Place::Header { name: "as-api-key", prefix: "" } }];

/// The scheme `api-key`.
pub(super) struct ApiKey;

impl Scheme for ApiKey {
    fn description(&self) -> Description {
        Description { name: "api-key", title: "API key", fields: FIELDS, interactive: false }
    }

    fn secret_parts(&self) -> &'static [SecretPart] {
        PARTS
    }

    /// Sends nothing: which object a key may use differs by scope, and `check` tries that.
    fn begin(&self, _: &BeginRequest) -> Result<Step, Error> {
        Ok(Step::Ready(Grant::default()))
    }
}
