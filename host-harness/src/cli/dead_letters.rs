//! `dead-letters`: what could not be read or applied.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::mirror::Mirror as _;
use host_harness::webhooks::Inbox as _;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, counted, date};
use super::state::{State, clock, names, whose};
use super::usage::Usage;

/// Shows what `sync` could not read, and deliveries that `listen` gave up on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

subcommands! {
    /// Show the dead letters
    List(List) by list,
    /// Have deliveries applied again
    Replay(Replay) by replay,
    /// Forget dead letters
    Drop(Drop) by drop,
}

/// Shows the dead letters, oldest first; of all connections, or of that of --connection. Those of
/// deliveries have numbers that begin with e.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters list --output table
  connector-host dead-letters list | jq -r .raw")]
struct List {
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
struct Replay {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    numbers: Vec<Number>,
}

/// Forgets dead letters. One that comes again is kept again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters drop 3 e4
  connector-host dead-letters list | jq -r .number | xargs connector-host dead-letters drop")]
struct Drop {
    /// Their numbers, as `dead-letters list` shows them
    #[arg(required = true)]
    numbers: Vec<Number>,
}

/// Runs the command.
///
/// # Errors
/// Those of the command.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    args.command.run(context).await
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

async fn list(args: &List, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let database = state.database().await?;
    let whose = whose(context, &state, &database).await?;
    let names = names(&database).await?;
    let name = |id: &String| names.get(id).unwrap_or(id).clone();
    let mut out = context.output(&args.columns);
    for letter in database.dead_letters(whose.as_deref()).await? {
        let number = Number::Record(letter.number).to_string();
        let json = json!({
            "number": number,
            "connection": name(&letter.connection),
            "object": letter.object,
            "id": letter.id,
            "at": date(letter.at_ms),
            "reason": letter.reason,
            "raw": letter.raw,
        });
        out.json(number, json)?;
    }
    for event in database.dead_events(whose.as_deref()).await? {
        let delivery = database.delivery(event.delivery).await?;
        let body = delivery.map(|row| row.body).unwrap_or_default();
        let number = Number::Event(event.number).to_string();
        let json = json!({
            "number": number,
            "connection": name(&event.connection),
            "object": event.object,
            "id": event.effect.record(),
            "at": date(event.received_ms),
            "reason": event.reason,
            "raw": String::from_utf8_lossy(&body),
            "delivery": event.delivery,
            "event": event.id,
            "effect": event.effect.word(),
        });
        out.json(number, json)?;
    }
    out.end()?;
    Ok(Exit::Done)
}

/// A number that is not there, or not a delivery's, is wrong usage, after the others were tried.
async fn replay(args: &Replay, context: &Context) -> Result<Exit> {
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

/// A number that is not there is wrong usage, after the others were dropped.
async fn drop(args: &Drop, context: &Context) -> Result<Exit> {
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

/// [`Usage`] if any number was not there.
fn missing(absent: &[Number]) -> Result<(), Usage> {
    if absent.is_empty() {
        return Ok(());
    }
    let absent: Vec<String> = absent.iter().map(Number::to_string).collect();
    let text = format!("no dead letter has the number {}", absent.join(", "));
    Err(Usage::new(text).next("`dead-letters list` shows them"))
}
