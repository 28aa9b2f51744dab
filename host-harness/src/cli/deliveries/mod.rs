//! `deliveries`: what was received.

mod list;
mod replay;
mod show;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use host_harness::store::{Sqlite, Store as _};
use host_harness::webhooks::{DeliveryRow, Effect, EventRow, EventState};
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::output::date;

/// Shows the deliveries that `listen` received. Those that were applied are kept for 72 hours.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what was received
    List(list::Args),
    /// Show one delivery whole, as `replay` reads it
    Show(show::Args),
    /// Hand a saved delivery to the connector, and show what it says
    Replay(replay::Args),
}

/// Runs the command.
///
/// # Errors
/// Those of the command.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Replay(args) => replay::run(args, context).await,
    }
}

/// Names of connections by their ids.
///
/// # Errors
/// When the state cannot be used.
pub async fn names(database: &Sqlite) -> Result<BTreeMap<String, String>> {
    Ok(database.connections().await?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// An event, for people and programs.
pub fn event(row: &EventRow) -> Value {
    json!({
        "number": row.number,
        "id": row.id,
        "object": row.object,
        "name": row.name,
        "occurred_at": row.occurred_at,
        "effect": effect(&row.effect),
        "record": row.effect.record(),
        "state": match row.state {
            EventState::Waiting => "waiting",
            EventState::Done => "done",
            EventState::Dead => "dead",
        },
        "attempts": row.attempts,
        "next": row.next_ms.map(date),
        "reason": row.reason,
    })
}

/// The word for an effect.
pub fn effect(effect: &Effect) -> &'static str {
    match effect {
        Effect::Upserted(_) => "upserted",
        Effect::Deleted(_) => "deleted",
        Effect::Changed(_) => "changed",
        Effect::Nothing => "nothing",
        Effect::Unreadable => "unreadable",
    }
}

/// A delivery without its headers and body.
fn summary(row: &DeliveryRow, names: &BTreeMap<String, String>) -> Value {
    json!({
        "number": row.number,
        "connection": names.get(&row.connection).unwrap_or(&row.connection),
        "received": date(row.received_ms),
        "bytes": row.bytes,
        "events": row.events.iter().map(event).collect::<Vec<_>>(),
    })
}
