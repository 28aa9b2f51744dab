//! `inspect`: what the connector is, what it needs and what it may reach.

use anyhow::Result;
use host_harness::contract::catalog::Manifest;
use host_harness::contract::permissions::{Measure, Place, Rate};
use host_harness::contract::setup::Form;
use host_harness::runtime::{Connector, Facts};

use super::context::Context;
use super::output::{bytes, cells, count, printable, section};
use host_harness::service::documents::catalog::{self as document, word};

/// Shows the manifest and what the component's bytes say. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host inspect
  connector-host inspect --output json | jq '.endpoints[] | .path'")]
pub struct InspectArgs {}

/// Runs the command.
///
/// # Errors
/// When the component cannot be loaded.
pub async fn run(_: &InspectArgs, context: &Context) -> Result<()> {
    context.document_form()?;
    let connector = context.connector().await?;
    let json = document::connector(connector.facts(), connector.manifest());
    context.document(|| text(&connector), &json)
}

fn text(connector: &Connector) -> String {
    let (facts, manifest) = (connector.facts(), connector.manifest());
    let single = |name: &String| cells([name]);
    let imports = facts.imports.iter().map(single);
    let objects = manifest.objects.iter();
    [
        about(facts, manifest),
        section("Imports: all that it may use", &[], imports),
        section("Exports", &[], facts.exports.iter().map(single)),
        reach(manifest),
        secrets(manifest),
        settings(manifest),
        section(
            "Objects",
            &["NAME", "TITLE", "OPERATIONS"],
            objects.map(|one| cells([&one.name, &one.title, &one.operations.join(", ")])),
        ),
    ]
    .concat()
}

fn about(facts: &Facts, manifest: &Manifest) -> String {
    let size = format!("{} ({} bytes)", bytes(facts.bytes), count(facts.bytes as u64));
    let rows = [
        ["name", &manifest.name],
        ["version", &manifest.version],
        ["provider API", &manifest.provider_api_version],
        ["file", &facts.path.display().to_string()],
        ["size", &size],
        ["sha256", &facts.sha256],
    ];
    section(&printable(&manifest.title), &[], rows.map(cells))
}

/// Where its requests may go, and how often.
fn reach(manifest: &Manifest) -> String {
    let endpoints = manifest.endpoints.iter().map(|one| {
        let (url, effect) =
            (format!("{}{}", one.origin, one.path), if one.writes { "writes" } else { "reads" });
        let (limits, uses) = (one.limits.join(", "), one.secret_uses.join(", "));
        cells([&one.name, &one.method, &url, effect, &limits, &uses])
    });
    let limits = manifest.limits.iter().map(|limit| {
        let of = |rate: &Rate, what| {
            (format!("{} {what}", count(rate.amount.into())), every(rate.window_ms))
        };
        let (amount, window) = match &limit.measure {
            Measure::Requests(rate) => of(rate, "requests"),
            Measure::Points(rate) => of(rate, "points"),
            Measure::AtOnce(places) => (format!("{places} requests"), "at once".to_owned()),
        };
        cells([&limit.name, &amount, &window, &word(&limit.shared_by)])
    });
    let header = ["NAME", "METHOD", "URL", "EFFECT", "LIMITS", "SECRET USES"];
    let endpoints = section("Endpoints: all that it may reach", &header, endpoints);
    endpoints + &section("Limits", &["NAME", "ALLOWS", "WINDOW", "SHARED BY"], limits)
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
            cells([&scheme.name, &field.name, &field.title, &rules])
        });
        let none = || cells([&scheme.name, "", &scheme.title, ""]);
        fields.chain(scheme.secrets.is_empty().then(none))
    });
    let uses = manifest.secret_uses.iter().map(|one| {
        let delivered = manifest.delivery_secrets.contains(&one.name);
        let of = if delivered { "proves deliveries" } else { "" };
        cells([&one.name, &one.secret, &place(&one.place), of])
    });
    let keys = manifest.key_uses.iter();
    let keys = keys.map(|rule| cells([&rule.secret, &rule.algorithm, &word(&rule.role)]));
    let captures = manifest.endpoints.iter().flat_map(|endpoint| {
        let captures = endpoint.captures.iter();
        captures.map(|one| cells([&one.secret, &endpoint.name, &place(&one.place)]))
    });
    [
        section("Authentication", &["SCHEME", "SECRET", "TITLE", ""], fields),
        section("Secrets in requests", &["USE", "SECRET", "PLACE", ""], uses),
        section("Secrets as keys", &["SECRET", "ALGORITHM", "ROLE"], keys),
        section("Secrets taken out of answers", &["SECRET", "ENDPOINT", "PLACE"], captures),
    ]
    .concat()
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
        let (default, setter) = (setting.default.as_deref(), word(&setting.setter));
        let by = format!("by the {setter}{required}");
        cells([&setting.name, &setting.title, default.unwrap_or_default(), &form, &by])
    });
    section("Settings", &["NAME", "TITLE", "DEFAULT", "FORM", ""], rows)
}
