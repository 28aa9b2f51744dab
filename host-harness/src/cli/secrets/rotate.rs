//! `secrets rotate`: a new version beside the one before.

use std::time::Duration;

use anyhow::Result;
use host_harness::vault::OVERLAP;

use super::{Source, must_be_kept};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::state::Kept;

/// Keeps a new version of a secret, and uses it from now on. What others signed with the one
/// before is accepted until the overlap ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets rotate webhook-secret
  connector-host secrets rotate webhook-secret --overlap 30m --from-env NEW_SECRET")]
pub struct Args {
    /// Name of the secret, as `secrets list` shows it
    pub name: String,

    #[command(flatten)]
    pub source: Source,

    /// How long the version before serves: 72h, 30m, 90s, 7d, or 0 [default: 72h]
    #[arg(long, value_name = "TIME", value_parser = crate::cli::input::span)]
    pub overlap: Option<Duration>,
}

/// Runs the command.
///
/// # Errors
/// When there is none to rotate, or the new one was not kept.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let kept = Kept::chosen(context).await?;
    must_be_kept(&args.name, &kept.vault.list(&kept.row).await?)?;
    let value = args.source.read(context, &args.name).await?;
    let overlap = args.overlap.unwrap_or(OVERLAP);
    let version = kept.vault.put(&kept.row, &args.name, &value, overlap).await?;
    let (name, whose) = (&args.name, &kept.row.name);
    context.watch.mention(&format!("kept {name}, version {version}, for the connection {whose}"));
    Ok(Exit::Done)
}
