//! `connections`: which ones are kept.

mod list;
mod rename;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;

/// Shows and names the connections that are kept in the directory of --state.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the kept connections
    List(list::Args),
    /// Give a kept connection another name
    Rename(rename::Args),
}

/// Runs the command.
///
/// # Errors
/// Those of the command.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Rename(args) => rename::run(args, context).await,
    }
}
