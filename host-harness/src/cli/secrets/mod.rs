//! `secrets`: what is kept so that it need not be handed over with each call.

mod list;
mod remove;
mod rewrap;
mod rotate;
mod set;
mod source;
pub mod typed;

use anyhow::Result;
use clap::Subcommand;
use host_harness::vault::Version;

pub use self::source::Source;
pub use self::source::content;
use super::context::Context;
use super::exit::Exit;
use super::nearest::unknown;
use super::usage::Usage;

/// Keeps the secrets of a connection, sealed, in the directory of --state.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a secret, in place of the one before
    Set(set::Args),
    /// Show which secrets are kept, without their values
    List(list::Args),
    /// Keep a new version of a secret; the one before serves beside it for a while
    Rotate(rotate::Args),
    /// Erase a secret
    Remove(remove::Args),
    /// Seal what is kept by another master key
    Rewrap(rewrap::Args),
}

/// Runs the command.
///
/// # Errors
/// Those of the command.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        Command::Set(args) => set::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
        Command::Rotate(args) => rotate::run(args, context).await,
        Command::Remove(args) => remove::run(args, context).await,
        Command::Rewrap(args) => rewrap::run(args, context).await,
    }
}

/// Whether a secret of this name is among `kept`.
fn must_be_kept(name: &str, kept: &[Version]) -> Result<(), Usage> {
    let mut names: Vec<&str> = kept.iter().map(|version| version.name.as_str()).collect();
    names.dedup();
    if names.contains(&name) { Ok(()) } else { Err(unknown("kept secret", name, &names)) }
}
