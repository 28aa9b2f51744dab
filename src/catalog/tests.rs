use super::*;
use crate::error::Effect;
use std::collections::BTreeSet;

#[test]
fn all_sixteen_operations_are_declared_with_their_limits() {
    // AfterShip API 2026-07: operations, effects, and limits per second ("Rate limit").
    let documented = [
        ("GET", "/trackings", Effect::Read, 6),
        ("POST", "/trackings", Effect::Write, 20),
        ("GET", "/trackings/*", Effect::Read, 5),
        ("PUT", "/trackings/*", Effect::RepeatableWrite, 5),
        ("DELETE", "/trackings/*", Effect::RepeatableWrite, 5),
        ("POST", "/trackings/*/retrack", Effect::Write, 5),
        ("POST", "/trackings/*/mark-as-completed", Effect::Write, 5),
        ("GET", "/couriers", Effect::Read, 5),
        ("POST", "/couriers/detect", Effect::Read, 3),
        ("GET", "/courier-connections", Effect::Read, 5),
        ("POST", "/courier-connections", Effect::Write, 5),
        ("GET", "/courier-connections/*", Effect::Read, 5),
        ("PATCH", "/courier-connections/*", Effect::RepeatableWrite, 5),
        ("DELETE", "/courier-connections/*", Effect::RepeatableWrite, 5),
        ("POST", "/estimated-delivery-date/predict", Effect::Read, 5),
        ("POST", "/estimated-delivery-date/predict-batch", Effect::Read, 20),
    ];
    let declared = manifest().endpoints.iter().map(|endpoint| {
        assert_eq!(endpoint.limit.window_ms, 1000);
        (endpoint.method, endpoint.path, endpoint.effect, endpoint.limit.requests)
    });
    assert!(declared.eq(documented));
}

#[test]
fn every_limit_has_a_name_of_its_own() {
    let limits = manifest().limits;
    let names: BTreeSet<_> = limits.iter().map(|limit| limit.name).collect();
    assert_eq!(names.len(), limits.len());
    assert_eq!(limits.last(), Some(&Limit { name: "all", requests: 600, window_ms: 60_000 }));
}

#[test]
fn settings_are_the_operators() {
    let settings = manifest().settings;
    assert!(settings.iter().all(|setting| setting.operator_only && !setting.required));
    assert_eq!(settings[0].default, Some("https://api.aftership.com"));
    assert_eq!(settings[1].default, Some("2026-07"));
}

#[test]
fn the_key_goes_into_one_header() {
    let uses = manifest().secret_uses;
    let place = crate::host::Place::Header { name: "as-api-key", prefix: "" };
    assert_eq!(uses, [SecretPart { secret: "api-key", place }]);
}

#[test]
fn the_webhook_secret_only_verifies() {
    let key = KeyUse {
        secret: "webhook-secret",
        algorithm: "hmac-sha256",
        role: crate::host::KeyRole::Verify,
    };
    assert_eq!(manifest().key_uses, [key]);
}

#[test]
fn an_unknown_object_names_those_that_exist() {
    let error = describe("parcels").unwrap_err();
    assert!(matches!(error, Error::NotFound(_)));
    assert!(error.to_string().contains("trackings"), "{error}");
    assert_eq!(describe("trackings").unwrap().retention_days, Some(120));
}
