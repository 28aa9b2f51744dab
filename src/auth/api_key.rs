//! `api-key`: AfterShip's key in a header of every request.
//!
//! AfterShip API 2026-07, "Authentication": header `as-api-key`. Keys of the old header
//! `aftership-api-key` are refused since 2023-10.

use connector_sdk::{
    Scheme, Setter,
    declare::{self, Place, SecretField, SecretUse},
};

/// Name of the secret.
pub(super) const SECRET: &str = "api-key";

/// What a person types in.
pub(super) const FIELD: SecretField = SecretField {
    name: SECRET,
    title: "API key, from Settings > API keys in the AfterShip admin",
    required: true,
    setter: Setter::Customer,
};

/// The key in each request; signed ones carry it too.
pub(super) const KEY: SecretUse = SecretUse {
    name: SECRET,
    secret: SECRET,
    place: Place::Header { name: "as-api-key", prefix: "" },
};

/// The scheme `api-key`.
pub(super) struct ApiKey;

impl Scheme for ApiKey {
    fn description(&self) -> declare::Scheme {
        declare::Scheme { name: "api-key", title: "API key", secrets: &[FIELD], interactive: false }
    }

    fn secret_uses(&self) -> &'static [SecretUse] {
        &[KEY]
    }
}
