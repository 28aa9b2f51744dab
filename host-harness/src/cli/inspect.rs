//! `inspect`: what the connector is, what it needs and what it may reach.

use anyhow::Result;
use host_harness::contract::catalog::Manifest;
use host_harness::contract::permissions::{Measure, Place};
use host_harness::contract::setup::Form;
use host_harness::runtime::{Connector, Facts};

use super::context::Context;
use super::document::{self, word};
use super::exit::Exit;
use super::output::{bytes, count, printable, section};

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
    context.document_form()?;
    let connector = context.connector().await?;
    let json = document::connector(connector.facts(), connector.manifest());
    context.document(|| text(&connector), &json)?;
    Ok(Exit::Done)
}

fn text(connector: &Connector) -> String {
    let manifest = connector.manifest();
    let mut text = about(connector.facts(), manifest);
    text.push_str(&section(
        "Imports: all that it may use",
        &[],
        singles(&connector.facts().imports),
    ));
    text.push_str(&section("Exports", &[], singles(&connector.facts().exports)));
    text.push_str(&reach(manifest));
    text.push_str(&secrets(manifest));
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
            endpoint.name.clone(),
            endpoint.method.clone(),
            format!("{}{}", endpoint.origin, endpoint.path),
            if endpoint.writes { "writes" } else { "reads" }.to_owned(),
            endpoint.limits.join(", "),
            endpoint.secret_uses.join(", "),
        ]
    });
    let limits = manifest.limits.iter().map(|limit| {
        let (amount, window) = match &limit.measure {
            Measure::Requests(rate) => {
                (format!("{} requests", count(rate.amount.into())), every(rate.window_ms))
            }
            Measure::Points(rate) => {
                (format!("{} points", count(rate.amount.into())), every(rate.window_ms))
            }
            Measure::AtOnce(places) => (format!("{places} requests"), "at once".to_owned()),
        };
        vec![limit.name.clone(), amount, window, word(&limit.shared_by)]
    });
    let header = ["NAME", "METHOD", "URL", "EFFECT", "LIMITS", "SECRET USES"];
    let mut text = section("Endpoints: all that it may reach", &header, endpoints.collect());
    let header = ["NAME", "ALLOWS", "WINDOW", "SHARED BY"];
    text.push_str(&section("Limits", &header, limits.collect()));
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
fn secrets(manifest: &Manifest) -> String {
    let fields = manifest.schemes.iter().flat_map(|scheme| {
        let fields = scheme.secrets.iter().map(|field| {
            let needed = if field.required { "required" } else { "optional" };
            let rules = format!("{needed}, by the {}", word(&field.setter));
            vec![scheme.name.clone(), field.name.clone(), field.title.clone(), rules]
        });
        let none = || vec![scheme.name.clone(), String::new(), scheme.title.clone(), String::new()];
        fields.chain(scheme.secrets.is_empty().then(none))
    });
    let uses = manifest.secret_uses.iter().map(|one| {
        let delivered = manifest.delivery_secrets.contains(&one.name);
        let of = if delivered { "proves deliveries" } else { "" };
        vec![one.name.clone(), one.secret.clone(), place(&one.place), of.to_owned()]
    });
    let keys = manifest
        .key_uses
        .iter()
        .map(|rule| vec![rule.secret.clone(), rule.algorithm.clone(), word(&rule.role)]);
    let captures = manifest.endpoints.iter().flat_map(|endpoint| {
        endpoint.captures.iter().map(|capture| {
            vec![capture.secret.clone(), endpoint.name.clone(), place(&capture.place)]
        })
    });
    let header = ["SCHEME", "SECRET", "TITLE", ""];
    let mut text = section("Authentication", &header, fields.collect());
    let header = ["USE", "SECRET", "PLACE", ""];
    text.push_str(&section("Secrets in requests", &header, uses.collect()));
    let header = ["SECRET", "ALGORITHM", "ROLE"];
    text.push_str(&section("Secrets as keys", &header, keys.collect()));
    let header = ["SECRET", "ENDPOINT", "PLACE"];
    text.push_str(&section("Secrets taken out of answers", &header, captures.collect()));
    text
}

fn place(place: &Place) -> String {
    match place {
        Place::Header(header) if header.prefix.is_empty() => format!("header {}", header.name),
        Place::Header(header) => format!("header {}, after \"{}\"", header.name, header.prefix),
        Place::FormField(name) => format!("form field {name}"),
        Place::BasicPassword(user) => format!("password of {user}"),
        Place::BasicUser(_) => "user name of Basic".to_owned(),
        Place::Query(name) => format!("query parameter {name}"),
        Place::Json(pointer) => format!("JSON member {pointer}"),
        Place::Path(before) if before.is_empty() => "segment of the path".to_owned(),
        Place::Path(before) => format!("segment of the path, after \"{before}\""),
        Place::Other(name) => name.clone(),
    }
}

fn settings(manifest: &Manifest) -> String {
    let rows = manifest.settings.iter().map(|setting| {
        let form = match &setting.form {
            Form::Text => "text".to_owned(),
            Form::Label => "label of a host name".to_owned(),
            Form::Choice(choices) => format!("one of {}", choices.join(", ")),
            Form::Url(hosts) if hosts.iter().any(|host| host == "*") => "URL".to_owned(),
            Form::Url(hosts) => format!("URL at {}", hosts.join(", ")),
            Form::IdOf(object) => format!("id of one of {object}"),
        };
        let required = match setting.required_by.as_slice() {
            [] => String::new(),
            schemes => format!(", required by {}", schemes.join(", ")),
        };
        vec![
            setting.name.clone(),
            setting.title.clone(),
            setting.default.clone().unwrap_or_default(),
            form,
            format!("by the {}{required}", word(&setting.setter)),
        ]
    });
    section("Settings", &["NAME", "TITLE", "DEFAULT", "FORM", ""], rows.collect())
}

fn singles(names: &[String]) -> Vec<Vec<String>> {
    names.iter().map(|name| vec![name.clone()]).collect()
}
