//! `describe`: everything about one object.

use anyhow::Result;
use host_harness::contract::catalog::{Action, Descriptor};

use super::context::{Context, describe};
use super::document::{self, embedded};
use super::exit::Exit;
use super::output::{printable, section};
use super::schema::{self, Member};

/// Shows an object's operations, filters, inputs and actions. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host describe orders
  connector-host describe orders --output json | jq '.\"create-schema\"'")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,
}

/// Runs the command.
///
/// # Errors
/// When there is no such object.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    context.document_form()?;
    let connector = context.connector_with(&args.object).await?;
    let descriptor = describe(&connector, &args.object).await?;
    context.document(|| text(&descriptor), &document::object(&descriptor))?;
    Ok(Exit::Done)
}

fn text(descriptor: &Descriptor) -> String {
    let mut text = about(descriptor);
    let inputs = [
        ("Filters of list", descriptor.filter_schema.as_ref()),
        ("Options of list and get", descriptor.options_schema.as_ref()),
        ("Input of create", descriptor.create_schema.as_ref()),
        ("Input of update", descriptor.update_schema.as_ref()),
    ];
    for (title, schema) in inputs {
        if let Some(schema) = schema {
            text.push_str(&members(title, schema));
        }
    }
    for action in &descriptor.actions {
        text.push_str(&about_action(action));
    }
    text.push_str(&members("Record", &descriptor.record_schema));
    text
}

fn about(descriptor: &Descriptor) -> String {
    let summary = &descriptor.summary;
    let retention = descriptor.retention_days;
    let pairs = [
        ("name", Some(summary.name.clone())),
        ("operations", Some(summary.operations.join(", "))),
        ("derived from", descriptor.derived_from.clone()),
        ("list forgets", retention.map(|days| format!("after {days} days"))),
        ("events", Some(descriptor.events.join(", "))),
        ("see", Some(descriptor.doc_url.clone())),
    ];
    let rows = pairs
        .into_iter()
        .filter_map(|(name, value)| Some(vec![name.to_owned(), value?]))
        .filter(|row| row.iter().all(|cell| !cell.is_empty()));
    section(&printable(&summary.title), &[], rows.collect())
}

fn about_action(action: &Action) -> String {
    let on_record = if action.on_record { ", needs --id" } else { "" };
    let reads = if action.writes { "" } else { ", changes nothing" };
    let title = format!("Action {}: {}{on_record}{reads}", action.name, action.title);
    let input = members(&title, &action.input_schema);
    if input.is_empty() {
        return format!("{}\n  no input\n\n", printable(&title));
    }
    input
}

fn members(title: &str, schema: &str) -> String {
    let rows = schema::members(&embedded(schema)).into_iter().map(row);
    let header = ["MEMBER", "TYPE", "", "DESCRIPTION"];
    section(&printable(title), &header, rows.collect())
}

fn row(member: Member) -> Vec<String> {
    let required = member.required.then_some("required");
    let secret = member.write_only.then_some("secret");
    let rules: Vec<&str> = required.into_iter().chain(secret).collect();
    vec![member.name, member.kind, rules.join(", "), member.about]
}
