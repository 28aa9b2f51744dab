//! `secrets set`: keeps a secret, and makes the connection that it is for.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::runtime::{Connector, SCHEME};
use host_harness::store::Change;

use super::Source;
use crate::cli::context::Context;
use crate::cli::errors::Usage;
use crate::cli::exit::Exit;
use crate::cli::input::{connection_name, pair};
use crate::cli::nearest::unknown;
use crate::cli::state::{DEFAULT, State, belongs, name};

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
    let fresh = fresh(args, context, &connector).await?;
    let value = args.source.read(context, &args.name).await?;

    let vault = state.vault(state.store_made().await?).await?;
    let version = match there {
        Some(row) => vault.put(&row, &args.name, &value, Duration::ZERO).await?,
        None => {
            let (scheme, settings) = fresh;
            let connector = &connector.manifest().name;
            let row = vault.new_connection(&whose, connector, &scheme, settings)?;
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

/// Scheme and settings of a connection that is made.
async fn fresh(
    args: &Args,
    context: &Context,
    connector: &Connector,
) -> Result<(String, BTreeMap<String, String>)> {
    let mut settings = BTreeMap::new();
    for given in &context.repeated.settings {
        let (name, value) = pair("--setting", "NAME=VALUE", given)?;
        if name == SCHEME {
            return Err(Usage::new("the scheme of a kept connection is no setting")
                .next(format!("give --scheme {value}"))
                .into());
        }
        connector.check_setting(name)?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    let schemes = connector.schemes().await.context("asking for the schemes")?;
    let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name.as_str()).collect();
    let scheme = match args.scheme.as_deref() {
        Some(name) if !names.contains(&name) => return Err(unknown("scheme", name, &names).into()),
        Some(name) => name,
        None => names.first().copied().unwrap_or_default(),
    };
    Ok((scheme.to_owned(), settings))
}
