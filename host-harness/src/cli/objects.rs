//! `objects`: what the connector offers.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, Form, Row, records, section, text_block};

/// Lists the objects. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host objects
  connector-host objects --output ndjson | jq -r .name")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// When the component cannot be loaded.
pub async fn run(_: &Args, context: &Context) -> Result<Exit> {
    let connector = context.connector().await?;
    let mut found = Vec::new();
    for object in &connector.manifest().objects {
        let descriptor = connector.describe(&object.name).await;
        let descriptor = descriptor.with_context(|| format!("describing {}", object.name))?;
        let actions: Vec<String> =
            descriptor.actions.into_iter().map(|action| action.name).collect();
        found.push((object, actions, descriptor.derived_from));
    }
    if context.form() == Form::Table {
        let rows = found.into_iter().map(|(object, actions, derived_from)| {
            vec![
                object.name.clone(),
                object.title.clone(),
                object.operations.join(", "),
                actions.join(", "),
                derived_from.unwrap_or_default(),
            ]
        });
        let header = ["NAME", "TITLE", "OPERATIONS", "ACTIONS", "DERIVED FROM"];
        let text = section("", &header, rows.collect());
        context.watch.print(|| text_block(&text))?;
        return Ok(Exit::Done);
    }
    let mut out = records(context.form(), &Columns::default());
    for (object, actions, derived_from) in found {
        let data = json!({
            "name": object.name,
            "title": object.title,
            "operations": object.operations,
            "actions": actions,
            "derived_from": derived_from,
        });
        let row = Row { id: &object.name, data: &data.to_string() };
        context.watch.print(|| out.page(&[row]))?;
    }
    out.end()?;
    Ok(Exit::Done)
}
