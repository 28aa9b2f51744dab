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

    #[test]
    fn the_scopes_cover_the_operations_that_the_list_names() {
        for (scope, operations) in [
            (Scope::TrackingRead, "GET /trackings, GET /trackings/{id}"),
            (
                Scope::TrackingWrite,
                "POST /trackings, PUT /trackings/{id}, DELETE /trackings/{id}, \
                 POST /trackings/{id}/retrack, POST /trackings/{id}/mark-as-completed",
            ),
            (Scope::CourierRead, "GET /couriers"),
            (Scope::CourierWrite, "POST /couriers/detect"),
            (
                Scope::EstimatedDeliveryDateWrite,
                "POST /estimated-delivery-date/predict, \
                 POST /estimated-delivery-date/predict-batch",
            ),
            (
                Scope::CarrierConnectionRead,
                "GET /courier-connections, GET /courier-connections/{id}",
            ),
            (
                Scope::CarrierConnectionWrite,
                "POST /courier-connections, PATCH /courier-connections/{id}, \
                 DELETE /courier-connections/{id}",
            ),
        ] {
            for operation in operations.split(", ") {
                let (method, path) = operation.split_once(' ').unwrap();
                assert_eq!(scope_of(method, path), Some(scope), "{operation}");
            }
        }
    }
}
