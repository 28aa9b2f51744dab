//! `dead-letters`: what could not be read or applied.

mod drop;
mod list;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;

/// Shows what `sync` could not read or apply. Nothing of it is tried again by itself.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the dead letters
    List(list::Args),
    /// Forget dead letters
    Drop(drop::Args),
}

/// Runs the command.
///
/// # Errors
/// Those of the command.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Drop(args) => drop::run(args, context).await,
    }
}
