//! What this connector is, what it needs and which objects it offers.
//!
//! Collected from where each thing lives: endpoints and limits from [`crate::api::endpoints`],
//! secrets from [`crate::auth::SCHEMES`], keys from [`mod@crate::subscriptions`], objects from [`crate::objects::REGISTRY`].

use crate::api::client::{API_VERSION, BASE_URL, DEFAULT_API_VERSION, DEFAULT_BASE_URL};
use crate::api::endpoints::{ALL, Endpoint, Limit, OVER_ALL};
use crate::auth::SCHEMES;
use crate::error::Error;
use crate::host::{KeyUse, SecretPart};
use crate::objects::{self, Descriptor, REGISTRY};
use crate::subscriptions;

/// Stable machine name.
pub const NAME: &str = "aftership";
/// What people read.
pub const TITLE: &str = "AfterShip";
/// Version of the component.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where every endpoint lives: the operator's setting.
pub const ORIGIN: &str = "{base-url}";
/// Every path of the API stands behind the product and the version, which is a setting.
pub const PATH_PREFIX: &str = "/tracking/*";
/// The paths at which requests carry the connection's secrets: all of the API.
pub const SECRET_PATH: &str = "/**";

/// A value that the host may set for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Without it set.
    pub default: Option<&'static str>,
    /// Whether the connector works without it.
    pub required: bool,
    /// Whether only the operator of the host sets it.
    pub operator_only: bool,
}

/// Both say where keys go and which contract is spoken, so no customer sets them.
const SETTINGS: [Setting; 2] = [
    Setting {
        name: BASE_URL,
        title: "Origin of AfterShip's API",
        default: Some(DEFAULT_BASE_URL),
        required: false,
        operator_only: true,
    },
    Setting {
        name: API_VERSION,
        title: "Version of AfterShip's Tracking API",
        default: Some(DEFAULT_API_VERSION),
        required: false,
        operator_only: true,
    },
];

/// The manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Every request that may be sent.
    pub endpoints: &'static [Endpoint],
    /// Every limit, [`OVER_ALL`] last.
    pub limits: Vec<Limit>,
    /// Every secret that requests carry, and where.
    pub secret_uses: Vec<SecretPart>,
    /// Every secret that is a key, and what for.
    pub key_uses: Vec<KeyUse>,
    /// Every setting.
    pub settings: &'static [Setting],
    /// Every object.
    pub objects: Vec<&'static Descriptor>,
}

/// What this connector is and needs. Pure.
#[must_use]
pub fn manifest() -> Manifest {
    let mut limits: Vec<_> = ALL.iter().map(|endpoint| endpoint.limit).collect();
    limits.push(OVER_ALL);
    Manifest {
        endpoints: &ALL,
        limits,
        secret_uses: SCHEMES.iter().flat_map(|scheme| scheme.secret_parts()).copied().collect(),
        key_uses: subscriptions::KEY_USES.to_vec(),
        settings: &SETTINGS,
        objects: REGISTRY.iter().map(|object| object.descriptor()).collect(),
    }
}

/// What an object is and offers.
///
/// # Errors
/// [`Error::NotFound`] for an unknown name.
pub fn describe(object: &str) -> Result<&'static Descriptor, Error> {
    Ok(objects::named(object)?.descriptor())
}

#[cfg(test)]
mod tests;
