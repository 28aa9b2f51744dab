//! `export`: the records that are kept of an object.

use anyhow::Result;

use super::context::Context;
use super::output::{Columns, OutputRow};
use super::state::{DEFAULT, StateDirectory, name};
use super::usage::Usage;

/// Records that are read at once.
const AT_ONCE: u32 = 200;

/// Prints the records that `sync` keeps, without a request. Those that lists no longer show because
/// of their age are among them; those that were deleted are not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host export orders > orders.ndjson
  connector-host export orders --output csv --columns id,state,total > orders.csv
  connector-host export order-lines --connection shop-7 | jq .sku")]
pub struct ExportArgs {
    /// Name of the object
    pub object: String,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When nothing is kept of the object, or the output cannot be written.
pub async fn run(args: &ExportArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    // Without a connector, what is kept says what there is.
    let columns = match context.options.component.as_deref() {
        Some(file) if !file.is_empty() && args.columns.columns.is_some() => {
            let connector = context.connector_with(&args.object).await?;
            args.columns.of(&connector, &args.object).await?
        }
        _ => args.columns.clone(),
    };
    let mut out = context.output(&columns);
    let mut after: Option<String> = None;
    loop {
        let some = database.records(&row.id, &args.object, after.as_deref(), AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id.clone());
        out.rows(some.iter().map(|record| OutputRow { id: &record.id, data: &record.data }))?;
    }
    if after.is_none() {
        let scans = database.scans(&row.id).await?;
        let is_known = scans.iter().any(|scan| scan.object == args.object && scan.pages > 0)
            || database.count(&row.id, &args.object).await? != (0, 0, 0);
        // A derived object of which there is no record cannot be told from one that is not there.
        if !is_known {
            let text = format!("nothing is kept of {} for {}", args.object, row.name);
            return Err(Usage::new(text)
                .next(format!("`sync {}` reads and keeps it", args.object))
                .into());
        }
    }
    out.end()
}
