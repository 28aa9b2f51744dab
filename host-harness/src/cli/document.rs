//! Manifest and descriptor as JSON, under the names of the contract.

use host_harness::contract::catalog::{Action, Descriptor, Manifest, ObjectSummary};
use host_harness::contract::permissions::{
    Capture, Endpoint, KeyRole, Limit, Measure, Place, SecretUse, Sharing,
};
use host_harness::contract::setup::{Form, Scheme, Setter, Setting};
use host_harness::runtime::Facts;
use serde_json::{Map, Value, json};

/// Everything about a connector.
#[must_use]
pub fn connector(facts: &Facts, manifest: &Manifest) -> Value {
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
        "schemes": manifest.schemes.iter().map(scheme).collect::<Vec<_>>(),
        "settings": manifest.settings.iter().map(setting).collect::<Vec<_>>(),
        "endpoints": manifest.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "limits": manifest.limits.iter().map(limit).collect::<Vec<_>>(),
        "secret-uses": manifest.secret_uses.iter().map(secret_use).collect::<Vec<_>>(),
        "delivery-secrets": manifest.delivery_secrets,
        "key-uses": key_uses,
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
        "filter-schema": descriptor.filter_schema.as_deref().map(embedded),
        "options-schema": descriptor.options_schema.as_deref().map(embedded),
        "actions": descriptor.actions.iter().map(action).collect::<Vec<_>>(),
        "events": descriptor.events,
        "more": more(&descriptor.more),
    })
}

/// A schema that the connector hands over as text. One that is no JSON stays text:
/// that is the connector's fault and is better seen than hidden.
#[must_use]
pub fn embedded(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}

/// The contract's word for whoever gives a value.
#[must_use]
pub fn setter(setter: Setter) -> &'static str {
    match setter {
        Setter::Operator => "operator",
        Setter::Customer => "customer",
        Setter::Connector => "connector",
    }
}

/// The contract's word for those who share a limit.
#[must_use]
pub fn sharing(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::Connection => "connection",
        Sharing::Account => "account",
        Sharing::App => "app",
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
        "writes": action.writes,
        "input-schema": embedded(&action.input_schema),
        "output-schema": embedded(&action.output_schema),
    })
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({
        "name": endpoint.name,
        "method": endpoint.method,
        "origin": endpoint.origin,
        "path": endpoint.path,
        "writes": endpoint.writes,
        "limits": endpoint.limits,
        "secret-uses": endpoint.secret_uses,
        "captures": endpoint.captures.iter().map(capture).collect::<Vec<_>>(),
    })
}

fn capture(capture: &Capture) -> Value {
    json!({ "secret": capture.secret, "place": place(&capture.place) })
}

fn limit(limit: &Limit) -> Value {
    let measure = match &limit.measure {
        Measure::Requests(rate) => {
            json!({ "requests": { "amount": rate.amount, "window-ms": rate.window_ms } })
        }
        Measure::Points(rate) => {
            json!({ "points": { "amount": rate.amount, "window-ms": rate.window_ms } })
        }
        Measure::AtOnce(places) => json!({ "at-once": places }),
    };
    json!({ "name": limit.name, "measure": measure, "shared-by": sharing(limit.shared_by) })
}

fn secret_use(one: &SecretUse) -> Value {
    json!({ "name": one.name, "secret": one.secret, "place": place(&one.place) })
}

fn place(place: &Place) -> Value {
    match place {
        Place::Header(header) => {
            json!({ "header": { "name": header.name, "prefix": header.prefix } })
        }
        Place::FormField(name) => json!({ "form-field": name }),
        Place::BasicPassword(user) => json!({ "basic-password": user }),
        Place::BasicUser(password) => json!({ "basic-user": password }),
        Place::Query(name) => json!({ "query": name }),
        Place::Json(pointer) => json!({ "json": pointer }),
        Place::Path(before) => json!({ "path": before }),
        Place::Other(name) => json!({ "other": name }),
    }
}

fn setting(setting: &Setting) -> Value {
    let form = match &setting.form {
        Form::Text => json!("text"),
        Form::Label => json!("label"),
        Form::Choice(choices) => json!({ "choice": choices }),
        Form::Url(hosts) => json!({ "url": hosts }),
        Form::IdOf(object) => json!({ "id-of": object }),
    };
    json!({
        "name": setting.name,
        "title": setting.title,
        "default": setting.default,
        "setter": setter(setting.setter),
        "form": form,
        "required-by": setting.required_by,
    })
}

fn scheme(scheme: &Scheme) -> Value {
    let fields = scheme.secrets.iter().map(|field| {
        json!({
            "name": field.name,
            "title": field.title,
            "required": field.required,
            "setter": setter(field.setter),
        })
    });
    json!({
        "name": scheme.name,
        "title": scheme.title,
        "secrets": fields.collect::<Vec<_>>(),
        "interactive": scheme.interactive,
    })
}

fn more(entries: &[(String, String)]) -> Value {
    let entries = entries.iter().map(|(name, json)| (name.clone(), embedded(json)));
    Value::Object(entries.collect::<Map<_, _>>())
}
