//! Changes that a target did not take.

use anyhow::Result;
use host_harness::service::documents::ParkedDocument;
use host_harness::state::outbox::{WhichParked, plan::MOST_UNDELIVERED};
use host_harness::store::Database;

use super::named;
use crate::cli::context::Context;
use crate::cli::output::{Columns, counted};
use crate::cli::state::{StateDirectory, names, whose};
use crate::cli::usage::Usage;

/// Shows the changes that a target refused, or did not take for seven days; of all connections, or of
/// that of --connection. They are kept as long as changes are, for 30 days.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards parked shop --output table")]
pub struct ParkedArgs {
    /// The forward's name, as `forwards list` shows it
    name: String,

    #[command(flatten)]
    columns: Columns,
}

/// Has parked changes tried again, by the `listen` or `serve` that runs or the next one. They come
/// after later changes of their records that were taken meanwhile: the target can tell by `number`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards retry shop
  connector-host forwards retry shop 12 13 --connection shop-7")]
pub struct RetryParkedArgs {
    /// The forward's name, as `forwards list` shows it
    name: String,

    /// Numbers, as `forwards parked` shows them [default: all]
    numbers: Vec<u64>,
}

/// Forgets parked changes: the target will not get them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards drop shop
  connector-host forwards drop shop 12 13 --connection shop-7")]
pub struct DropParkedArgs {
    /// The forward's name, as `forwards list` shows it
    name: String,

    /// Numbers, as `forwards parked` shows them [default: all]
    numbers: Vec<u64>,
}

/// Runs `forwards parked`.
///
/// # Errors
/// [`Usage`] for a name or number that is not there; and when the state cannot be used.
pub async fn parked(args: &ParkedArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = named(&*database, &args.name).await?;
    let which = which(&[], context, &state, &*database).await?;
    let names = names(&*database).await?;
    let most = u32::try_from(MOST_UNDELIVERED).unwrap_or(u32::MAX);
    let mut out = context.output(&args.columns);
    for (left, change) in database.list_parked(&row.id, most).await? {
        if which.is_meant(&left.connection, left.change) {
            out.page([serde_json::to_value(ParkedDocument::of(&left, &change, &names))?])?;
        }
    }
    out.end()
}

/// Runs `forwards retry`.
///
/// # Errors
/// [`Usage`] for a name or number that is not there; and when the state cannot be used.
pub async fn retry(args: &RetryParkedArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = named(&*database, &args.name).await?;
    let which = which(&args.numbers, context, &state, &*database).await?;
    let count = database.retry_parked(&row.id, which).await?;
    done(context, "to be tried again", count, &args.numbers)
}

/// Runs `forwards drop`.
///
/// # Errors
/// [`Usage`] for a name or number that is not there; and when the state cannot be used.
pub async fn drop(args: &DropParkedArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = named(&*database, &args.name).await?;
    let which = which(&args.numbers, context, &state, &*database).await?;
    let count = database.drop_parked(&row.id, which).await?;
    done(context, "dropped", count, &args.numbers)
}

async fn which(
    numbers: &[u64],
    context: &Context,
    state: &StateDirectory,
    database: &dyn Database,
) -> Result<WhichParked> {
    let connection = whose(context, state, database).await?;
    Ok(WhichParked { connection, changes: numbers.to_vec() })
}

fn done(context: &Context, what: &str, count: u64, numbers: &[u64]) -> Result<()> {
    if count == 0 && !numbers.is_empty() {
        let text = "no parked change has such a number";
        return Err(Usage::new(text).next("`forwards parked` shows them").into());
    }
    context.watch.mention(&format!("{what}: {}", counted(count, "change")));
    Ok(())
}
