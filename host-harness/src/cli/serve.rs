//! `serve`: `listen` and `sync --every` in one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use host_harness::service::hosts::{self, HostName, WorkShare};
use host_harness::service::jobs::{Jobs, Stage, Supervisor};

use super::api::{self, ApiOptions};
use super::console::{self, ConsoleArgs};
use super::context::Context;
use super::errors::in_one;
use super::input::{interval, span};
use super::listen::{Listening, begin, end, reporting};
use super::state::{OpenState, StateDirectory, name};
use super::sync;
use super::usage::Usage;

/// Receives events as `listen` does, and reads what changed again and again as `sync --every`
/// does: what was never delivered is found all the same, and what comes both ways is one change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host serve --public-url https://hooks.example.com
  connector-host serve --every 15m --address 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  connector-host serve --api 127.0.0.1:8081
  connector-host serve --console 127.0.0.1:8090
  connector-host serve --api 127.0.0.1:8081 --public-url https://hooks.example.com \\
      --connect-return https://shop.example.com

Every kept connection of this connector takes part, or that of --connection.

Several may serve one state. Each receives for all connections, and reads and applies for its share
of them; when one ends or dies, the others take over within seconds. `status --hosts` shows them.

With --api it is also called by programs: GET /v1/openapi.json describes what they may ask. With
--console it is also seen in a browser: the link that signs in once is printed when it starts.
`listen --help` says more about receiving, `sync --help` about reading.")]
pub struct ServeArgs {
    /// Read what changed each time so much has passed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = interval)]
    pub every: Duration,

    /// Read everything each time so much has passed
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    pub full_every: Duration,

    /// What `status --hosts` calls this host [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    pub host_name: Option<String>,

    #[command(flatten)]
    pub listening: Listening,

    #[command(flatten)]
    pub api: ApiOptions,

    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Runs the command.
///
/// # Errors
/// As those two.
pub async fn run(args: &ServeArgs, context: &Context) -> Result<()> {
    let (every, all) = (Some(args.every), name(context)?.is_none());
    let is_called = args.api.api.is_some() || args.console.console.is_some();
    if !all && is_called {
        let text = "--api and --console serve all connections, and --connection names one";
        return Err(Usage::new(text)
            .next(
                "leave --connection out; a token is for one connection by `tokens add --only NAME`",
            )
            .into());
    }
    let reading =
        sync::SyncArgs { every, full_every: args.full_every, all, ..sync::SyncArgs::default() };
    let supervisor = Supervisor::new(context.shutdown.clone());
    let jobs = supervisor.jobs();
    let share = if all { take_part(args, context, jobs).await? } else { WorkShare::all() };
    let receiver = begin(&args.listening, context, share.clone(), jobs).await?;
    let connector = context.connector().await?;
    let state = OpenState::needed(context, &connector, name(context)?).await?;
    if is_called {
        let api = api::api(context, &state, jobs, Some((&args.api, &args.listening))).await?;
        let api = Arc::new(api);
        api::begin(&args.api, &api, context, jobs, Arc::clone(&receiver)).await?;
        console::begin(&args.console, &api, args.api.api.is_none(), context, jobs).await?;
    }
    let (own, reading, connections) = (context.clone(), Arc::new(reading), jobs.clone());
    jobs.keep(Stage::Work, "reading", reporting(context, "reading"), move |stop| {
        let (context, args, jobs) = (own.clone(), Arc::clone(&reading), connections.clone());
        let share = share.clone();
        async move {
            let ended = sync::follow(&args, &context, share, &jobs, &stop).await;
            ended.map_err(|why| in_one(&why))?;
            stop.ended()
        }
    })?;
    end(context, &supervisor, &receiver).await;
    Ok(())
}

/// Takes part among the hosts of the state.
async fn take_part(args: &ServeArgs, context: &Context, jobs: &Jobs) -> Result<WorkShare> {
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = HostName {
        name: args.host_name.clone().unwrap_or_else(machine),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        connector: context.connector().await?.manifest().name.clone(),
    };
    let store = StateDirectory::needed(context)?.store_made().await?;
    Ok(hosts::keep(jobs, store, host, reporting(context, "sharing the work"))?)
}
