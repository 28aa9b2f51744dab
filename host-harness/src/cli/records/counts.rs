//! `records counts`: how many kept records have which value.

use anyhow::Result;
use host_harness::service::documents::CountsDocument;

use super::super::context::Context;
use super::super::state::{DEFAULT, StateDirectory, name};
use super::super::usage::Usage;

/// Counts kept records by the values of the members that the connector names for it, such as a status. The
/// counts move with the records, so this takes no time however many there are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host records counts orders
  connector-host records counts orders --output ndjson | jq 'select(.member == \"/status\")'

Without a value are the records that have none. A thousand values of a member are counted on their own; all
further ones together, with `others` in place of a value.")]
pub struct CountsArgs {
    /// Name of the object
    object: String,
}

/// Runs the command.
///
/// # Errors
/// When nothing is counted of the object, or the output cannot be written.
pub async fn run(args: &CountsArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let counts = database.value_counts(&row.id, &args.object).await?;
    if counts.members.is_empty() {
        let text = format!("no records of {} are counted for {}", args.object, row.name);
        let next =
            "`sync` keeps them; which members are counted, the connector says (wit/VIEWS.md)";
        return Err(Usage::new(text).next(next).into());
    }
    let document = CountsDocument::of(&args.object, counts);
    let rows = document.counts.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    context.members(&["member", "value", "records"], rows)?;
    if document.is_partial {
        context
            .watch
            .say("not all records are counted yet: `sync` or a running `serve` goes on with that");
    }
    Ok(())
}
