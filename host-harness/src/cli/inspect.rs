//! `inspect`: what the connector is, what it needs and what it may reach.

use anyhow::Result;
use host_harness::runtime::bindings::auth::Scheme;
use host_harness::runtime::bindings::catalog::Manifest;
use host_harness::runtime::bindings::http::Place;
use host_harness::runtime::{Connector, Facts};

use super::context::Context;
use super::document;
use super::exit::Exit;
use super::output::{bytes, count, printable, section, text_or_document};

/// Shows the manifest and what the component's bytes say. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host inspect
  connector-host inspect --output json | jq '.endpoints[] | .path'")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// When the component cannot be loaded.
pub async fn run(_: &Args, context: &Context) -> Result<Exit> {
    let form = context.document_form()?;
    let connector = context.connector().await?;
    let schemes = connector.schemes().await?;
    let json = document::connector(connector.facts(), connector.manifest(), &schemes);
    let text = || text(&connector, &schemes);
    context.watch.print(|| text_or_document(form, &text, &json))?;
    Ok(Exit::Done)
}

fn text(connector: &Connector, schemes: &[Scheme]) -> String {
    let manifest = connector.manifest();
    let mut text = about(connector.facts(), manifest);
    text.push_str(&section(
        "Imports: all that it may use",
        &[],
        singles(&connector.facts().imports),
    ));
    text.push_str(&section("Exports", &[], singles(&connector.facts().exports)));
    text.push_str(&reach(manifest));
    text.push_str(&secrets(manifest, schemes));
    text.push_str(&settings(manifest));
    let objects = manifest.objects.iter().map(|object| {
        vec![object.name.clone(), object.title.clone(), object.operations.join(", ")]
    });
    text.push_str(&section("Objects", &["NAME", "TITLE", "OPERATIONS"], objects.collect()));
    text
}

fn about(facts: &Facts, manifest: &Manifest) -> String {
    let size = format!("{} ({} bytes)", bytes(facts.bytes), count(facts.bytes as u64));
    let pairs = [
        ("name", manifest.name.clone()),
        ("version", manifest.version.clone()),
        ("provider API", manifest.provider_api_version.clone()),
        ("file", facts.path.display().to_string()),
        ("size", size),
        ("sha256", facts.sha256.clone()),
    ];
    let rows = pairs.map(|(name, value)| vec![name.to_owned(), value]);
    section(&printable(&manifest.title), &[], rows.into())
}

/// Where its requests may go, and how often.
fn reach(manifest: &Manifest) -> String {
    let endpoints = manifest.endpoints.iter().map(|endpoint| {
        vec![
            endpoint.method.clone(),
            format!("{}{}", endpoint.origin, endpoint.path),
            document::effect(endpoint.effect).to_owned(),
            endpoint.limits.join(", "),
        ]
    });
    let limits = manifest.limits.iter().map(|limit| {
        let requests = count(limit.requests.into());
        vec![limit.name.clone(), requests, every(limit.window_ms)]
    });
    let header = ["METHOD", "URL", "EFFECT", "LIMITS"];
    let mut text = section("Endpoints: all that it may reach", &header, endpoints.collect());
    text.push_str(&section("Limits", &["NAME", "REQUESTS", "WINDOW"], limits.collect()));
    text
}

/// A window in its largest whole unit.
fn every(ms: u32) -> String {
    if ms.is_multiple_of(60_000) {
        format!("in {} min", ms / 60_000)
    } else if ms.is_multiple_of(1_000) {
        format!("in {} s", ms / 1_000)
    } else {
        format!("in {ms} ms")
    }
}

/// Which secrets it names, and where their values go.
fn secrets(manifest: &Manifest, schemes: &[Scheme]) -> String {
    let fields = schemes.iter().flat_map(|scheme| {
        scheme.fields.iter().map(|field| {
            let needed = if field.required { "required" } else { "optional" };
            vec![scheme.name.clone(), field.name.clone(), field.title.clone(), needed.to_owned()]
        })
    });
    let uses = manifest.secret_uses.iter().map(|rule| {
        let place = match &rule.place {
            Place::Header(header) if header.prefix.is_empty() => format!("header {}", header.name),
            Place::Header(header) => format!("header {}, after \"{}\"", header.name, header.prefix),
            Place::FormField(name) => format!("form field {name}"),
            Place::Basic(user) => format!("password of {user}"),
        };
        vec![rule.secret.clone(), format!("{}{}", rule.origin, rule.path), place]
    });
    let keys = manifest.key_uses.iter().map(|rule| {
        let role = document::role(rule.role).to_owned();
        vec![rule.secret.clone(), rule.algorithm.clone(), role]
    });
    let captures = manifest.captures.iter().map(|rule| {
        let from = format!("{}{}", rule.origin, rule.path);
        vec![rule.secret.clone(), from, rule.pointer.clone()]
    });
    let header = ["SCHEME", "SECRET", "TITLE", ""];
    let mut text = section("Authentication", &header, fields.collect());
    let header = ["SECRET", "URL", "PLACE"];
    text.push_str(&section("Secrets in requests", &header, uses.collect()));
    let header = ["SECRET", "ALGORITHM", "ROLE"];
    text.push_str(&section("Secrets as keys", &header, keys.collect()));
    let header = ["SECRET", "URL", "MEMBER"];
    text.push_str(&section("Secrets taken out of answers", &header, captures.collect()));
    text
}

fn settings(manifest: &Manifest) -> String {
    let rows = manifest.settings.iter().map(|setting| {
        let required = setting.required.then_some("required");
        let operator = setting.operator_only.then_some("operator only");
        let rules: Vec<&str> = required.into_iter().chain(operator).collect();
        vec![
            setting.name.clone(),
            setting.title.clone(),
            setting.default.clone().unwrap_or_default(),
            rules.join(", "),
        ]
    });
    section("Settings", &["NAME", "TITLE", "DEFAULT", ""], rows.collect())
}

fn singles(names: &[String]) -> Vec<Vec<String>> {
    names.iter().map(|name| vec![name.clone()]).collect()
}
