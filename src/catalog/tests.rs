use super::*;
use crate::error::Effect;
use crate::host::Place;
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
    let Manifest { endpoints, limits, .. } = manifest();
    for ((method, path, effect, per_second), declared) in documented.into_iter().zip(&endpoints) {
        assert_eq!((declared.method, declared.effect), (method, effect), "{path}");
        assert_eq!(declared.origin, "{base-url}");
        assert_eq!(declared.path, format!("/tracking/*{path}"));
        let limit = limits.iter().find(|limit| limit.name == declared.limits[0]).unwrap();
        assert_eq!((limit.requests, limit.window_ms), (per_second, 1000), "{path}");
        assert_eq!(declared.limits[1], "all");
    }
    let rest: Vec<_> =
        endpoints[documented.len()..].iter().map(|own| (own.origin, own.path.as_str())).collect();
    assert_eq!(rest, [("{token-url}", ""), ("{revocation-url}", "")]);
}

#[test]
fn every_limit_has_a_name_of_its_own() {
    let limits = manifest().limits;
    let names: BTreeSet<_> = limits.iter().map(|limit| limit.name).collect();
    assert_eq!(names.len(), limits.len());
    assert_eq!(limits.last(), Some(&Limit { name: "all", requests: 600, window_ms: 60_000 }));
}

/// Where keys and tokens go, and which contract is spoken, no customer decides.
#[test]
fn what_leads_secrets_is_the_operators() {
    let Manifest { settings, endpoints, secret_uses, captures, .. } = manifest();
    assert!(settings.iter().all(|setting| !setting.required));
    assert_eq!(settings[0].default, Some("https://api.aftership.com"));
    assert_eq!(settings[1].default, Some("2026-07"));
    let origins = endpoints.iter().map(|rule| rule.origin);
    let origins = origins.chain(secret_uses.iter().map(|rule| rule.target.origin));
    for origin in origins.chain(captures.iter().map(|rule| rule.target.origin)) {
        let name = origin.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let setting = settings.iter().find(|setting| setting.name == name).unwrap();
        assert!(setting.operator_only, "{name}");
    }
}

#[test]
fn every_secret_has_its_places() {
    let Manifest { secret_uses, key_uses, captures, settings, .. } = manifest();
    let uses: Vec<_> = secret_uses
        .iter()
        .map(|SecretUse { target, part }| {
            let place = match &part.place {
                Place::Header { name, prefix } => format!("{name}: {prefix}"),
                Place::FormField(name) => format!("{name}="),
                Place::Basic(user) => format!("basic {user}"),
            };
            (part.secret, target.origin, target.path, place)
        })
        .collect();
    let expected = [
        ("api-key", "{base-url}", "/**", "as-api-key: "),
        ("access-token", "{base-url}", "/**", "authorization: Bearer "),
        ("client-secret", "{token-url}", "", "client_secret="),
        ("client-secret", "{token-url}", "", "basic "),
        ("code-verifier", "{token-url}", "", "code_verifier="),
        ("refresh-token", "{token-url}", "", "refresh_token="),
        ("client-secret", "{revocation-url}", "", "client_secret="),
        ("client-secret", "{revocation-url}", "", "basic "),
        ("refresh-token", "{revocation-url}", "", "token="),
    ];
    assert_eq!(uses, expected.map(|(a, b, c, place)| (a, b, c, place.to_owned())));
    let keys: Vec<_> = key_uses.iter().map(|key| (key.secret, key.algorithm, key.role)).collect();
    assert_eq!(
        keys,
        [
            ("api-secret", "hmac-sha256", KeyRole::Sign),
            ("private-key", "rsa-pss-sha256", KeyRole::Sign),
            ("client-secret", "hmac-sha256", KeyRole::Verify),
            ("webhook-secret", "hmac-sha256", KeyRole::Verify),
        ]
    );
    let captures: Vec<_> =
        captures.iter().map(|it| (it.target.origin, it.pointer, it.secret)).collect();
    assert_eq!(
        captures,
        [
            ("{token-url}", "/access_token", "access-token"),
            ("{token-url}", "/refresh_token", "refresh-token"),
        ]
    );
    let names: BTreeSet<_> = settings.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), settings.len());
}

#[test]
fn an_unknown_object_names_those_that_exist() {
    let error = describe("parcels").unwrap_err();
    assert!(matches!(error, Error::NotFound(_)));
    assert!(error.to_string().contains("trackings"), "{error}");
    assert_eq!(describe("trackings").unwrap().retention_days, Some(120));
}
