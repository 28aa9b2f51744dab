//! The console of `serve`: where it listens.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::server::{Api, ConsoleOptions, ConsoleServer, console_bounds};
use host_harness::service::jobs::{Jobs, Stage};
use host_harness::service::listener::Tls;
use tokio::net::TcpListener;

use super::context::Context;
use super::listen::{bind, reporting};
use super::usage::Usage;

// The options of the console. (A docstring would become the help text.)
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsoleArgs {
    /// Serve the console, for a browser, here; beyond this machine it needs TLS
    #[arg(long, value_name = "HOST:PORT")]
    pub console: Option<String>,

    /// Speak TLS on the console with this certificate and those that lead to it, in PEM; read again
    /// when it changes
    #[arg(long, value_name = "FILE", requires_all = ["console", "console_tls_key"])]
    pub console_tls_cert: Option<PathBuf>,

    /// The private key of --console-tls-cert, in PEM
    #[arg(long, value_name = "FILE", requires_all = ["console", "console_tls_cert"])]
    pub console_tls_key: Option<PathBuf>,

    /// Never show data of persons on the console
    #[arg(long, requires = "console")]
    pub hide_personal: bool,
}

/// Serves the console, where one is asked for; `goes_on`: nothing else goes on with pushes of hosts that
/// have died.
///
/// # Errors
/// [`Usage`] for an address where it would be anybody's; and when it cannot listen.
pub async fn begin(
    args: &ConsoleArgs,
    api: &Arc<Api>,
    goes_on: bool,
    context: &Context,
    jobs: &Jobs,
) -> Result<()> {
    let Some(address) = &args.console else { return Ok(()) };
    let tls = match (&args.console_tls_cert, &args.console_tls_key) {
        (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let accept = bind("--console", address).await?;
    let bound = accept.local_addr().context("asking for the address of the console")?;
    if !bound.ip().is_loopback() && tls.is_none() {
        let text = format!("--console {address} can be reached from other machines");
        let next = "listen on 127.0.0.1:PORT, or give --console-tls-cert and --console-tls-key; \
                    people sign in with a token (`tokens add`)";
        return Err(Usage::new(text).next(next).into());
    }
    let own = address.rsplit_once(':').map_or("", |(host, _)| host).to_ascii_lowercase();
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    if !hosts.contains(&own) {
        hosts.push(own);
    }
    if tls.is_some() {
        // A certificate tells a stranger's name apart.
        hosts.clear();
    }
    let options = ConsoleOptions {
        bounds: console_bounds(),
        hosts,
        place: bound.to_string(),
        hides_personal: args.hide_personal,
        goes_on,
    };
    let server = Arc::new(ConsoleServer::new(Arc::clone(api), tls, options));
    let link = server.new_link().map_err(|problem| Usage::new(problem.detail.clone()))?;
    let mut accept = Some(accept);
    jobs.keep(
        Stage::Receive,
        "serving the console",
        reporting(context, "the console"),
        move |stop| {
            let (server, accept) = (Arc::clone(&server), accept.take());
            async move {
                let accept = match accept {
                    Some(accept) => accept,
                    None => TcpListener::bind(bound)
                        .await
                        .map_err(|why| format!("listening on {bound}: {why}"))?,
                };
                server.run(accept, &stop).await;
                stop.ended()
            }
        },
    )?;
    context.watch.say(&format!(
        "console on {scheme}://{bound}; open this once, within ten minutes: {scheme}://{bound}{link}"
    ));
    Ok(())
}
