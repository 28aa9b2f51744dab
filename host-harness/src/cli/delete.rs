//! `delete`: removes a record.

use anyhow::{Context as _, Result};
use host_harness::contract::batches::{Operation, Removal};

use super::context::Context;
use super::exit::Exit;
use super::plan;

/// Removes a record. Prints nothing on stdout.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host delete orders 1234
  connector-host delete orders 1234 --dry-run")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// The record
    pub id: String,

    /// Show the request, and do not send it
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// When it was not there, was not removed, or that cannot be told.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let connector = context.connector_with(&args.object).await?;
    let connection = context.connect(&connector).await?;
    let what = || format!("deleting {} {}", args.object, args.id);
    if args.dry_run {
        let write = Operation::Delete(Removal { id: args.id.clone(), expected: None });
        let planned = connection.plan(&args.object, &write).await.with_context(what)?;
        return plan::show(context, planned, &[]);
    }
    let deleted = Box::pin(connection.delete(&args.object, &args.id)).await;
    deleted.with_context(what)?;
    let (object, id) = (&args.object, &args.id);
    context.watch.mention(&format!("deleted {object} {id}"));
    Ok(Exit::Done)
}
