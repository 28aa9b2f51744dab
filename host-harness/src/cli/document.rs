//! Manifest and descriptor as JSON, under the names of the contract.

use host_harness::runtime::Facts;
use host_harness::runtime::bindings::auth::Scheme;
use host_harness::runtime::bindings::catalog::{
    Action, Descriptor, Effect, KeyRole, Manifest, ObjectSummary, SecretUse,
};
use host_harness::runtime::bindings::http::Place;
use serde_json::{Map, Value, json};

/// Everything about a connector.
#[must_use]
pub fn connector(facts: &Facts, manifest: &Manifest, schemes: &[Scheme]) -> Value {
    let endpoints: Vec<Value> = manifest
        .endpoints
        .iter()
        .map(|endpoint| {
            json!({
                "method": endpoint.method,
                "origin": endpoint.origin,
                "path": endpoint.path,
                "effect": effect(endpoint.effect),
                "limits": endpoint.limits,
            })
        })
        .collect();
    let limits: Vec<Value> = manifest
        .limits
        .iter()
        .map(|limit| {
            json!({
                "name": limit.name,
                "requests": limit.requests,
                "window-ms": limit.window_ms,
            })
        })
        .collect();
    let key_uses: Vec<Value> = manifest
        .key_uses
        .iter()
        .map(|rule| {
            json!({
                "secret": rule.secret,
                "algorithm": rule.algorithm,
                "role": role(rule.role),
            })
        })
        .collect();
    let captures: Vec<Value> = manifest
        .captures
        .iter()
        .map(|rule| {
            json!({
                "origin": rule.origin,
                "path": rule.path,
                "pointer": rule.pointer,
                "secret": rule.secret,
            })
        })
        .collect();
    let settings: Vec<Value> = manifest
        .settings
        .iter()
        .map(|setting| {
            json!({
                "name": setting.name,
                "title": setting.title,
                "default": setting.default,
                "required": setting.required,
                "operator-only": setting.operator_only,
            })
        })
        .collect();
    json!({
        "file": facts.path.display().to_string(),
        "bytes": facts.bytes,
        "sha256": facts.sha256,
        "name": manifest.name,
        "title": manifest.title,
        "version": manifest.version,
        "provider-api-version": manifest.provider_api_version,
        "imports": facts.imports,
        "exports": facts.exports,
        "endpoints": endpoints,
        "limits": limits,
        "secret-uses": manifest.secret_uses.iter().map(secret_use).collect::<Vec<_>>(),
        "key-uses": key_uses,
        "captures": captures,
        "settings": settings,
        "schemes": schemes.iter().map(scheme).collect::<Vec<_>>(),
        "objects": manifest.objects.iter().map(summary).collect::<Vec<_>>(),
        "more": more(&manifest.more),
    })
}

/// Everything about an object; its schemas are JSON and not text.
#[must_use]
pub fn object(descriptor: &Descriptor) -> Value {
    json!({
        "summary": summary(&descriptor.summary),
        "doc-url": descriptor.doc_url,
        "derived-from": descriptor.derived_from,
        "retention-days": descriptor.retention_days,
        "record-schema": embedded(&descriptor.record_schema),
        "create-schema": descriptor.create_schema.as_deref().map(embedded),
        "update-schema": descriptor.update_schema.as_deref().map(embedded),
        "filter-schema": embedded(&descriptor.filter_schema),
        "actions": descriptor.actions.iter().map(action).collect::<Vec<_>>(),
        "events": descriptor.events,
        "create-repeatable": descriptor.create_repeatable,
        "more": more(&descriptor.more),
    })
}

/// A schema that the connector hands over as text. One that is no JSON stays text:
/// that is the connector's fault and is better seen than hidden.
#[must_use]
pub fn embedded(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}

/// The contract's word for an effect.
#[must_use]
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::RepeatableWrite => "repeatable-write",
        Effect::Write => "write",
    }
}

/// The contract's word for a role.
#[must_use]
pub fn role(role: KeyRole) -> &'static str {
    match role {
        KeyRole::Sign => "sign",
        KeyRole::Verify => "verify",
    }
}

fn summary(summary: &ObjectSummary) -> Value {
    json!({
        "name": summary.name,
        "title": summary.title,
        "operations": summary.operations,
    })
}

fn action(action: &Action) -> Value {
    json!({
        "name": action.name,
        "title": action.title,
        "on-record": action.on_record,
        "repeatable": action.repeatable,
        "input-schema": embedded(&action.input_schema),
        "output-schema": embedded(&action.output_schema),
    })
}

fn secret_use(rule: &SecretUse) -> Value {
    let place = match &rule.place {
        Place::Header(header) => {
            json!({ "header": { "name": header.name, "prefix": header.prefix } })
        }
        Place::FormField(name) => json!({ "form-field": name }),
        Place::Basic(user) => json!({ "basic": user }),
    };
    json!({
        "secret": rule.secret,
        "origin": rule.origin,
        "path": rule.path,
        "place": place,
    })
}

fn scheme(scheme: &Scheme) -> Value {
    let field = |name: &str, title: &str, required: bool| json!({ "name": name, "title": title, "required": required });
    let fields: Vec<Value> = scheme
        .fields
        .iter()
        .map(|given| field(&given.name, &given.title, given.required))
        .collect();
    json!({
        "name": scheme.name,
        "title": scheme.title,
        "fields": fields,
        "interactive": scheme.interactive,
    })
}

fn more(entries: &[(String, String)]) -> Value {
    let entries = entries.iter().map(|(name, json)| (name.clone(), embedded(json)));
    Value::Object(entries.collect::<Map<_, _>>())
}
