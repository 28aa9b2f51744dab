//! Whether a manifest makes sense, before anything is built on it.

use std::collections::BTreeSet;

use super::bindings::catalog::Manifest;
use crate::egress::setting;

/// Entries of one kind; a real connector has a few dozen.
const ENTRIES: usize = 1_000;

/// Checks a manifest against itself.
///
/// # Errors
/// What is wrong, for the connector's author.
pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    let sizes = [
        ("endpoints", manifest.endpoints.len()),
        ("limits", manifest.limits.len()),
        ("secret-uses", manifest.secret_uses.len()),
        ("key-uses", manifest.key_uses.len()),
        ("captures", manifest.captures.len()),
        ("settings", manifest.settings.len()),
        ("objects", manifest.objects.len()),
    ];
    if let Some((kind, count)) = sizes.into_iter().find(|(_, count)| *count > ENTRIES) {
        return Err(format!("{count} {kind} are more than {ENTRIES}"));
    }
    unique("limit", manifest.limits.iter().map(|limit| limit.name.as_str()))?;
    unique("setting", manifest.settings.iter().map(|setting| setting.name.as_str()))?;
    unique("object", manifest.objects.iter().map(|object| object.name.as_str()))?;
    if let Some(limit) =
        manifest.limits.iter().find(|limit| limit.requests == 0 || limit.window_ms == 0)
    {
        return Err(format!("the limit \"{}\" allows nothing", limit.name));
    }
    for endpoint in &manifest.endpoints {
        let name = format!("{} {}{}", endpoint.method, endpoint.origin, endpoint.path);
        if endpoint.method.chars().any(|c| !c.is_ascii_uppercase()) {
            return Err(format!("the endpoint {name} needs an upper-case method"));
        }
        let unknown = |name: &&String| manifest.limits.iter().all(|limit| limit.name != **name);
        if let Some(limit) = endpoint.limits.iter().find(unknown) {
            return Err(format!(
                "the endpoint {name} names the limit \"{limit}\", which is not declared"
            ));
        }
    }
    let targets = manifest.endpoints.iter().map(|rule| (&rule.origin, &rule.path));
    let targets = targets.chain(manifest.secret_uses.iter().map(|rule| (&rule.origin, &rule.path)));
    let mut targets =
        targets.chain(manifest.captures.iter().map(|rule| (&rule.origin, &rule.path)));
    targets.try_for_each(|(origin, path)| known_target(manifest, origin, path))
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(format!("the {kind} name \"{name}\" is empty or declared twice"));
        }
    }
    Ok(())
}

/// An origin that a setting holds must be the operator's: whoever sets it says where
/// the secrets go. Only such a setting can hold the path too.
fn known_target(manifest: &Manifest, origin: &str, path: &str) -> Result<(), String> {
    let name = setting(origin);
    if !(path.starts_with('/') || path.is_empty() && name.is_some()) {
        return Err(format!(
            "the path \"{path}\" of {origin} must begin with /; it may be empty where the origin is the URL in a setting"
        ));
    }
    let Some(name) = name else {
        return Ok(());
    };
    match manifest.settings.iter().find(|setting| setting.name == name) {
        Some(setting) if setting.operator_only => Ok(()),
        Some(_) => Err(format!("the setting \"{name}\" is an origin, so it must be operator-only")),
        None => Err(format!("the origin {origin} names no declared setting")),
    }
}

#[cfg(test)]
pub(in crate::runtime) mod tests {
    use super::*;
    use crate::runtime::bindings::catalog::{Capture, Effect, Endpoint, SecretUse, Setting};
    use crate::runtime::bindings::http::Place;

    /// A manifest with one endpoint.
    pub(in crate::runtime) fn manifest(origin: &str, path: &str) -> Manifest {
        let setting = |name: &str, operator_only| Setting {
            name: name.to_owned(),
            title: String::new(),
            default: None,
            required: false,
            operator_only,
        };
        Manifest {
            name: "sample".to_owned(),
            title: "Sample".to_owned(),
            version: "0.1.0".to_owned(),
            provider_api_version: "1".to_owned(),
            endpoints: vec![Endpoint {
                method: "POST".to_owned(),
                origin: origin.to_owned(),
                path: path.to_owned(),
                effect: Effect::Write,
                limits: vec![],
            }],
            limits: vec![],
            secret_uses: vec![],
            key_uses: vec![],
            captures: vec![],
            settings: vec![setting("token-url", true), setting("nickname", false)],
            objects: vec![],
            more: vec![],
        }
    }

    /// Where one rule may hold, and where not.
    const TARGETS: [(&str, &str, Result<(), &str>); 7] = [
        ("https://login.example.com", "/token", Ok(())),
        ("{token-url}", "/token", Ok(())),
        ("{token-url}", "", Ok(())),
        ("https://login.example.com", "", Err("begin with /")),
        ("{token-url}", "token", Err("begin with /")),
        ("{nickname}", "", Err("operator-only")),
        ("{other}", "", Err("no declared setting")),
    ];

    fn judged(manifest: &Manifest, expected: Result<(), &str>) {
        match (check(manifest), expected) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (result, _) => panic!("{result:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_rule_needs_a_path_unless_a_setting_holds_it() {
        for (origin, path, expected) in TARGETS {
            judged(&manifest(origin, path), expected);
        }
    }

    #[test]
    fn secret_uses_and_captures_are_judged_as_endpoints_are() {
        for (origin, path, expected) in TARGETS {
            let mut with_use = manifest("{token-url}", "");
            with_use.secret_uses.push(SecretUse {
                secret: "client-secret".to_owned(),
                origin: origin.to_owned(),
                path: path.to_owned(),
                place: Place::Basic(String::new()),
            });
            judged(&with_use, expected);
            let mut with_capture = manifest("{token-url}", "");
            with_capture.captures.push(Capture {
                origin: origin.to_owned(),
                path: path.to_owned(),
                pointer: "/access_token".to_owned(),
                secret: "access-token".to_owned(),
            });
            judged(&with_capture, expected);
        }
    }
}
