//! `secrets remove`: erases a secret.

use anyhow::Result;

use super::must_be_kept;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::state::Kept;

/// Erases every version of a secret. What the provider knows stays: end it there too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets remove api-key
  connector-host secrets remove api-key --connection shop-7")]
pub struct Args {
    /// Name of the secret, as `secrets list` shows it
    pub name: String,
}

/// Runs the command.
///
/// # Errors
/// When there is none.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let kept = Kept::chosen(context).await?;
    must_be_kept(&args.name, &kept.vault.list(&kept.row).await?)?;
    kept.vault.remove(&kept.row, &args.name).await?;
    context.watch.mention(&format!("erased {} of the connection {}", args.name, kept.row.name));
    Ok(Exit::Done)
}
