//! `describe`: everything about one object.

use anyhow::Result;
use host_harness::contract::catalog::{Action, Descriptor};

use super::context::{Context, describe};
use super::output::{cells, printable, section};
use super::schema;
use host_harness::service::documents::catalog::{self as document, embedded};

/// Shows an object's operations, filters, inputs and actions. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host describe orders
  connector-host describe orders --output json | jq '.\"create-schema\"'")]
pub struct DescribeArgs {
    /// Name of the object, as `objects` shows it
    pub object: String,
}

/// Runs the command.
///
/// # Errors
/// When there is no such object.
pub async fn run(args: &DescribeArgs, context: &Context) -> Result<()> {
    context.document_form()?;
    let connector = context.connector_with(&args.object).await?;
    let descriptor = describe(&connector, &args.object).await?;
    context.document(|| text(&descriptor), &document::value(&descriptor))
}

fn text(descriptor: &Descriptor) -> String {
    let inputs = [
        ("Filters of list", descriptor.filter_schema.as_ref()),
        ("Options of list and get", descriptor.options_schema.as_ref()),
        ("Input of create", descriptor.create_schema.as_ref()),
        ("Input of update", descriptor.update_schema.as_ref()),
    ];
    let inputs = inputs.into_iter().filter_map(|(title, schema)| Some(members(title, schema?)));
    let actions = descriptor.actions.iter().map(about_action);
    let record = members("Record", &descriptor.record_schema);
    [about(descriptor)].into_iter().chain(inputs).chain(actions).chain([record]).collect()
}

fn about(descriptor: &Descriptor) -> String {
    let summary = &descriptor.summary;
    let forgets = descriptor.retention_days.map(|days| format!("after {days} days"));
    let rows = [
        ["name", &summary.name],
        ["operations", &summary.operations.join(", ")],
        ["derived from", descriptor.derived_from.as_deref().unwrap_or_default()],
        ["list forgets", forgets.as_deref().unwrap_or_default()],
        ["events", &descriptor.events.join(", ")],
        ["see", &descriptor.doc_url],
    ];
    let rows = rows.into_iter().filter(|[_, value]| !value.is_empty());
    section(&printable(&summary.title), &[], rows.map(cells))
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
    let rows = schema::members(&embedded(schema)).into_iter().map(|member| {
        let required = member.required.then_some("required");
        let secret = member.write_only.then_some("secret");
        let rules: Vec<&str> = required.into_iter().chain(secret).collect();
        cells([&member.name, &member.kind, &rules.join(", "), &member.about])
    });
    section(&printable(title), &["MEMBER", "TYPE", "", "DESCRIPTION"], rows)
}
