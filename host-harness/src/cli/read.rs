//! `get` and `find`: one record, and those that a create would collide with.

use anyhow::{Context as _, Result};

use super::context::Context;
use super::input::DataOption;
use super::output::{Columns, OutputRow, counted, record};
use super::view::ViewOptions;

/// Fetches one record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host get orders 1234
  connector-host get orders 1234 --fields state --option lang=de
  connector-host get orders 1234 --output json | jq .state")]
pub struct GetArgs {
    /// Name of the object, as `objects` shows it
    object: String,

    /// The record
    id: String,

    #[command(flatten)]
    part: ViewOptions,

    #[command(flatten)]
    columns: Columns,
}

/// Looks for records that are there already. Changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host find orders --data '{\"number\":\"1001\"}'
  connector-host find orders --data @order.json --output json")]
pub struct FindArgs {
    /// Name of the object, as `objects` shows it
    object: String,

    #[command(flatten)]
    data: DataOption,

    #[command(flatten)]
    columns: Columns,
}

/// Runs `get`.
///
/// # Errors
/// When there is no such record, or it cannot be had.
pub async fn get(args: &GetArgs, context: &Context) -> Result<()> {
    let connector = context.connector_with(&args.object).await?;
    let columns = args.columns.of(&connector, &args.object).await?;
    let view = args.part.view(&connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let found = connection.get_view(&args.object, &args.id, &view).await;
    let found = found.with_context(|| format!("getting {} {}", args.object, args.id))?;
    context.watch.print(|| record(context.form(), &columns, OutputRow::from(&found)))
}

/// Runs `find`.
///
/// # Errors
/// When it cannot be told.
pub async fn find(args: &FindArgs, context: &Context) -> Result<()> {
    let input = args.data.read().await?;
    let connector = context.connector_with(&args.object).await?;
    let columns = args.columns.of(&connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let found = connection.find(&args.object, &input).await;
    let found = found.with_context(|| format!("finding {}", args.object))?;
    let mut out = context.output(&columns);
    out.rows(&found)?;
    out.end()?;
    let records = counted(found.len() as u64, "record");
    context.watch.mention(&format!("{records} found"));
    Ok(())
}
