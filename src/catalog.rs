//! What this connector is, what it needs and which objects it offers.
//!
//! Collected from where each thing lives: endpoints from the objects of
//! [`crate::objects::REGISTRY`] and from [`crate::auth::SCHEMES`], the key of deliveries from
//! [`mod@crate::subscriptions`].

use crate::api::client::{API_VERSION, BASE_URL, DEFAULT_API_VERSION};
use crate::api::endpoints::Endpoint as Operation;
use crate::auth::{Description, SCHEMES};
use crate::error::Error;
use crate::objects::{self, Descriptor, REGISTRY};
use crate::permissions::{Endpoint, KeyUse, Limit, SecretUse};
use crate::schema::UNKNOWN_MEMBERS;
use crate::setup::{Form, Setter, Setting};
use crate::subscriptions;

/// Stable machine name.
pub const NAME: &str = "aftership";
/// What people read.
pub const TITLE: &str = "AfterShip";
/// Version of the component.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first two say where keys go and which contract is spoken, so no customer sets them.
const SETTINGS: [Setting; 3] = [
    Setting {
        name: BASE_URL,
        title: "Origin of AfterShip's API",
        default: Some("https://api.aftership.com"),
        setter: Setter::Operator,
        form: Form::Url,
        required_by: &[],
    },
    Setting {
        name: API_VERSION,
        title: "Version of AfterShip's Tracking API",
        default: Some(DEFAULT_API_VERSION),
        setter: Setter::Operator,
        form: Form::Text,
        required_by: &[],
    },
    Setting {
        name: UNKNOWN_MEMBERS,
        title: "Members of an input that this connector does not know: `refuse` them or let them \
                `pass` to AfterShip",
        default: Some("refuse"),
        setter: Setter::Customer,
        form: Form::Choice(&["refuse", "pass"]),
        required_by: &[],
    },
];

/// The manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Every way to connect.
    pub schemes: Vec<Description>,
    /// Every setting.
    pub settings: Vec<Setting>,
    /// Every request that may be sent.
    pub endpoints: Vec<Endpoint>,
    /// Every limit.
    pub limits: Vec<Limit>,
    /// Every secret that requests carry, and where.
    pub secret_uses: Vec<SecretUse>,
    /// Every secret that serves as key.
    pub key_uses: Vec<KeyUse>,
    /// Every object.
    pub objects: Vec<&'static Descriptor>,
}

/// What this connector is and needs. Pure.
#[must_use]
pub fn manifest() -> Manifest {
    let objects: Vec<_> = REGISTRY.iter().map(|object| object.descriptor()).collect();
    let of_api = objects.iter().flat_map(|object| object.endpoints);
    let of_api = of_api.map(Operation::declared);
    let of_schemes = SCHEMES.iter().flat_map(|scheme| scheme.endpoints());
    let endpoints: Vec<_> = of_api.chain(of_schemes).collect();
    let key_uses = SCHEMES.iter().flat_map(|scheme| scheme.key_uses());
    let settings = SCHEMES.iter().flat_map(|scheme| scheme.settings());
    Manifest {
        schemes: SCHEMES.iter().map(|scheme| scheme.description()).collect(),
        settings: SETTINGS.into_iter().chain(settings.copied()).collect(),
        limits: distinct(endpoints.iter().flat_map(|endpoint| &endpoint.limits).copied()),
        secret_uses: distinct(endpoints.iter().flat_map(|it| &it.secret_uses).copied()),
        endpoints,
        key_uses: distinct(key_uses.chain(subscriptions::KEY_USES).copied()),
        objects,
    }
}

/// What several share is declared once.
pub(crate) fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
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
