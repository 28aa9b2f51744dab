//! What this connector is, what it needs and which objects it offers.
//!
//! Collected from where each thing lives: the API's endpoints and limits from
//! [`crate::api::endpoints`], what it takes to authenticate from [`crate::auth::SCHEMES`], the key
//! of deliveries from [`mod@crate::subscriptions`], objects from [`crate::objects::REGISTRY`].

use crate::api::client::{API_VERSION, BASE_URL, DEFAULT_API_VERSION, DEFAULT_BASE_URL};
use crate::api::endpoints::{ALL, Endpoint, Limit, OVER_ALL};
use crate::auth::SCHEMES;
use crate::error::{Effect, Error};
use crate::host::SecretPart;
use crate::objects::{self, Descriptor, REGISTRY};
use crate::schema::{DEFAULT_UNKNOWN_MEMBERS, UNKNOWN_MEMBERS};
use crate::subscriptions;

/// Stable machine name.
pub const NAME: &str = "aftership";
/// What people read.
pub const TITLE: &str = "AfterShip";
/// Version of the component.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the API lives: the operator's setting.
const ORIGIN: &str = "{base-url}";
/// Every path of the API stands behind the product and the version, which is a setting.
const PATH_PREFIX: &str = "/tracking/*";
/// Where requests carry the connection's secrets: all of the API.
const API: Target = Target { origin: ORIGIN, path: "/**" };

/// Where a rule of the manifest holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// An origin, or `{name}` of the operator's setting that holds it.
    pub origin: &'static str,
    /// `*` stands for one segment, `**` for any rest. Empty: the path of the URL in the setting.
    pub path: &'static str,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// HTTP method.
    pub method: &'static str,
    /// As in [`Target`].
    pub origin: &'static str,
    /// As in [`Target`].
    pub path: String,
    /// What a request does.
    pub effect: Effect,
    /// Names of the limits it counts against.
    pub limits: Vec<&'static str>,
}

/// An endpoint that a scheme needs besides the API's, for example for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnEndpoint {
    /// As in [`Target`].
    pub origin: &'static str,
    /// Its path is as in [`Target`], and it counts against its own limit only.
    pub endpoint: Endpoint,
}

impl OwnEndpoint {
    /// Where it is.
    #[must_use]
    pub const fn target(&self) -> Target {
        Target { origin: self.origin, path: self.endpoint.path }
    }
}

/// A secret that requests carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Which requests.
    pub target: Target,
    /// Which secret, and where it stands.
    pub part: SecretPart,
}

/// A secret that serves as key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Name of the secret.
    pub secret: &'static str,
    /// Name of the algorithm, as in `connector:host/secrets`.
    pub algorithm: &'static str,
    /// What for.
    pub role: KeyRole,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// Makes signatures.
    Sign,
    /// Judges signatures.
    Verify,
}

/// A secret that the host takes out of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Which answers.
    pub target: Target,
    /// JSON Pointer (RFC 6901).
    pub pointer: &'static str,
    /// Under which name it is kept.
    pub secret: &'static str,
}

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

/// The first two say where keys go and which contract is spoken, so no customer sets them.
const SETTINGS: [Setting; 3] = [
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
    Setting {
        name: UNKNOWN_MEMBERS,
        title: "Members of an input that this connector does not know: `refuse` them or let them \
                `pass` to AfterShip",
        default: Some(DEFAULT_UNKNOWN_MEMBERS),
        required: false,
        operator_only: false,
    },
];

/// The manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Every request that may be sent.
    pub endpoints: Vec<Declared>,
    /// Every limit, [`OVER_ALL`] last.
    pub limits: Vec<Limit>,
    /// Every secret that requests carry, and where.
    pub secret_uses: Vec<SecretUse>,
    /// Every secret that serves as key.
    pub key_uses: Vec<KeyUse>,
    /// Every secret in an answer.
    pub captures: Vec<Capture>,
    /// Every setting.
    pub settings: Vec<Setting>,
    /// Every object.
    pub objects: Vec<&'static Descriptor>,
}

/// What this connector is and needs. Pure.
#[must_use]
pub fn manifest() -> Manifest {
    let own = || SCHEMES.iter().flat_map(|scheme| scheme.endpoints()).copied();
    let limits = ALL.iter().copied().chain(own().map(|own| own.endpoint));
    let mut limits = distinct(limits.map(|endpoint| endpoint.limit));
    limits.push(OVER_ALL);
    Manifest {
        endpoints: distinct(ALL.iter().map(of_api).chain(own().map(of_scheme))),
        limits,
        secret_uses: distinct(SCHEMES.iter().flat_map(|scheme| {
            let of_api = scheme.secret_parts().iter().cloned();
            let of_api = of_api.map(|part| SecretUse { target: API, part });
            of_api.chain(scheme.secret_uses().iter().cloned())
        })),
        key_uses: distinct(
            SCHEMES
                .iter()
                .flat_map(|scheme| scheme.key_uses())
                .chain(subscriptions::KEY_USES)
                .copied(),
        ),
        captures: distinct(SCHEMES.iter().flat_map(|scheme| scheme.captures()).copied()),
        settings: distinct(
            SETTINGS.into_iter().chain(SCHEMES.iter().flat_map(|it| it.settings()).copied()),
        ),
        objects: REGISTRY.iter().map(|object| object.descriptor()).collect(),
    }
}

fn of_api(endpoint: &Endpoint) -> Declared {
    Declared {
        method: endpoint.method,
        origin: ORIGIN,
        path: [PATH_PREFIX, endpoint.path].concat(),
        effect: endpoint.effect,
        limits: vec![endpoint.limit.name, OVER_ALL.name],
    }
}

fn of_scheme(OwnEndpoint { origin, endpoint }: OwnEndpoint) -> Declared {
    let Endpoint { method, path, effect, limit } = endpoint;
    Declared { method, origin, path: path.to_owned(), effect, limits: vec![limit.name] }
}

/// Schemes share secrets and settings; each is declared once.
fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
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
