//! `serve`: `listen` and `sync --every` in one.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::context::Context;
use super::errors::in_one;
use super::exit::Exit;
use super::input::{interval, span};
use super::listen::{Listening, listen};
use super::output::{duration, lines};
use super::state::name;
use super::supervise::Pauses;
use super::sync;

/// Receives events as `listen` does, and reads what changed again and again as `sync --every`
/// does: what was never delivered is found all the same, and what comes both ways is one change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host serve --public-url https://hooks.example.com
  connector-host serve --every 15m --address 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem

Every kept connection of this connector takes part, or that of --connection.
`listen --help` says more about receiving, `sync --help` about reading.")]
pub struct Args {
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
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let reading = sync::Args {
        objects: vec![],
        full: false,
        every: Some(args.every),
        full_every: args.full_every,
        reset: None,
        all: name(context)?.is_none(),
        sweep_anyway: false,
        page_size: None,
    };
    let beside = async {
        let mut pauses = Pauses::default();
        loop {
            let began = Instant::now();
            // It goes on without end, unless it fails or the program is asked to end.
            let Err(why) = sync::run(&reading, context).await else { return };
            let (why, pause) = (lines(&in_one(&why)), pauses.after(began.elapsed()));
            let again = duration(pause);
            context.watch.say(&format!("reading stopped: {why}; it begins again in {again}"));
            sleep(pause).await;
        }
    };
    Box::pin(listen(&args.listening, context, beside)).await?;
    Ok(Exit::Done)
}
