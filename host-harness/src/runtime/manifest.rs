//! Whether a manifest makes sense, before anything is built on it.

use std::collections::BTreeSet;

use super::bindings::catalog::Manifest;

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
        if !endpoint.path.starts_with('/')
            || endpoint.method.chars().any(|c| !c.is_ascii_uppercase())
        {
            return Err(format!(
                "the endpoint {name} needs an upper-case method and a path that begins with /"
            ));
        }
        let unknown = |name: &&String| manifest.limits.iter().all(|limit| limit.name != **name);
        if let Some(limit) = endpoint.limits.iter().find(unknown) {
            return Err(format!(
                "the endpoint {name} names the limit \"{limit}\", which is not declared"
            ));
        }
        known_origin(manifest, &endpoint.origin)?;
    }
    manifest.secret_uses.iter().try_for_each(|rule| known_origin(manifest, &rule.origin))?;
    manifest.captures.iter().try_for_each(|rule| known_origin(manifest, &rule.origin))
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
/// the secrets go.
fn known_origin(manifest: &Manifest, origin: &str) -> Result<(), String> {
    let Some(name) = origin.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(());
    };
    match manifest.settings.iter().find(|setting| setting.name == name) {
        Some(setting) if setting.operator_only => Ok(()),
        Some(_) => Err(format!("the setting \"{name}\" is an origin, so it must be operator-only")),
        None => Err(format!("the origin {origin} names no declared setting")),
    }
}
