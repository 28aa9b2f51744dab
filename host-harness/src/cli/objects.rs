//! `objects`: what the connector offers.

use anyhow::Result;
use serde_json::json;

use super::context::{Context, describe};

/// Lists the objects. Makes no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host objects
  connector-host objects --output ndjson | jq -r .name")]
pub struct ObjectsArgs {}

/// Runs the command.
///
/// # Errors
/// When the component cannot be loaded.
pub async fn run(_: &ObjectsArgs, context: &Context) -> Result<()> {
    let connector = context.connector().await?;
    let mut rows = Vec::new();
    for object in &connector.manifest().objects {
        let descriptor = describe(&connector, &object.name).await?;
        let actions = descriptor.actions.into_iter().map(|action| action.name);
        let actions: Vec<String> = actions.collect();
        rows.push(json!({
            "name": object.name,
            "title": object.title,
            "operations": object.operations,
            "actions": actions,
            "derived_from": descriptor.derived_from,
        }));
    }
    context.members(&["name", "title", "operations", "actions", "derived_from"], rows)
}
