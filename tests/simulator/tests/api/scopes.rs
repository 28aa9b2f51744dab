//! What a key may do.

use aftership_simulator::Scope;

use crate::client::Client;

/// Every endpoint, and the scope that it needs.
///
/// Source: AfterShip API 2026-07, OAuth, scope list.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("GET", "/trackings", "aftership:tracking:read"),
    ("POST", "/trackings", "aftership:tracking:write"),
    ("GET", "/trackings/x", "aftership:tracking:read"),
    ("PUT", "/trackings/x", "aftership:tracking:write"),
    ("DELETE", "/trackings/x", "aftership:tracking:write"),
    ("POST", "/trackings/x/retrack", "aftership:tracking:write"),
    ("POST", "/trackings/x/mark-as-completed", "aftership:tracking:write"),
    ("GET", "/couriers", "aftership:courier:read"),
    ("POST", "/couriers/detect", "aftership:courier:write"),
    ("GET", "/courier-connections", "aftership:carrier_connection:read"),
    ("POST", "/courier-connections", "aftership:carrier_connection:write"),
    ("GET", "/courier-connections/x", "aftership:carrier_connection:read"),
    ("PATCH", "/courier-connections/x", "aftership:carrier_connection:write"),
    ("DELETE", "/courier-connections/x", "aftership:carrier_connection:write"),
    ("POST", "/estimated-delivery-date/predict", "aftership:estimated_delivery_date:write"),
    ("POST", "/estimated-delivery-date/predict-batch", "aftership:estimated_delivery_date:write"),
];

#[tokio::test]
async fn each_endpoint_needs_its_scope() {
    for scope in Scope::ALL {
        let client = Client::with(|options| options.scopes = vec![scope]);
        for (method, path, needed) in ENDPOINTS {
            let answer = client.send(method, &format!("/tracking/2026-07{path}"), "").await;
            assert_eq!(answer.status != 403, *needed == scope.name(), "{scope:?} {method} {path}");
            if answer.status == 403 {
                assert_eq!(
                    (answer.code(), &answer.json["meta"]["type"]),
                    (403, &"Forbidden".into())
                );
                assert!(answer.text.contains(needed), "{}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_key_may_do_everything_by_default_and_the_path_goes_before_the_scope() {
    let client = Client::new();
    for (method, path, _) in ENDPOINTS {
        let answer = client.send(method, &format!("/tracking/2026-07{path}"), "").await;
        assert_ne!(answer.status, 403, "{method} {path}");
    }
    client.simulator.configure(|options| options.scopes.clear());
    assert_eq!(client.list("").await.status, 403);
    assert_eq!(client.send("GET", "/tracking/2026-07/shipments", "").await.status, 404);
    client.simulator.configure(|options| options.api_keys.clear());
    assert_eq!(client.list("").await.status, 401);
}

#[test]
fn a_scope_is_read_from_its_name() {
    for scope in Scope::ALL {
        assert_eq!(scope.name().parse(), Ok(scope));
    }
    for unknown in ["", "tracking", "aftership:tracking", "aftership:notification:read"] {
        assert!(unknown.parse::<Scope>().is_err(), "{unknown}");
    }
}
