//! `dead-letters list`: what could not be read, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use host_harness::mirror::Mirror as _;
use host_harness::store::Store;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, Row, date, records};
use crate::cli::state::{State, name};

/// Shows the dead letters, oldest first; of all connections, or of that of --connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters list --output table
  connector-host dead-letters list | jq -r .raw")]
pub struct Args {
    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let database = state.database().await?;
    let store = Arc::clone(&database) as Arc<dyn Store>;
    let whose = match name(context)? {
        Some(name) => Some(state.named(Some(&store), name).await?.id),
        None => None,
    };
    let names: BTreeMap<String, String> =
        store.connections().await?.into_iter().map(|row| (row.id, row.name)).collect();
    let letters = database.dead_letters(whose.as_deref()).await?;
    let mut out = records(context.form(), &args.columns);
    for letter in letters {
        let data = json!({
            "number": letter.number,
            "connection": names.get(&letter.connection).unwrap_or(&letter.connection),
            "object": letter.object,
            "id": letter.id,
            "at": date(letter.at_ms),
            "reason": letter.reason,
            "raw": letter.raw,
        });
        let (id, data) = (letter.number.to_string(), data.to_string());
        context.watch.print(|| out.page(&[Row { id: &id, data: &data }]))?;
    }
    context.watch.print(|| out.end())?;
    Ok(Exit::Done)
}
