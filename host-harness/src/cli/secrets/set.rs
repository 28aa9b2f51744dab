//! `secrets set`: keeps a secret, and makes the connection that it is for.

use std::time::Duration;

use anyhow::Result;
use host_harness::store::{Change, Store as _};

use super::Source;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::fresh::{Fresh, fresh};
use crate::cli::input::connection_name;
use crate::cli::state::{DEFAULT, State, belongs, name};
use crate::cli::usage::Usage;

/// Keeps a secret, sealed, in place of the one before. A connection that is not there yet is
/// made, with the settings given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets set api-key
  connector-host secrets set api-key --from-env API_KEY --connection shop-7
  pass show shop-7 | connector-host secrets set api-key --connection shop-7")]
pub struct Args {
    /// Name of the secret, as `inspect` shows it
    pub name: String,

    #[command(flatten)]
    pub source: Source,

    /// Authentication scheme of a connection that is made [default: the connector's first]
    #[arg(long, value_name = "NAME")]
    pub scheme: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When it was not kept.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let whose = connection_name(name(context)?.unwrap_or(DEFAULT)).map_err(Usage::new)?;
    let connector = context.connector().await?;
    connector.check_secret(&args.name)?;
    let there = match state.store().await? {
        Some(store) => store.connection(&whose).await?,
        None => None,
    };
    if let Some(row) = &there {
        belongs(row, &connector)?;
        let scheme = args.scheme.as_ref().is_some_and(|scheme| *scheme != row.scheme);
        if scheme || !context.repeated.settings.is_empty() {
            let text = format!(
                "the connection \"{whose}\" is there already, with the scheme {} and its settings",
                row.scheme
            );
            return Err(Usage::new(text)
                .next("leave --scheme and --setting out, or name another --connection")
                .into());
        }
    }
    let fresh = fresh(context, &connector, args.scheme.as_deref(), "--scheme")?;
    let value = args.source.read(context, &args.name).await?;
    connector.check_secret_value(&args.name, &value)?;

    let vault = state.vault(state.store_made().await?).await?;
    let version = match there {
        Some(row) => vault.put(&row, &args.name, &value, Duration::ZERO).await?,
        None => {
            let Fresh { scheme, settings } = fresh;
            let connector = &connector.manifest().name;
            let row = vault.new_connection(&whose, connector, &scheme.name, settings)?;
            let secret = vault.seal(&row, &args.name, 1, &value)?;
            let changes = vec![Change::PutConnection(row), Change::PutSecret(secret)];
            vault.store().commit(changes).await?;
            1
        }
    };
    let name = &args.name;
    context.watch.mention(&format!("kept {name}, version {version}, for the connection {whose}"));
    Ok(Exit::Done)
}
