//! `dead-letters`: what could not be read or applied.

use anyhow::Result;
pub use host_harness::service::documents::DeadLetterNumber;
use host_harness::service::documents::dead_letters;

use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, counted};
use super::state::{StateDirectory, names, whose};
use super::usage::Usage;

/// Dead letters that are read at once.
const AT_ONCE: u32 = 100;

subcommands! {
    /// Shows what `sync` could not read, and deliveries that `listen` gave up on.
    DeadLettersArgs:

    /// Show the dead letters
    List(ListDeadLettersArgs) by list,
    /// Have deliveries applied again
    Replay(ReplayDeadLettersArgs) by replay,
    /// Forget dead letters
    Drop(DropDeadLettersArgs) by drop,
}

/// Shows the dead letters, oldest first; of all connections, or of that of --connection. Those of
/// deliveries have numbers that begin with e.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters list --output table
  connector-host dead-letters list | jq -r .raw")]
struct ListDeadLettersArgs {
    #[command(flatten)]
    columns: Columns,
}

/// Has deliveries that were given up applied again, by the `listen` or `serve` that runs or the
/// next one. What a scan could not read is read again by the next scan.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters replay e4
  connector-host dead-letters list | jq -r 'select(.delivery).number' | \\
      xargs connector-host dead-letters replay")]
struct ReplayDeadLettersArgs {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    numbers: Vec<DeadLetterNumber>,
}

/// Forgets dead letters. One that comes again is kept again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters drop 3 e4
  connector-host dead-letters list | jq -r .number | xargs connector-host dead-letters drop")]
struct DropDeadLettersArgs {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    numbers: Vec<DeadLetterNumber>,
}

async fn list(args: &ListDeadLettersArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let whose = whose(context, &state, &*database).await?;
    let names = names(&*database).await?;
    let mut out = context.output(&args.columns);
    let mut after = None;
    loop {
        let page = dead_letters(&*database, whose.as_deref(), &names, after, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = last.number.parse().ok();
        out.page(page.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?)?;
    }
    out.end()
}

/// A number that is not there, or not a delivery's, is wrong usage, after the others were tried.
async fn replay(args: &ReplayDeadLettersArgs, context: &Context) -> Result<()> {
    let database = StateDirectory::needed(context)?.database().await?;
    let (mut absent, mut of_scans) = (Vec::new(), Vec::new());
    for number in &args.numbers {
        match *number {
            DeadLetterNumber::Record(_) => of_scans.push(number.to_string()),
            DeadLetterNumber::Event(event) if database.replay(event).await? => {}
            DeadLetterNumber::Event(_) => absent.push(*number),
        }
    }
    let again = (args.numbers.len() - absent.len() - of_scans.len()) as u64;
    context.watch.mention(&format!("to be applied again: {}", counted(again, "event")));
    if !of_scans.is_empty() {
        let text = format!("{} came with a scan, not with a delivery", of_scans.join(", "));
        return Err(Usage::new(text).next("`sync --full` reads everything again").into());
    }
    missing(&absent)?;
    Ok(())
}

/// A number that is not there is wrong usage, after the others were dropped.
async fn drop(args: &DropDeadLettersArgs, context: &Context) -> Result<()> {
    let database = StateDirectory::needed(context)?.database().await?;
    let mut absent = Vec::new();
    for number in &args.numbers {
        let was_there = match *number {
            DeadLetterNumber::Record(number) => database.remove_dead_letter(number).await?,
            DeadLetterNumber::Event(number) => database.drop_event(number).await?,
        };
        if !was_there {
            absent.push(*number);
        }
    }
    let dropped = (args.numbers.len() - absent.len()) as u64;
    context.watch.mention(&format!("dropped {}", counted(dropped, "dead letter")));
    missing(&absent)?;
    Ok(())
}

/// [`Usage`] if any number was not there.
fn missing(absent: &[DeadLetterNumber]) -> Result<(), Usage> {
    if absent.is_empty() {
        return Ok(());
    }
    let absent: Vec<String> = absent.iter().map(DeadLetterNumber::to_string).collect();
    let text = format!("no dead letter has the number {}", absent.join(", "));
    Err(Usage::new(text).next("`dead-letters list` shows them"))
}
