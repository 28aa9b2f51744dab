//! `create`, `update` and `delete`: one record, written once.

use anyhow::{Context as _, Result};
use host_harness::contract::batches::{Operation, Patch, Removal};
use host_harness::retry::first_attempt;
use host_harness::runtime::id_of;

use super::context::{Context, describe};
use super::input::DataOption;
use super::output::{Columns, OutputRow, printable, record};
use super::plan;
use host_harness::service::documents::hidden;

/// Makes a record, and prints it. An answer that is lost is looked for before anything
/// is sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host create orders --data '{\"number\":\"1001\"}'
  connector-host create orders --data @order.json --dry-run
  generate-order | connector-host create orders --data -")]
pub struct CreateArgs {
    /// Name of the object, as `objects` shows it
    object: String,

    #[command(flatten)]
    data: DataOption,

    /// Show the request, and do not send it
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    columns: Columns,
}

/// Changes members of a record by a JSON Merge Patch (RFC 7396), and prints it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host update orders 1234 --data '{\"note\":\"leave at the door\"}'
  connector-host update orders 1234 --data '{\"note\":null}' --dry-run")]
pub struct UpdateArgs {
    /// Name of the object, as `objects` shows it
    object: String,

    /// The record
    id: String,

    #[command(flatten)]
    data: DataOption,

    /// Show the request, and do not send it; reads that come before it are made
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    columns: Columns,
}

/// Removes a record. Prints nothing on stdout.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host delete orders 1234
  connector-host delete orders 1234 --dry-run")]
pub struct DeleteArgs {
    /// Name of the object, as `objects` shows it
    object: String,

    /// The record
    id: String,

    /// Show the request, and do not send it
    #[arg(long)]
    dry_run: bool,
}

/// Runs `create`.
///
/// # Errors
/// When it was not made, or that cannot be told.
pub async fn create(args: &CreateArgs, context: &Context) -> Result<()> {
    let write = Operation::Create(args.data.read().await?);
    run(context, &args.object, &args.columns, args.dry_run, &write).await
}

/// Runs `update`.
///
/// # Errors
/// When it was not changed, or that cannot be told.
pub async fn update(args: &UpdateArgs, context: &Context) -> Result<()> {
    let patch = args.data.read().await?;
    let write = Operation::Update(Patch { id: args.id.clone(), patch, expected: None });
    run(context, &args.object, &args.columns, args.dry_run, &write).await
}

/// Runs `delete`.
///
/// # Errors
/// When it was not there, was not removed, or that cannot be told.
pub async fn delete(args: &DeleteArgs, context: &Context) -> Result<()> {
    let write = Operation::Delete(Removal { id: args.id.clone(), expected: None });
    run(context, &args.object, &Columns::default(), args.dry_run, &write).await
}

async fn run(
    context: &Context,
    object: &str,
    columns: &Columns,
    dry_run: bool,
    write: &Operation,
) -> Result<()> {
    let connector = context.connector_with(object).await?;
    let columns = columns.of(&connector, object).await?;
    // A record that comes back may have members that no schema knows, but a slip must not be noticed
    // only when the write is done.
    columns.check()?;
    let (connection, writer) = context.writer(&connector).await?;
    let what = || match write {
        Operation::Create(_) => format!("creating a record of {object}"),
        Operation::Update(patch) => format!("updating {object} {}", patch.id),
        Operation::Delete(removal) => format!("deleting {object} {}", removal.id),
    };
    if dry_run {
        let descriptor = describe(&connector, object).await?;
        let planned = connection.plan(object, write).await.with_context(what)?;
        let (schema, input) = match write {
            Operation::Create(input) => (descriptor.create_schema.as_deref(), input.as_str()),
            Operation::Update(patch) => (descriptor.update_schema.as_deref(), patch.patch.as_str()),
            Operation::Delete(_) => (None, ""),
        };
        return plan::show(context, planned, &hidden::values(schema, input));
    }
    let attempt = first_attempt()?;
    let written = match write {
        Operation::Create(input) => {
            let created = writer.create(object, input, &attempt);
            let created = Box::pin(created).await.with_context(what)?;
            if created.found {
                context.watch.say(
                    "note: the provider's answer was lost; the record was looked for, and is there",
                );
            }
            created.written
        }
        Operation::Update(patch) => {
            let updated = writer.update(object, patch, &attempt);
            Box::pin(updated).await.with_context(what)?
        }
        Operation::Delete(removal) => {
            let deleted = writer.delete(object, removal, &attempt);
            Box::pin(deleted).await.with_context(what)?;
            context.watch.mention(&format!("deleted {object} {}", removal.id));
            return Ok(());
        }
    };
    // One that cannot be read now was written all the same, so its id is shown.
    let id = id_of(&written.item).to_owned();
    let data = match connection.whole(object, written.item).await {
        Ok(item) => item.data,
        Err(why) => {
            let why = printable(&why.to_string());
            context.watch.say(&format!("note: it was written, and cannot be shown whole: {why}"));
            serde_json::json!({ "id": id }).to_string()
        }
    };
    context.watch.print(|| record(context.form(), &columns, OutputRow { id: &id, data: &data }))
}
