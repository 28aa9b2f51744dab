//! `connections rename`: another name for a kept connection.

use anyhow::Result;
use host_harness::store::{Change, ConnectionRow, Store as _};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::input::connection_name;
use crate::cli::state::State;

/// Gives a kept connection another name. Everything that is kept for it stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections rename default shop-7
  connector-host connections rename shop-7 shop-8 --state /srv/connections")]
pub struct Args {
    /// Its name, as `connections list` shows it
    pub old: String,

    /// Its name from now on
    #[arg(value_parser = connection_name)]
    pub new: String,
}

/// Runs the command.
///
/// # Errors
/// When it is not there, or another one has the new name.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let store = state.store().await?;
    let row = state.named(store.as_ref(), &args.old).await?;
    if let Some(store) = store {
        let row = ConnectionRow { name: args.new.clone(), ..row };
        store.commit(vec![Change::PutConnection(row)]).await?;
    }
    context.watch.mention(&format!("renamed {} to {}", args.old, args.new));
    Ok(Exit::Done)
}
