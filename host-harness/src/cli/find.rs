//! `find`: what a create would collide with.

use anyhow::{Context as _, Result};

use super::columns;
use super::context::Context;
use super::exit::Exit;
use super::input::Data;
use super::output::{Columns, Row, counted, records};

/// Looks for records that are there already. Changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host find orders --data '{\"number\":\"1001\"}'
  connector-host find orders --data @order.json --output json")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When it cannot be told.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let input = args.data.read().await?;
    let connector = context.connector_with(&args.object).await?;
    let columns = columns::of(&args.columns, &connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let found = connection.find(&args.object, &input).await;
    let found = found.with_context(|| format!("finding {}", args.object))?;
    let rows: Vec<Row<'_>> =
        found.iter().map(|record| Row { id: &record.id, data: &record.data }).collect();
    let mut out = records(context.form(), &columns);
    context.watch.print(|| out.page(&rows).and_then(|()| out.end()))?;
    let records = counted(rows.len() as u64, "record");
    context.watch.mention(&format!("{records} found"));
    Ok(Exit::Done)
}
