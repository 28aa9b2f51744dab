//! `get`: one record.

use anyhow::{Context as _, Result};

use super::columns;
use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, Row, record};
use super::view::Part;

/// Fetches one record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host get orders 1234
  connector-host get orders 1234 --fields state --option lang=de
  connector-host get orders 1234 --output json | jq .state")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// The record
    pub id: String,

    #[command(flatten)]
    pub part: Part,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When there is no such record, or it cannot be had.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let connector = context.connector_with(&args.object).await?;
    let columns = columns::of(&args.columns, &connector, &args.object).await?;
    let view = args.part.view(&connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let found = connection.get_view(&args.object, &args.id, &view).await;
    let found = found.with_context(|| format!("getting {} {}", args.object, args.id))?;
    let row = Row { id: &found.id, data: &found.data };
    context.watch.print(|| record(context.form(), &columns, row))?;
    Ok(Exit::Done)
}
