//! `serve`: `listen` and `sync --every` in one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use host_harness::service::jobs::{Stage, Supervisor};

use super::context::Context;
use super::errors::in_one;
use super::input::{interval, span};
use super::listen::{Listening, begin, end, reporting};
use super::state::name;
use super::sync;

/// Receives events as `listen` does, and reads what changed again and again as `sync --every`
/// does: what was never delivered is found all the same, and what comes both ways is one change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host serve --public-url https://hooks.example.com
  connector-host serve --every 15m --address 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem

Every kept connection of this connector takes part, or that of --connection.
`listen --help` says more about receiving, `sync --help` about reading.")]
pub struct ServeArgs {
    /// Read what changed each time so much has passed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = interval)]
    pub every: Duration,

    /// Read everything each time so much has passed
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    pub full_every: Duration,

    #[command(flatten)]
    pub listening: Listening,
}

/// Runs the command.
///
/// # Errors
/// As those two.
pub async fn run(args: &ServeArgs, context: &Context) -> Result<()> {
    let (every, all) = (Some(args.every), name(context)?.is_none());
    let reading =
        sync::SyncArgs { every, full_every: args.full_every, all, ..sync::SyncArgs::default() };
    let supervisor = Supervisor::new(context.shutdown.clone());
    let jobs = supervisor.jobs();
    let receiver = begin(&args.listening, context, jobs).await?;
    let (own, reading, connections) = (context.clone(), Arc::new(reading), jobs.clone());
    jobs.keep(Stage::Work, "reading", reporting(context, "reading"), move |stop| {
        let (context, args, jobs) = (own.clone(), Arc::clone(&reading), connections.clone());
        async move {
            let ended = sync::follow(&args, &context, &jobs, &stop).await;
            ended.map_err(|why| in_one(&why))?;
            stop.ended()
        }
    })?;
    end(context, &supervisor, &receiver).await;
    Ok(())
}
