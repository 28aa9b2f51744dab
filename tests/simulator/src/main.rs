//! `aftership-simulator`: the simulator as a program that listens on loopback.

mod cli;

use std::fs::File;
use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::net::TcpListener;

use aftership_simulator::{Dialer, Simulator};
use cli::Cli;

fn main() -> Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&cli))
}

async fn run(cli: &Cli) -> Result<()> {
    if !cli.listen.ip().is_loopback() && !cli.allow_remote {
        bail!("{} is not a loopback address; --allow-remote permits it", cli.listen);
    }
    let options = cli.options()?;
    let seed = options.seed;
    let simulator = Simulator::new(options);
    for path in &cli.data {
        let count = simulator.load(path).context("cannot load the data")?;
        eprintln!("{count} trackings from {}", path.display());
    }
    if cli.trackings > 0 {
        simulator.seed(seed, cli.trackings);
    }
    if let Some(path) = &cli.journal {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        simulator.write_journal_to(file);
    }
    set_webhooks(cli, &simulator)?;
    let listener = TcpListener::bind(cli.listen)
        .await
        .with_context(|| format!("cannot listen on {}", cli.listen))?;
    let mut out = io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    let dialer = if cli.allow_remote { Dialer::anywhere() } else { Dialer::loopback() };
    let stopped = tokio::select! {
        failed = simulator.serve(listener) => match failed? {},
        never = simulator.send_webhooks(dialer) => match never {},
        stopped = stop() => stopped,
    };
    let counts = simulator.webhook_counts();
    if counts.deliveries > 0 {
        eprintln!("webhooks: {}", serde_json::to_string(&counts)?);
    }
    stopped
}

fn set_webhooks(cli: &Cli, simulator: &Simulator) -> Result<()> {
    for webhook in cli.webhooks()? {
        let id = simulator.add_webhook(webhook)?;
        if cli.webhook_test {
            simulator.send_test_webhook(id)?;
        }
    }
    Ok(())
}

/// Returns when the program is asked to end.
async fn stop() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
