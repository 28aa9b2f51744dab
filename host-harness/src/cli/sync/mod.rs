//! `sync`: brings what is kept of the provider's records up to date.

mod lines;
mod reader;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::value_parser;
use host_harness::service::hosts::WorkShare;
use host_harness::service::jobs::{Jobs, Shutdown, Supervisor};
use host_harness::service::maintenance;
use host_harness::sync::{Catalog, PullOptions, Rhythm, Synced, Turns};

use self::lines::RunResults;
use self::reader::SyncReader;
use super::context::Context;
use super::exit::Exit;
use super::input::{interval, span};
use super::listen::reporting;
use super::state::{DEFAULT, OpenState, StateDirectory, StoredConnection, name};
use super::usage::{Usage, unknown};

/// Reads what changed since the last time, or everything when that is due, and keeps it in the
/// directory of --state. It may be stopped at any point; the next run goes on from there.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "Examples:
  connector-host sync
  connector-host sync orders --full
  connector-host sync --every 5m --full-every 7d
  connector-host sync --all --every 15m
  connector-host sync --reset orders

What is read: at first, and every --full-every, everything; once a day, what changed since 72 hours
before; else what changed since the last time. `changes` shows what came of it, `export` the
records, `status` how far it is.

Records that a full scan does not see are looked up one by one before they count as removed.

With --every it goes on until Ctrl-C or SIGTERM, and connections, settings and secrets that are
kept meanwhile are used within seconds.

It ends with 3 when some objects or connections failed, or were left to another process.")]
pub struct SyncArgs {
    /// Only these objects [default: all that can be listed]
    pub objects: Vec<String>,

    /// Read everything, whatever is due
    #[arg(long)]
    pub full: bool,

    /// Go on, and read again each time so much has passed
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub every: Option<Duration>,

    /// Read everything each time so much has passed
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    pub full_every: Duration,

    /// Forget what is kept of this object before reading; its changes stay
    #[arg(long, value_name = "OBJECT")]
    pub reset: Option<String>,

    /// Every kept connection of this connector
    #[arg(long, conflicts_with = "reset")]
    pub all: bool,

    /// Believe a full scan that misses many records: remove those that the provider does not know
    #[arg(long)]
    pub sweep_anyway: bool,

    /// Ask for so many records at once
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub page_size: Option<u32>,
}

/// Runs the command.
///
/// # Errors
/// When it was called wrongly, or the state cannot be used. What an object or connection fails at
/// is said, and the others go on.
pub async fn run(args: &SyncArgs, context: &Context) -> Result<Exit> {
    if args.every.is_some() {
        let supervisor = Supervisor::new(context.shutdown.clone());
        follow(args, context, WorkShare::all(), supervisor.jobs(), &context.shutdown).await?;
        supervisor.run().await;
        return Ok(Exit::Done);
    }
    let (reader, connections) = prepare(args, context).await?;
    let store = Arc::clone(&reader.state.database);
    let exit = reader.once(connections, RunResults::new(context, false)).await?;
    maintenance::some(store.as_ref()).await.context("forgetting what is old")?;
    Ok(exit)
}

/// Reads the connections of `share` again and again, by `jobs`, until `stop`.
///
/// # Errors
/// As [`run`].
pub async fn follow(
    args: &SyncArgs,
    context: &Context,
    share: WorkShare,
    jobs: &Jobs,
    stop: &Shutdown,
) -> Result<()> {
    let (mut reader, _) = prepare(args, context).await?;
    reader.share = share;
    let store = Arc::clone(&reader.state.database) as _;
    maintenance::keep(jobs, store, reporting(context, maintenance::NAME))?;
    reader.follow(RunResults::new(context, true), jobs, stop).await
}

/// What reads, and the connections that there are to read.
async fn prepare(
    args: &SyncArgs,
    context: &Context,
) -> Result<(SyncReader, Vec<StoredConnection>)> {
    let directory = StateDirectory::needed(context)?;
    if args.all && name(context)?.is_some() {
        return Err(Usage::new("--all means every kept connection, and --connection names one")
            .next("leave one of them out; CONNECTOR_CONNECTION counts as --connection")
            .into());
    }
    let connector = context.connector().await?;
    let catalog = Catalog::of(&connector).await.context("describing the objects")?;
    let objects = chosen(args, &catalog)?;
    let named = (!args.all).then(|| name(context)).transpose()?;
    let named = named.map(|name| name.unwrap_or(DEFAULT).to_owned());
    let state = OpenState::needed(context, &connector, named.as_deref()).await?;
    let connections = state.connections(&connector.manifest().name, named.as_deref()).await?;
    if connections.is_empty() {
        let nothing = directory.nothing_kept();
        if args.every.is_none() {
            return Err(nothing.into());
        }
        context.watch.say(&format!("{nothing} yet; one that `connect` makes is read at once"));
    }
    if let Some(object) = args.reset.as_ref().and_then(|name| catalog.bringing(name)) {
        for stored in &connections {
            state.database.reset(&stored.row.id, &object.name).await?;
        }
        // What is forgotten is erased before anything new is read.
        while state.database.maintain().await? {}
    }
    let options = PullOptions {
        full: args.full || args.reset.is_some(),
        since_ms: None,
        rhythm: Rhythm { full_every: args.full_every },
        sweep_anyway: args.sweep_anyway,
        page_size: args.page_size,
    };
    let reader = SyncReader {
        context: context.clone(),
        connector,
        state,
        objects,
        options,
        every: args.every,
        name: named,
        share: WorkShare::all(),
        turns: Turns::default(),
        totals: Mutex::default(),
    };
    Ok((reader, connections))
}

/// The objects that are scanned so that those of `args` come along, each once.
fn chosen(args: &SyncArgs, catalog: &Catalog) -> Result<Vec<Synced>, Usage> {
    let named = args.objects.iter().chain(&args.reset);
    let mut objects: Vec<Synced> = Vec::new();
    for name in named {
        let object = catalog.bringing(name);
        let object = object.ok_or_else(|| unknown("object to sync", name, &catalog.names()))?;
        if objects.iter().all(|known| known.name != object.name) {
            objects.push(object.clone());
        }
    }
    Ok(if objects.is_empty() { catalog.all().to_vec() } else { objects })
}
