use super::*;
use crate::permissions::{KeyRole, Place};
use std::collections::BTreeSet;

#[test]
fn all_sixteen_operations_are_declared_with_their_limits() {
    // AfterShip API 2026-07: operations, whether they write, and limits per second ("Rate limit").
    let documented = [
        ("trackings-list", "GET", "/trackings", false, 6),
        ("trackings-create", "POST", "/trackings", true, 20),
        ("trackings-get", "GET", "/trackings/*", false, 5),
        ("trackings-update", "PUT", "/trackings/*", true, 5),
        ("trackings-delete", "DELETE", "/trackings/*", true, 5),
        ("trackings-retrack", "POST", "/trackings/*/retrack", true, 5),
        ("trackings-mark-as-completed", "POST", "/trackings/*/mark-as-completed", true, 5),
        ("couriers-list", "GET", "/couriers", false, 5),
        ("couriers-detect", "POST", "/couriers/detect", false, 3),
        ("courier-connections-list", "GET", "/courier-connections", false, 5),
        ("courier-connections-create", "POST", "/courier-connections", true, 5),
        ("courier-connections-get", "GET", "/courier-connections/*", false, 5),
        ("courier-connections-update", "PATCH", "/courier-connections/*", true, 5),
        ("courier-connections-delete", "DELETE", "/courier-connections/*", true, 5),
        ("estimated-delivery-date-predict", "POST", "/estimated-delivery-date/predict", false, 5),
        (
            "estimated-delivery-date-predict-batch",
            "POST",
            "/estimated-delivery-date/predict-batch",
            false,
            20,
        ),
    ];
    let Manifest { endpoints, .. } = manifest();
    for (name, method, path, writes, per_second) in documented {
        let declared = endpoints.iter().find(|declared| declared.name == name).unwrap();
        assert_eq!((declared.method, declared.writes), (method, writes), "{name}");
        assert_eq!(declared.origin, "{base-url}");
        assert_eq!(declared.path, format!("/tracking/*{path}"));
        let own = Limit { name, requests: per_second, window_ms: 1000 };
        let over_all = Limit { name: "all", requests: 600, window_ms: 60_000 };
        assert_eq!(declared.limits, [over_all, own]);
        let uses: Vec<_> = declared.secret_uses.iter().map(|it| it.name).collect();
        assert_eq!((uses, declared.captures), (vec!["api-key", "access-token"], &[][..]));
    }
    let rest = endpoints.iter().filter(|it| documented.iter().all(|known| known.0 != it.name));
    let rest: Vec<_> = rest.map(|it| (it.name, it.origin, it.path.as_str(), it.writes)).collect();
    assert_eq!(
        rest,
        [("token", "{token-url}", "", true), ("revocation", "{revocation-url}", "", true)]
    );
}

#[test]
fn every_name_is_given_once() {
    fn assert_distinct<'n>(names: impl Iterator<Item = &'n str>) {
        let names: Vec<_> = names.collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
    let Manifest { schemes, settings, endpoints, limits, secret_uses, .. } = manifest();
    assert_distinct(schemes.iter().map(|it| it.name));
    assert_distinct(settings.iter().map(|it| it.name));
    assert_distinct(endpoints.iter().map(|it| it.name));
    assert_distinct(limits.iter().map(|it| it.name));
    assert_distinct(secret_uses.iter().map(|it| it.name));
}

/// Where keys and tokens go, and which contract is spoken, no customer decides.
#[test]
fn what_leads_secrets_is_the_operators() {
    let Manifest { settings, endpoints, .. } = manifest();
    assert_eq!(settings[0].default, Some("https://api.aftership.com"));
    assert_eq!((settings[1].default, settings[1].setter), (Some("2026-07"), Setter::Operator));
    for origin in endpoints.iter().map(|endpoint| endpoint.origin) {
        let name = origin.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let setting = settings.iter().find(|setting| setting.name == name).unwrap();
        assert_eq!((setting.setter, setting.form), (Setter::Operator, Form::Url), "{name}");
    }
    let required = settings.iter().filter(|setting| !setting.required_by.is_empty());
    let required: Vec<_> = required.map(|setting| (setting.name, setting.required_by)).collect();
    assert_eq!(required, [("client-id", &["oauth2"][..])]);
}

#[test]
fn every_secret_has_its_places() {
    let Manifest { secret_uses, key_uses, endpoints, .. } = manifest();
    let header = |name, prefix| Place::Header { name, prefix };
    let expected = [
        ("api-key", "api-key", header("as-api-key", "")),
        ("access-token", "access-token", header("authorization", "Bearer ")),
        ("client-secret-form", "client-secret", Place::FormField("client_secret")),
        ("client-secret-basic", "client-secret", Place::BasicPassword("{client-id}")),
        ("code-verifier", "code-verifier", Place::FormField("code_verifier")),
        ("refresh-token", "refresh-token", Place::FormField("refresh_token")),
        ("revoke-token", "refresh-token", Place::FormField("token")),
    ];
    assert_eq!(
        secret_uses,
        expected.map(|(name, secret, place)| SecretUse { name, secret, place })
    );
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
    let captures = endpoints.iter().flat_map(|endpoint| {
        endpoint.captures.iter().map(|capture| (endpoint.name, capture.place, capture.secret))
    });
    assert_eq!(
        captures.collect::<Vec<_>>(),
        [
            ("token", Place::Json("/access_token"), "access-token"),
            ("token", Place::Json("/refresh_token"), "refresh-token"),
        ]
    );
}

#[test]
fn an_unknown_object_names_those_that_exist() {
    let error = describe("parcels").unwrap_err();
    assert!(matches!(error, Error::NotFound(_)));
    assert!(error.to_string().contains("trackings"), "{error}");
    assert_eq!(describe("trackings").unwrap().retention_days, Some(120));
}
