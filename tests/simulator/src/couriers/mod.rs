//! Couriers: the list, detection by a number, and what they ask of trackings and connections.

pub(crate) mod catalogue;
mod courier;
mod detect;
mod handle;
mod known;
mod list;
mod made_up;
mod numbers;

pub(crate) use self::courier::{Courier, Credential};
pub(crate) use self::known::ACTIVATED;
use crate::options::Options;
use crate::router::{Endpoint, endpoint};
use crate::scopes::Scope;

/// The test courier: moves a tracking to Delivered within seconds.
pub(crate) const TEST_COURIER: &str = "testing-courier";

/// The slug of a tracking whose courier is unknown.
pub(crate) const UNRECOGNIZED: &str = "unrecognized";

/// The endpoints and their limits.
///
/// Source: AfterShip API 2026-07, Couriers; rate limit.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint("GET /couriers", 5, Scope::CourierRead, list::QUERY, list::run),
    endpoint("POST /couriers/detect", 3, Scope::CourierWrite, &[], detect::run),
];

/// Whether a slug is of a group: `dhl-group` holds `dhl` and `dhl-...`.
pub(crate) fn is_of_group(slug: &str, group: &str) -> bool {
    let family = group.strip_suffix("-group").unwrap_or(group);
    slug.split('-').next() == Some(family)
}

/// Whether the account has activated a courier.
pub(crate) fn is_active(options: &Options, slug: &str) -> bool {
    options.active_couriers.iter().any(|active| active == slug)
}

/// Whether a courier is no longer supported.
pub(crate) fn is_retired(options: &Options, slug: &str) -> bool {
    options.retired_couriers.iter().any(|retired| retired == slug)
}

/// The `data` of an answer with couriers: all of them at once, for there is no paging.
fn write(couriers: &[&Courier]) -> String {
    let texts: Vec<&str> = couriers.iter().map(|courier| &*courier.text).collect();
    format!("{{\"total\":{},\"couriers\":[{}]}}", couriers.len(), texts.join(","))
}
