//! `dead-letters`: what could not be read or applied.

mod drop;
mod list;
mod replay;

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;
use super::usage::Usage;

/// Shows what `sync` could not read, and deliveries that `listen` gave up on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the dead letters
    List(list::Args),
    /// Have deliveries applied again
    Replay(replay::Args),
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
        Command::Replay(args) => replay::run(args, context).await,
        Command::Drop(args) => drop::run(args, context).await,
    }
}

/// The number of a dead letter: `3` came with a scan, `e3` with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// An item of a page.
    Record(u64),
    /// An event of a delivery.
    Event(u64),
}

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.strip_prefix('e') {
            Some(digits) => digits.parse().map(Self::Event),
            None => text.parse().map(Self::Record),
        };
        number.map_err(|_| "write a number as `dead-letters list` shows it".to_owned())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(number) => write!(f, "{number}"),
            Self::Event(number) => write!(f, "e{number}"),
        }
    }
}

/// [`Usage`] if any number was not there.
fn missing(absent: &[Number]) -> Result<(), Usage> {
    if absent.is_empty() {
        return Ok(());
    }
    let absent: Vec<String> = absent.iter().map(Number::to_string).collect();
    let text = format!("no dead letter has the number {}", absent.join(", "));
    Err(Usage::new(text).next("`dead-letters list` shows them"))
}
