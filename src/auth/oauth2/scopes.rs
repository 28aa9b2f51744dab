//! AfterShip's seven scopes of the Tracking API, and what each is for.
//!
//! AfterShip API 2026-07, "OAuth", scope list.

use crate::api::endpoints::Endpoint;

/// One scope.
#[derive(Debug)]
pub(super) struct Scope {
    /// As AfterShip writes it.
    pub name: &'static str,
    /// First segment of the paths that need it.
    area: &'static str,
    /// Whether it allows GET, or everything else.
    reads: bool,
}

const fn scope(name: &'static str, area: &'static str, reads: bool) -> Scope {
    Scope { name, area, reads }
}

/// Every scope.
pub(super) static ALL: [Scope; 7] = [
    // List and get trackings, and what lies inside them.
    scope("aftership:tracking:read", "trackings", true),
    // Create, update and delete trackings; retrack, mark as completed.
    scope("aftership:tracking:write", "trackings", false),
    // List couriers.
    scope("aftership:courier:read", "couriers", true),
    // Detect couriers, though that changes nothing.
    scope("aftership:courier:write", "couriers", false),
    // Predict delivery dates, though nothing is stored.
    scope("aftership:estimated_delivery_date:write", "estimated-delivery-date", false),
    // List and get carrier connections.
    scope("aftership:carrier_connection:read", "courier-connections", true),
    // Create, update and delete carrier connections.
    scope("aftership:carrier_connection:write", "courier-connections", false),
];

/// The scope that a request to this endpoint needs.
pub(super) fn needed(endpoint: &Endpoint) -> Option<&'static str> {
    let area = endpoint.path.split('/').nth(1)?;
    let reads = endpoint.method == "GET";
    ALL.iter().find(|scope| scope.area == area && scope.reads == reads).map(|scope| scope.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::endpoints;
    use std::collections::BTreeSet;

    #[test]
    fn every_endpoint_needs_a_scope_and_every_scope_serves_one() {
        let needed: BTreeSet<_> =
            endpoints::ALL.iter().map(|endpoint| needed(endpoint).unwrap()).collect();
        assert_eq!(needed, ALL.iter().map(|scope| scope.name).collect());
    }

    #[test]
    fn scopes_are_as_aftership_lists_them() {
        for (endpoint, scope) in [
            (endpoints::TRACKINGS_GET, "aftership:tracking:read"),
            (endpoints::TRACKINGS_RETRACK, "aftership:tracking:write"),
            (endpoints::COURIERS_LIST, "aftership:courier:read"),
            (endpoints::COURIERS_DETECT, "aftership:courier:write"),
            (endpoints::PREDICT_BATCH, "aftership:estimated_delivery_date:write"),
            (endpoints::COURIER_CONNECTIONS_LIST, "aftership:carrier_connection:read"),
            (endpoints::COURIER_CONNECTIONS_UPDATE, "aftership:carrier_connection:write"),
        ] {
            assert_eq!(needed(&endpoint), Some(scope), "{} {}", endpoint.method, endpoint.path);
        }
    }
}
