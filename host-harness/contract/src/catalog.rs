//! What a connector is, what it needs and which objects it offers.

use serde::Serialize;

pub use crate::objects::{Action, Descriptor, ObjectSummary};
use crate::permissions::{Endpoint, KeyUse, Limit, SecretUse};
use crate::setup::{Scheme, Setting};

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Stable machine name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Version of the component (semver).
    pub version: String,
    /// Provider API version it speaks, verbatim.
    pub provider_api_version: String,
    /// Ways to connect, the preferred one first.
    pub schemes: Vec<Scheme>,
    /// Plain values of a connection.
    pub settings: Vec<Setting>,
    /// Everything that may be requested.
    pub endpoints: Vec<Endpoint>,
    /// The provider's limits.
    pub limits: Vec<Limit>,
    /// Places in which secrets may stand.
    pub secret_uses: Vec<SecretUse>,
    /// Names of the secret uses by which a delivery may prove itself.
    pub delivery_secrets: Vec<String>,
    /// Secrets that serve as keys.
    pub key_uses: Vec<KeyUse>,
    /// Objects that every connection has.
    pub objects: Vec<ObjectSummary>,
    /// What later versions add.
    pub more: Vec<(String, String)>,
}
