//! What each operation of the API needs of an access token.
//!
//! Source: AfterShip API 2026-07, OAuth, scope list.

use crate::scopes::Scope;

/// The scope of an operation: its method, and its path after the version with `{id}` for one
/// segment. `None` for what the API does not have.
pub(crate) fn scope_of(method: &str, path: &str) -> Option<Scope> {
    Some(match (method, path) {
        ("GET", "/trackings" | "/trackings/{id}") => Scope::TrackingRead,
        (
            "POST",
            "/trackings" | "/trackings/{id}/retrack" | "/trackings/{id}/mark-as-completed",
        )
        | ("PUT" | "DELETE", "/trackings/{id}") => Scope::TrackingWrite,
        ("GET", "/couriers") => Scope::CourierRead,
        ("POST", "/couriers/detect") => Scope::CourierWrite,
        ("POST", "/estimated-delivery-date/predict" | "/estimated-delivery-date/predict-batch") => {
            Scope::EstimatedDeliveryDateWrite
        }
        ("GET", "/courier-connections" | "/courier-connections/{id}") => {
            Scope::CarrierConnectionRead
        }
        ("POST", "/courier-connections") | ("PATCH" | "DELETE", "/courier-connections/{id}") => {
            Scope::CarrierConnectionWrite
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router;

    #[test]
    fn every_served_operation_has_a_scope() {
        for endpoint in router::endpoints() {
            assert!(scope_of(endpoint.method, endpoint.path).is_some(), "{}", endpoint.name);
        }
        assert_eq!(scope_of("PATCH", "/trackings/{id}"), None);
    }
}
