//! `dead-letters drop`: forgets some of them.

use anyhow::Result;
use host_harness::mirror::Mirror as _;

use crate::cli::context::Context;
use crate::cli::errors::Usage;
use crate::cli::exit::Exit;
use crate::cli::output::counted;
use crate::cli::state::State;

/// Forgets dead letters. One that comes again is kept again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters drop 3 4
  connector-host dead-letters list | jq .number | xargs connector-host dead-letters drop")]
pub struct Args {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    pub numbers: Vec<u64>,
}

/// Runs the command.
///
/// # Errors
/// [`Usage`] for a number that is not there, after the others have been dropped.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let database = State::needed(context)?.database().await?;
    let mut missing = Vec::new();
    for number in &args.numbers {
        if !database.remove_dead_letter(*number).await? {
            missing.push(number.to_string());
        }
    }
    let dropped = (args.numbers.len() - missing.len()) as u64;
    context.watch.mention(&format!("dropped {}", counted(dropped, "dead letter")));
    match missing.is_empty() {
        true => Ok(Exit::Done),
        false => {
            let text = format!("no dead letter has the number {}", missing.join(", "));
            Err(Usage::new(text).next("`dead-letters list` shows them").into())
        }
    }
}
