//! `disconnect`: gives a grant back, and erases everything that is kept for a connection.

use anyhow::{Context as _, Result};
use host_harness::contract::types::ErrorKind;
use host_harness::grants;
use host_harness::runtime::CallError;
use host_harness::store::{Change, GrantRow, GrantState};

use super::connecting::with_kept;
use super::context::Context;
use super::output::printable;
use super::state::{StoredConnection, belongs};

/// Ends a connection: gives its grant back where the provider offers that, and erases what is kept
/// for it, its key first of all, so that no copy of it can be opened either.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host disconnect
  connector-host disconnect --connection shop-7")]
pub struct DisconnectArgs {
    /// Erase it although the provider cannot be told
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// When it is not there; when the provider could not be told, and then nothing is erased.
pub async fn run(args: &DisconnectArgs, context: &Context) -> Result<()> {
    let kept = StoredConnection::chosen(context).await?;
    let grant = kept.state.vault.store().grant(&kept.row.id).await?;
    if let Some(grant) = grant.filter(|grant| grant.state != GrantState::Ended) {
        let told = give_back(context, &kept, &grant).await;
        match told {
            Err(why) if args.force => context.watch.say(&printable(&format!("warning: {why:#}"))),
            told => told.context(
                "giving the grant back (nothing was erased; --force erases it all the same)",
            )?,
        }
    }
    let erase = Change::RemoveConnection { id: kept.row.id.clone() };
    kept.state.vault.store().commit(vec![erase]).await?;
    // What it had is off the disk when this ends.
    while kept.state.vault.store().maintain().await? {}
    context.watch.mention(&format!("disconnected {}", kept.row.name));
    Ok(())
}

async fn give_back(context: &Context, kept: &StoredConnection, grant: &GrantRow) -> Result<()> {
    let connector = context.connector().await?;
    let (vault, row) = (&kept.state.vault, &kept.row);
    belongs(row, &connector)?;
    let tokens = grants::open(&vault.key(row)?, &row.id, grant.epoch, &grant.sealed_tokens)?;
    let builder = with_kept(context.surroundings(&connector), kept, Some(grant));
    let builder = builder.secrets(kept.secrets().await?);
    match builder.build().await?.authority().revoke(tokens).await {
        Ok(()) => Ok(()),
        Err(CallError::Connector(error)) if error.kind == ErrorKind::Unsupported => {
            context.watch.say(&printable(&error.message));
            Ok(())
        }
        // It is gone already.
        Err(CallError::Connector(error)) if error.kind == ErrorKind::Unauthenticated => Ok(()),
        Err(why) => Err(why.into()),
    }
}
