//! `objects`: what the connector offers.

use anyhow::Result;
use serde_json::json;

use super::context::{Context, describe};
use super::exit::Exit;
use super::print::Entry;

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
    let mut rows = Vec::new();
    for object in &connector.manifest().objects {
        let descriptor = describe(&connector, &object.name).await?;
        let actions = descriptor.actions.into_iter().map(|action| action.name);
        let actions: Vec<String> = actions.collect();
        rows.push(Entry {
            id: object.name.clone(),
            json: json!({
                "name": object.name,
                "title": object.title,
                "operations": object.operations,
                "actions": actions,
                "derived_from": descriptor.derived_from,
            }),
            cells: vec![
                object.name.clone(),
                object.title.clone(),
                object.operations.join(", "),
                actions.join(", "),
                descriptor.derived_from.unwrap_or_default(),
            ],
        });
    }
    context.listing(&["NAME", "TITLE", "OPERATIONS", "ACTIONS", "DERIVED FROM"], rows)?;
    Ok(Exit::Done)
}
