use connector_sdk::Error;
use std::collections::BTreeSet;

use connector_sdk::contract::{Form, HeaderPlace, KeyRole, Manifest, Place};
use connector_sdk::declare::Limit;
use connector_sdk::{Connector, ErrorKind, Setter};

use crate::AfterShip;

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
    let Manifest { endpoints, limits, .. } = AfterShip::manifest();
    for (name, method, path, writes, per_second) in documented {
        let declared = endpoints.iter().find(|declared| declared.name == name).unwrap();
        assert_eq!((declared.method.as_str(), declared.writes), (method, writes), "{name}");
        assert_eq!(declared.origin, "{base-url}");
        assert_eq!(declared.path, format!("/tracking/*{path}"));
        assert_eq!(declared.limits, ["all", name]);
        for limit in [
            Limit::requests("all", 600, 60_000),
            Limit::requests(Box::leak(name.into()), per_second, 1000),
        ] {
            assert!(limits.contains(&(&limit).into()), "{limit:?}");
        }
        assert_eq!(declared.secret_uses, ["api-key", "access-token"]);
        assert!(declared.captures.is_empty());
    }
    let rest = endpoints.iter().filter(|it| documented.iter().all(|known| known.0 != it.name));
    let rest: Vec<_> = rest
        .map(|it| (it.name.as_str(), it.origin.as_str(), it.path.as_str(), it.writes))
        .collect();
    assert_eq!(
        rest,
        [("token", "{token-url}", "", true), ("revocation", "{revocation-url}", "", true)]
    );
}

#[test]
fn every_name_is_given_once() {
    fn assert_distinct<'n>(names: impl Iterator<Item = &'n String>) {
        let names: Vec<_> = names.collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
    let Manifest { schemes, settings, endpoints, limits, secret_uses, .. } = AfterShip::manifest();
    assert_distinct(schemes.iter().map(|it| &it.name));
    assert_distinct(settings.iter().map(|it| &it.name));
    assert_distinct(endpoints.iter().map(|it| &it.name));
    assert_distinct(limits.iter().map(|it| &it.name));
    assert_distinct(secret_uses.iter().map(|it| &it.name));
}

/// Where keys and tokens go, and which contract is spoken, no customer decides.
#[test]
fn what_leads_secrets_is_the_operators() {
    let Manifest { settings, endpoints, .. } = AfterShip::manifest();
    assert_eq!(settings[0].default.as_deref(), Some("https://api.aftership.com"));
    let version = (settings[1].default.as_deref(), settings[1].setter);
    assert_eq!(version, (Some("2026-07"), Setter::Operator));
    for origin in endpoints.iter().map(|endpoint| &endpoint.origin) {
        let name = origin.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let setting = settings.iter().find(|setting| setting.name == name).unwrap();
        let any_url = Form::Url(vec!["*".to_owned()]);
        assert_eq!((setting.setter, &setting.form), (Setter::Operator, &any_url), "{name}");
    }
    let required = settings.iter().filter(|setting| !setting.required_by.is_empty());
    let required: Vec<_> = required.map(|it| (it.name.as_str(), it.required_by.concat())).collect();
    assert_eq!(required, [("client-id", "oauth2".to_owned())]);
}

#[test]
fn every_secret_has_its_places() {
    let Manifest { secret_uses, key_uses, endpoints, .. } = AfterShip::manifest();
    let header = |name: &str, prefix: &str| {
        Place::Header(HeaderPlace { name: name.into(), prefix: prefix.into() })
    };
    let expected = [
        ("api-key", "api-key", header("as-api-key", "")),
        ("access-token", "access-token", header("authorization", "Bearer ")),
        ("client-secret-form", "client-secret", Place::FormField("client_secret".into())),
        ("client-secret-basic", "client-secret", Place::BasicPassword("{client-id}".into())),
        ("code-verifier", "code-verifier", Place::FormField("code_verifier".into())),
        ("refresh-token", "refresh-token", Place::FormField("refresh_token".into())),
        ("revoke-token", "refresh-token", Place::FormField("token".into())),
    ];
    let declared =
        secret_uses.iter().map(|it| (it.name.as_str(), it.secret.as_str(), it.place.clone()));
    assert_eq!(declared.collect::<Vec<_>>(), expected);
    let keys = key_uses.iter().map(|key| (key.secret.as_str(), key.algorithm.as_str(), key.role));
    let keys: Vec<_> = keys.collect();
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
        let name = endpoint.name.as_str();
        endpoint.captures.iter().map(move |it| (name, it.place.clone(), it.secret.as_str()))
    });
    assert_eq!(
        captures.collect::<Vec<_>>(),
        [
            ("token", Place::Json("/access_token".into()), "access-token"),
            ("token", Place::Json("/refresh_token".into()), "refresh-token"),
        ]
    );
}

#[test]
fn an_unknown_object_names_those_that_exist() {
    let error = AfterShip::describe("parcels").unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::NotFound, .. }));
    assert!(error.message.contains("trackings"), "{error:?}");
    assert_eq!(AfterShip::describe("trackings").unwrap().retention_days, Some(120));
}
