//! `dead-letters replay`: tries some of them again.

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::webhooks::Inbox as _;

use super::{Number, missing};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::counted;
use crate::cli::state::{State, clock};
use crate::cli::usage::Usage;

/// Has deliveries that were given up applied again, by the `listen` or `serve` that runs or the
/// next one. What a scan could not read is read again by the next scan.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters replay e4
  connector-host dead-letters list | jq -r 'select(.delivery).number' | \\
      xargs connector-host dead-letters replay")]
pub struct Args {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    pub numbers: Vec<Number>,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage for a number that is not there or not a delivery's, after the others have been
/// tried.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let database = State::needed(context)?.database().await?;
    let now_ms = unix_ms(clock().now());
    let (mut absent, mut of_scans) = (Vec::new(), Vec::new());
    for number in &args.numbers {
        match *number {
            Number::Record(_) => of_scans.push(number.to_string()),
            Number::Event(event) if database.replay(event, now_ms).await? => {}
            Number::Event(_) => absent.push(*number),
        }
    }
    let again = (args.numbers.len() - absent.len() - of_scans.len()) as u64;
    context.watch.mention(&format!("to be applied again: {}", counted(again, "event")));
    if !of_scans.is_empty() {
        let text = format!("{} came with a scan, not with a delivery", of_scans.join(", "));
        return Err(Usage::new(text).next("`sync --full` reads everything again").into());
    }
    missing(&absent)?;
    Ok(Exit::Done)
}
