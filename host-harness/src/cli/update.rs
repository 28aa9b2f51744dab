//! `update`: changes a record.

use anyhow::{Context as _, Result};
use host_harness::contract::batches::{Operation, Patch};

use super::context::Context;
use super::create::written;
use super::exit::Exit;
use super::input::Data;
use super::output::Columns;
use super::{columns, hidden, plan};

/// Changes members of a record by a JSON Merge Patch (RFC 7396), and prints it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host update orders 1234 --data '{\"note\":\"leave at the door\"}'
  connector-host update orders 1234 --data '{\"note\":null}' --dry-run")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// The record
    pub id: String,

    #[command(flatten)]
    pub data: Data,

    /// Show the request, and do not send it; reads that come before it are made
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When it was not changed, or that cannot be told.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let patch = args.data.read().await?;
    let connector = context.connector_with(&args.object).await?;
    let columns = columns::before_writing(&args.columns, &connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let what = || format!("updating {} {}", args.object, args.id);
    if args.dry_run {
        let (id, expected) = (args.id.clone(), None);
        let write = Operation::Update(Patch { id, patch: patch.clone(), expected });
        let descriptor = connector.describe(&args.object).await.with_context(what)?;
        let planned = connection.plan(&args.object, &write).await.with_context(what)?;
        let hidden = hidden::values(descriptor.update_schema.as_deref(), &patch);
        return plan::show(context, planned, &hidden);
    }
    let updated = Box::pin(connection.update(&args.object, &args.id, &patch)).await;
    let updated = updated.with_context(what)?;
    written(context, &connection, &args.object, &columns, updated).await
}
