//! `create`: makes a record, once.

use anyhow::{Context as _, Result};
use host_harness::contract::batches::Operation;
use host_harness::contract::types::Written;
use host_harness::runtime::{Connection, id_of};

use super::context::Context;
use super::exit::Exit;
use super::input::Data;
use super::output::{Columns, Row, printable, record};
use super::{columns, hidden, plan};

/// Makes a record, and prints it. An answer that is lost is looked for before anything
/// is sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host create orders --data '{\"number\":\"1001\"}'
  connector-host create orders --data @order.json --dry-run
  generate-order | connector-host create orders --data -")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    #[command(flatten)]
    pub data: Data,

    /// Show the request, and do not send it
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When it was not made, or that cannot be told.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let input = args.data.read().await?;
    let connector = context.connector_with(&args.object).await?;
    let columns = columns::before_writing(&args.columns, &connector, &args.object).await?;
    let connection = context.connect(&connector).await?;
    let what = || format!("creating a record of {}", args.object);
    if args.dry_run {
        let descriptor = connector.describe(&args.object).await.with_context(what)?;
        let planned = connection
            .plan(&args.object, &Operation::Create(input.clone()))
            .await
            .with_context(what)?;
        let hidden = hidden::values(descriptor.create_schema.as_deref(), &input);
        return plan::show(context, planned, &hidden);
    }
    let created = Box::pin(connection.create(&args.object, &input)).await.with_context(what)?;
    if created.found {
        context
            .watch
            .say("note: the provider's answer was lost; the record was looked for, and is there");
    }
    written(context, &connection, &args.object, &columns, created.written).await
}

/// Prints the record that a write left behind. One that cannot be read now was written all the
/// same, so its id is shown.
///
/// # Errors
/// When nothing can be printed.
pub async fn written(
    context: &Context,
    connection: &Connection,
    object: &str,
    columns: &Columns,
    written: Written,
) -> Result<Exit> {
    let id = id_of(&written.item).to_owned();
    let data = match connection.whole(object, written.item).await {
        Ok(item) => item.data,
        Err(why) => {
            let why = printable(&why.to_string());
            context.watch.say(&format!("note: it was written, and cannot be shown whole: {why}"));
            serde_json::json!({ "id": id }).to_string()
        }
    };
    context.watch.print(|| record(context.form(), columns, Row { id: &id, data: &data }))?;
    Ok(Exit::Done)
}
