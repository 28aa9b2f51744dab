//! `secrets`: what is kept so that it need not be handed over with each call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use host_harness::forward;
use host_harness::service::documents::SecretDocument;
use host_harness::store::Change;
use host_harness::vault::{MASTER_KEY_VARIABLE, MasterKey, OVERLAP};

use super::connecting::new_connection;
use super::context::Context;
use super::exit::Exit;
use super::input::{connection_name, span};
use super::moved::refused;
use super::output::counted;
use super::secret_value::SecretSource;
use super::state::{DEFAULT, StateDirectory, StoredConnection, belongs, name};
use super::usage::{Usage, unknown};

subcommands! {
    /// Keeps the secrets of a connection, sealed, in the directory of --state.
    SecretsArgs:

    /// Keep a secret, in place of the one before
    Set(SetSecretArgs) by set,
    /// Show which secrets are kept, without their values
    List(ListSecretsArgs) by list,
    /// Keep a new version of a secret; the one before serves beside it for a while
    Rotate(RotateSecretArgs) by rotate,
    /// Erase a secret
    Remove(RemoveSecretArgs) by remove,
    /// Seal what is kept by another master key
    Rewrap(RewrapArgs) by rewrap,
}

/// Keeps a secret, sealed, in place of the one before. A connection that is not there yet is
/// made, with the settings given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets set api-key
  connector-host secrets set api-key --from-env API_KEY --connection shop-7
  pass show shop-7 | connector-host secrets set api-key --connection shop-7")]
struct SetSecretArgs {
    /// Name of the secret, as `inspect` shows it
    name: String,

    #[command(flatten)]
    source: SecretSource,

    /// Authentication scheme of a connection that is made [default: the connector's first]
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
}

/// Shows the names and versions of a connection's secrets. Values are shown nowhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets list
  connector-host secrets list --connection shop-7 --output json")]
struct ListSecretsArgs {}

/// Keeps a new version of a secret, and uses it from now on. What others signed with the one
/// before is accepted until the overlap ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets rotate webhook-secret
  connector-host secrets rotate webhook-secret --overlap 30m --from-env NEW_SECRET")]
struct RotateSecretArgs {
    /// Name of the secret, as `secrets list` shows it
    name: String,

    #[command(flatten)]
    source: SecretSource,

    /// How long the version before serves: 72h, 30m, 90s, 7d, or 0 [default: 72h]
    #[arg(long, value_name = "TIME", value_parser = span)]
    overlap: Option<Duration>,
}

/// Erases every version of a secret. What the provider knows stays: end it there too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets remove api-key
  connector-host secrets remove api-key --connection shop-7")]
struct RemoveSecretArgs {
    /// Name of the secret, as `secrets list` shows it
    name: String,
}

/// Seals what is kept by another master key. Let no other program of this state run meanwhile,
/// and keep the old key until this is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets rewrap --new-key-file /media/key/master.key
  connector-host secrets rewrap --new-key-env NEW_MASTER_KEY")]
#[group(required = true, multiple = false)]
struct RewrapArgs {
    /// The new key: 32 bytes in base64, in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    new_key_env: Option<String>,

    /// The new key, in this file; it is made if it is not there
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

async fn set(args: &SetSecretArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let whose = connection_name(name(context)?.unwrap_or(DEFAULT)).map_err(Usage::new)?;
    let connector = context.connector().await?;
    connector.check_secret(&args.name)?;
    let there = state.connection(&whose).await?;
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
    let (scheme, settings) =
        new_connection(context, &connector, args.scheme.as_deref(), "--scheme")?;
    let value = args.source.read(context, &args.name).await?;
    connector.check_secret_value(&args.name, &value)?;

    let vault = state.vault(state.store_made().await?).await?;
    let version = match there {
        Some(row) => vault.put(&row, &args.name, &value, Duration::ZERO).await?,
        None => {
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
    Ok(())
}

async fn list(_: &ListSecretsArgs, context: &Context) -> Result<()> {
    let kept = StoredConnection::chosen(context).await?;
    let rows = kept.state.vault.list(&kept.row).await?;
    let rows = rows.iter().map(|row| serde_json::to_value(SecretDocument::of(row)));
    context.members(&["name", "version", "made", "ends"], rows.collect::<Result<_, _>>()?)
}

async fn rotate(args: &RotateSecretArgs, context: &Context) -> Result<()> {
    let kept = holding(context, &args.name).await?;
    let value = args.source.read(context, &args.name).await?;
    let overlap = args.overlap.unwrap_or(OVERLAP);
    let version = kept.state.vault.put(&kept.row, &args.name, &value, overlap).await?;
    let (name, whose) = (&args.name, &kept.row.name);
    context.watch.mention(&format!("kept {name}, version {version}, for the connection {whose}"));
    Ok(())
}

async fn remove(args: &RemoveSecretArgs, context: &Context) -> Result<()> {
    let kept = holding(context, &args.name).await?;
    kept.state.vault.remove(&kept.row, &args.name).await?;
    context.watch.mention(&format!("erased {} of the connection {}", args.name, kept.row.name));
    Ok(())
}

async fn rewrap(args: &RewrapArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let store = state.store().await?;
    let store = store.ok_or_else(|| Usage::new("nothing is kept yet, so nothing is sealed"))?;
    // Their keys are sealed by the one that is there now.
    if let Some(row) = store.moves().await?.first() {
        return Err(refused(row).into());
    }
    let vault = state.vault(Arc::clone(&store)).await?;
    let (new, next) = match (&args.new_key_file, &args.new_key_env) {
        (Some(file), _) => {
            let shown = file.display();
            let next = format!(
                "give --master-key {shown} (or CONNECTOR_MASTER_KEY_FILE), or put that file in \
                 the place of the old one"
            );
            (MasterKey::read_or_make(file)?, next)
        }
        (None, variable) => {
            let variable = variable.as_deref().unwrap_or_default();
            let next = format!("set {MASTER_KEY_VARIABLE} to what {variable} holds");
            (MasterKey::from_variable(variable)?, next)
        }
    };
    let forwards = forward::rewrap(&*store, &vault, &new).await?;
    let mut keys = counted(vault.rewrap(&new).await? as u64, "connection");
    if forwards > 0 {
        keys = format!("{keys} and {}", counted(forwards as u64, "forward"));
    }
    context.watch.say(&format!("sealed {keys} by the new key\n  next: from now on, {next}"));
    Ok(())
}

/// The chosen connection, which must have a secret of this name.
async fn holding(context: &Context, secret: &str) -> Result<StoredConnection> {
    let kept = StoredConnection::chosen(context).await?;
    let versions = kept.state.vault.list(&kept.row).await?;
    let mut names: Vec<&str> = versions.iter().map(|version| version.name.as_str()).collect();
    names.dedup();
    if names.contains(&secret) {
        Ok(kept)
    } else {
        Err(unknown("kept secret", secret, &names).into())
    }
}
