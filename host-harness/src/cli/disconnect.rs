//! `disconnect`: gives a grant back, and erases everything that is kept for a connection.

use anyhow::{Context as _, Result};
use host_harness::connect;
use host_harness::store::GrantRow;

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
    let vault = &kept.state.vault;
    if let Some(grant) = connect::live_grant(vault, &kept.row).await? {
        let told = give_back(context, &kept, &grant).await;
        match told {
            Err(why) if args.force => context.watch.say(&printable(&format!("warning: {why:#}"))),
            told => told.context(
                "giving the grant back (nothing was erased; --force erases it all the same)",
            )?,
        }
    }
    connect::remove(vault, &kept.row).await?;
    // Piece by piece, beside others that write.
    while vault.store().maintain().await.context("erasing what is left of it")? {}
    context.watch.mention(&format!("disconnected {}", kept.row.name));
    Ok(())
}

async fn give_back(context: &Context, kept: &StoredConnection, grant: &GrantRow) -> Result<()> {
    let connector = context.connector().await?;
    belongs(&kept.row, &connector)?;
    let builder = with_kept(context.surroundings(&connector), kept, Some(grant));
    let authority = builder.secrets(kept.secrets().await?).build().await?.authority();
    let left = connect::give_back(&kept.state.vault, &kept.row, grant, &authority).await?;
    if let Some(left) = left {
        context.watch.say(&printable(&left));
    }
    Ok(())
}
