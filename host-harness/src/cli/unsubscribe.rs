//! `unsubscribe`: ends the events of an object, and erases the secrets that they had.

use anyhow::{Context as _, Result};
use host_harness::contract::types::ErrorKind;
use host_harness::runtime::CallError;

use super::context::Context;
use super::output::printable;
use super::state::{OpenState, StoredConnection, belongs};
use super::usage::Usage;

/// Ends a subscription that `subscribe` made: at the provider where it has an API for it, and here,
/// with the secrets that are the subscription's own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host unsubscribe orders
  connector-host unsubscribe orders --connection shop-7")]
pub struct UnsubscribeArgs {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// Forget it although the provider cannot be told
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// When there is none; when the provider could not be told, and then nothing is erased.
pub async fn run(args: &UnsubscribeArgs, context: &Context) -> Result<()> {
    let kept = StoredConnection::chosen(context).await?;
    let connector = context.connector_with(&args.object).await?;
    belongs(&kept.row, &connector)?;
    let OpenState { database, vault } = kept.state.clone();
    let there = database.subscriptions(Some(&kept.row.id)).await?;
    let Some(there) = there.into_iter().find(|row| row.object == args.object) else {
        let text = format!("no subscription to {} is kept", args.object);
        return Err(Usage::new(text).next("`status` shows those that are").into());
    };
    let row = kept.row.clone();
    let connection = context.connect_to(&connector, Some(kept)).await?;
    let id = there.id.unwrap_or_default();
    match connection.unsubscribe(&args.object, &id).await {
        Ok(()) => {}
        Err(CallError::Connector(error)) if error.kind == ErrorKind::NotFound => {}
        // A person does it: the text says how.
        Err(CallError::Connector(error)) if error.kind == ErrorKind::Unsupported => {
            context.watch.say(&printable(&error.message));
        }
        Err(why) if args.force => {
            context.watch.say(&printable(&format!("warning: {why}")));
        }
        told => told.with_context(|| {
            format!(
                "unsubscribing from {} (nothing was erased; --force erases it all the same)",
                args.object
            )
        })?,
    }
    vault.remove_of_subscription(&row, &args.object).await?;
    database.remove_subscription(&row.id, &args.object).await?;
    context.watch.mention(&format!("unsubscribed from {}", args.object));
    Ok(())
}
