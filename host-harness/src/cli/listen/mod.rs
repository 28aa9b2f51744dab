//! `listen`: receives events, keeps them, applies them, and hands changes on to the forwards.

mod notes;
pub mod pages;
mod serving;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::connect::web::ConnectPages;
use host_harness::forward::ForwardJobs;
use host_harness::service::hosts::WorkShare;
use host_harness::service::jobs::{Jobs, Stage, Stopped, Supervisor};
use host_harness::service::maintenance;
use host_harness::webhooks::{
    GapCloser, Notes, Pace, Receiver, ReceiverBounds, SubscriptionRenewal, Surroundings, Tls,
    Worker,
};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use self::notes::NotePrinter;
use self::serving::Serving;
use super::context::Context;
use super::output::{duration, lines};
use super::state::{OpenState, SeenConnections, StateDirectory, name};
use super::usage::Usage;

/// Receives what providers send to the paths that `subscribe` made: verifies it, keeps it, answers,
/// and applies it to what `sync` keeps. Ctrl-C or SIGTERM ends it; what was answered is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host listen --public-url https://hooks.example.com
  connector-host listen --address 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  connector-host listen --trusted-proxy 10.0.0.2 --address 10.0.0.1:8080

Every kept connection of this connector that has a subscription is served, or that of --connection.
/healthz answers while the program runs, /readyz while deliveries can be kept.

Changes are handed on to every forward that `forwards add` made.")]
pub struct ListenArgs {
    #[command(flatten)]
    pub listening: Listening,
}

// What `listen` and `serve` share. (A docstring would become their help text.)
#[derive(Debug, Clone, clap::Args)]
pub struct Listening {
    /// Listen here
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub address: String,

    /// The URL by which providers reach this, for what is shown and for what is signed
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// Speak TLS with this certificate and those that lead to it, in PEM; read again when it
    /// changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Believe what this proxy says of who calls (several times)
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    pub trusted_proxies: Vec<IpAddr>,

    /// Take so many deliveries a second for one connection, and ten times as many at once
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
}

/// Runs the command.
///
/// # Errors
/// When it was called wrongly, or cannot listen.
pub async fn run(args: &ListenArgs, context: &Context) -> Result<()> {
    let supervisor = Supervisor::new(context.shutdown.clone());
    let receiver = begin(&args.listening, context, WorkShare::all(), supervisor.jobs()).await?;
    end(context, &supervisor, &receiver).await;
    Ok(())
}

/// Waits until the program is asked to end and its jobs have ended.
pub async fn end(context: &Context, supervisor: &Supervisor, receiver: &Receiver) {
    context.shutdown.requested().await;
    context.watch.mention("stopping; requests under way are answered");
    supervisor.run().await;
    let counts = receiver.counts();
    context.watch.mention(&format!(
        "kept {} deliveries, {} repeats, refused {}, put off {}",
        counts.kept,
        counts.repeats,
        counts.unverified + counts.refused,
        counts.later
    ));
}

/// Tells of a job that stopped.
pub fn reporting(context: &Context, what: &'static str) -> impl Fn(&Stopped) + Send + use<> {
    let watch = Arc::clone(&context.watch);
    move |stopped| {
        let (why, pause) = (lines(&stopped.why), duration(stopped.pause));
        watch.say(&format!("{what} stopped: {why}; it begins again in {pause}"));
    }
}

/// Begins to listen, to apply what comes for the connections of `share`, and to hand changes on.
///
/// # Errors
/// As [`run`].
pub async fn begin(
    listening: &Listening,
    context: &Context,
    share: WorkShare,
    jobs: &Jobs,
) -> Result<Arc<Receiver>> {
    let bounds = ReceiverBounds {
        rate: f64::from(listening.rate),
        burst: f64::from(listening.rate) * 10.0,
        ..ReceiverBounds::default()
    };
    let mut surroundings = surroundings(listening)?;
    let public = surroundings.public_url.clone();
    StateDirectory::needed(context)?;
    let connector = context.connector().await?;
    let state = OpenState::needed(context, &connector, name(context)?).await?;
    if let Some(url) = pages::public_url(listening) {
        let links = pages::links(context, &connector, &state, url, vec![]);
        surroundings.pages = Some(ConnectPages::new(links));
    }
    let database = &state.database;
    let notes = Arc::new(NotePrinter::new(Arc::clone(&context.watch)));
    let noted = || Arc::clone(&notes) as Arc<dyn Notes>;
    let receiver = Receiver::new(bounds, database.clone(), state.clock(), noted(), surroundings);
    let worker =
        Worker::new(database.clone(), database.clone(), state.clock(), noted(), Pace::default());
    let (mirror, inbox) = (Arc::clone(database) as _, Arc::clone(database) as _);
    let gaps =
        GapCloser::new(&connector, mirror, inbox, state.clock(), noted(), jobs.clone()).await;
    let gaps = gaps.context("describing the objects")?;
    let mut forwards = ForwardJobs {
        outbox: Arc::clone(database) as _,
        vault: Arc::clone(&state.vault),
        clock: state.clock(),
        notes: noted(),
        http: Arc::clone(connector.http_client()),
        space: context.address_space(),
        connector: connector.manifest().name.clone(),
        changed: worker.changed(),
        jobs: jobs.clone(),
        begun: HashMap::new(),
    };
    let mut serving = Serving {
        context: context.clone(),
        connector,
        state,
        receiver: receiver.clone(),
        worker: worker.clone(),
        gaps,
        notes,
        public,
        share,
        served: HashMap::new(),
        seen: SeenConnections::default(),
        has_gaps: false,
        renewal: SubscriptionRenewal::default(),
    };
    let accept = bind("--address", &listening.address).await?;
    let address = accept.local_addr().context("asking for the address")?;
    // Paths are served before the first connection is accepted.
    serving.refresh().await?;
    serving.say(address, listening.tls_cert.is_some());

    let (receiving, mut accept) = (receiver.clone(), Some(accept));
    jobs.keep(Stage::Receive, "receiving", reporting(context, "receiving"), move |stop| {
        let (receiver, bound) = (receiving.clone(), accept.take());
        async move {
            let accept = match bound {
                Some(accept) => accept,
                None => TcpListener::bind(address)
                    .await
                    .map_err(|why| format!("listening on {address}: {why}"))?,
            };
            receiver.run(accept, &stop).await;
            stop.ended()
        }
    })?;
    let store = Arc::clone(&serving.state.database) as _;
    maintenance::keep(jobs, store, reporting(context, maintenance::NAME))?;
    let wake = receiver.wake();
    let report = reporting(context, "applying deliveries");
    jobs.keep(Stage::Work, "applying deliveries", report, move |stop| {
        let (worker, wake) = (worker.clone(), Arc::clone(&wake));
        async move {
            worker.run(&wake, stop.requested()).await;
            stop.ended()
        }
    })?;
    forwards.refresh().await?;
    let forwards = Arc::new(Mutex::new(forwards));
    let report = reporting(context, "looking for forwards");
    jobs.keep(Stage::Work, "looking for forwards", report, move |stop| {
        let forwards = Arc::clone(&forwards);
        async move {
            forwards.lock().await.keep(&stop).await;
            stop.ended()
        }
    })?;
    let serving = Arc::new(Mutex::new(serving));
    let report = reporting(context, "looking for connections");
    jobs.keep(Stage::Work, "looking for connections", report, move |stop| {
        let serving = Arc::clone(&serving);
        async move {
            serving.lock().await.keep(&stop).await;
            stop.ended()
        }
    })?;
    Ok(receiver)
}

fn surroundings(listening: &Listening) -> Result<Surroundings> {
    let tls = match (&listening.tls_cert, &listening.tls_key) {
        (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
        _ => None,
    };
    let public_url = listening.public_url.as_deref().map(public_url).transpose()?;
    let trusted_proxies = listening.trusted_proxies.clone();
    Ok(Surroundings { public_url, trusted_proxies, tls, pages: None })
}

/// A URL to which paths can be added.
///
/// # Errors
/// [`Usage`] when it is none.
pub fn public_url(text: &str) -> Result<String, Usage> {
    let wrong = |why: &str| Usage::new(format!("the URL {text} {why}"));
    let url = url::Url::parse(text).map_err(|why| wrong(&format!("is none: {why}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("is neither https nor http"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(wrong("holds a query, a fragment or a user name"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Listens on the first address of `address`, which `option` gave.
///
/// # Errors
/// When it names none, or the port cannot be had.
pub async fn bind(option: &str, address: &str) -> Result<TcpListener> {
    let found = tokio::net::lookup_host(address).await;
    let found: Vec<SocketAddr> = found
        .map_err(|why| Usage::new(format!("{option} {address}: {why}")).next("write HOST:PORT"))?
        .collect();
    let first = found.first().ok_or_else(|| Usage::new(format!("{address} has no address")))?;
    TcpListener::bind(*first).await.with_context(|| format!("listening on {first}"))
}
