//! The OpenAPI description: it is what is served, and says who may call what.

use std::collections::BTreeSet;

use host_harness::server::description;
use serde_json::Value;

use super::world::Host;
use crate::golden::golden;

pub fn described() -> Value {
    serde_json::to_value(description()).unwrap()
}

/// Method, path and operation of every route.
pub fn operations(described: &Value) -> Vec<(String, String, Value)> {
    let paths = described["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, it)| (method.to_uppercase(), path.clone(), it.clone()))
    });
    all.collect()
}

#[test]
fn golden_openapi() {
    golden("openapi.json", &format!("{}\n", serde_json::to_string_pretty(&described()).unwrap()));
}

/// A route without a scope would be closed to everybody, and one without an id has no name in clients.
#[test]
fn every_route_names_its_scope_and_itself() {
    let (described, mut ids) = (described(), BTreeSet::new());
    for (method, path, operation) in operations(&described) {
        let scope = operation["x-required-scope"].as_str().unwrap_or_default();
        let known = ["open", "read", "write", "admin"].contains(&scope);
        assert!(known, "{method} {path} needs x-required-scope");
        let is_open = ["/healthz", "/readyz", "/v1/openapi.json"].contains(&path.as_str());
        assert_eq!(scope == "open", is_open, "{method} {path}");
        assert!(method != "GET" || scope != "write", "{method} {path}");
        assert!(!(method == "DELETE" && scope == "read"), "{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let named = operation["parameters"].as_array().into_iter().flatten();
        let named = named.filter(|one| one["in"] == "path").count();
        assert_eq!(named, path.matches('{').count(), "{method} {path}");
        if scope != "open" {
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
        }
    }
    assert!(ids.len() > 15, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_what_is_described() {
    let host = Host::new("described").await;
    assert_eq!(host.get("/v1/openapi.json").await, described());
    assert_eq!(host.get("/healthz").await["status"], "ok");
    assert_eq!(host.get("/readyz").await["status"], "ok");
    let (code, said) = host.listener.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
}
