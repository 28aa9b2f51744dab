//! `dead-letters drop`: forgets some of them.

use anyhow::Result;
use host_harness::mirror::Mirror as _;
use host_harness::webhooks::Inbox as _;

use super::{Number, missing};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::counted;
use crate::cli::state::State;

/// Forgets dead letters. One that comes again is kept again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters drop 3 e4
  connector-host dead-letters list | jq -r .number | xargs connector-host dead-letters drop")]
pub struct Args {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    pub numbers: Vec<Number>,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage for a number that is not there, after the others have been dropped.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let database = State::needed(context)?.database().await?;
    let mut absent = Vec::new();
    for number in &args.numbers {
        let was_there = match *number {
            Number::Record(number) => database.remove_dead_letter(number).await?,
            Number::Event(number) => database.drop_event(number).await?,
        };
        if !was_there {
            absent.push(*number);
        }
    }
    let dropped = (args.numbers.len() - absent.len()) as u64;
    context.watch.mention(&format!("dropped {}", counted(dropped, "dead letter")));
    missing(&absent)?;
    Ok(Exit::Done)
}
