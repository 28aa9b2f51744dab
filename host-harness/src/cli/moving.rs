//! `connections export`, `import` and `erase`: connections from one state to another.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host_harness::clock::unix_ms;
use host_harness::service::moving::{Export, Import, MovedConnection, export, import, inspect};
use host_harness::state::moving::{MoveRow, MoveStage};
use host_harness::store::{Database, StoreError};
use host_harness::vault::MasterKey;

use super::context::Context;
use super::input::connection_name;
use super::moved::{left, refused};
use super::state::StateDirectory;
use super::state_file::must_be_new;
use super::usage::Usage;

/// Moves connections out of the state, into a file: with their secrets, records, changes, deliveries, pushes
/// and forwards. From then on nothing works on them here. A connection that is in use is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections export default --to move.bin --key-file move.key
  connector-host connections export shop-7 shop-8 --to move.bin --key-file move.key
  connector-host connections export shop-7 --cancel

The key file is made where it is not there. Who has both files has the connections: take them to where the
other state is, import, and destroy both. What moves and what does not: docs/moving.md")]
pub struct ExportConnectionsArgs {
    /// Names of the connections
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE", required_unless_present = "cancel")]
    to: Option<PathBuf>,

    /// File of the one-time key that seals it
    #[arg(long, value_name = "KEY", required_unless_present = "cancel")]
    key_file: Option<PathBuf>,

    /// Take them back: they work here again. Destroy the file first, for two must never work
    #[arg(long, conflicts_with_all = ["to", "key_file"])]
    cancel: bool,
}

/// Brings the connections of a file into the state. They go on where they were. When this is killed, run it
/// again: a connection is there when all of it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections import move.bin --key-file move.key --state postgres://connector@db/connectors
  connector-host connections import move.bin --key-file move.key --as shop-7")]
pub struct ImportConnectionsArgs {
    /// The file that `connections export` wrote
    file: PathBuf,

    /// File of the one-time key with which it was exported
    #[arg(long, value_name = "KEY")]
    key_file: PathBuf,

    /// Give the connection this name
    #[arg(long = "as", value_name = "NAME", value_parser = connection_name)]
    name: Option<String>,
}

/// Erases what is left here of a connection that was moved to another state. Its grant stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections erase shop-7")]
pub struct EraseConnectionArgs {
    /// Its name, as `connections list` shows it
    name: String,
}

/// Runs `connections export`.
///
/// # Errors
/// When a connection is not there or in use, or the file cannot be written; nothing has left then.
pub async fn run_export(args: &ExportConnectionsArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let store = state.database().await?;
    if args.cancel {
        for name in &args.names {
            let row = moved(&*store, name, &[MoveStage::Leaving, MoveStage::Gone]).await?;
            store.come_back(&row.connection).await?;
            context.watch.mention(&format!("{name} works here again"));
        }
        return Ok(());
    }
    let (Some(to), Some(key_file)) = (&args.to, &args.key_file) else { return Ok(()) };
    must_be_new(to)?;
    let mut connections: Vec<(String, String)> = Vec::new();
    for name in &args.names {
        let id = match left(&*store, name).await? {
            Some(row) if row.stage == MoveStage::Leaving => row.connection,
            _ => state.named(&*store, name).await?.id,
        };
        if !connections.iter().any(|(other, _)| *other == id) {
            connections.push((id, name.clone()));
        }
    }
    let one_time = MasterKey::read_or_make(key_file).map_err(|why| key_error(key_file, &why))?;
    context.watch.start();
    let export_ = Export {
        connections,
        master: &state.existing_master()?,
        one_time: &one_time,
        to,
        now_ms: unix_ms(store.time()),
        progress: &|rows| context.watch.page(rows, None),
    };
    let (moved, bytes) = export(&*store, export_).await?;
    context.watch.clear();
    for MovedConnection { name, rows, .. } in &moved {
        context.watch.mention(&format!("{name}: {rows} rows; it does not work here any more"));
    }
    context.watch.mention(&format!(
        "{}: {bytes} bytes, sealed by {}",
        to.display(),
        key_file.display()
    ));
    Ok(())
}

/// Runs `connections import`.
///
/// # Errors
/// When the file is not whole, is sealed by another key, or a connection may not come; and when the state
/// cannot be used.
pub async fn run_import(args: &ImportConnectionsArgs, context: &Context) -> Result<()> {
    let one_time =
        MasterKey::read(&args.key_file).map_err(|why| key_error(&args.key_file, &why))?;
    let (file, key) = (args.file.clone(), one_time.again());
    let found = tokio::task::spawn_blocking(move || inspect(&file, &key));
    let found = found.await.context("reading the file")??;
    if args.name.is_some() && found.len() != 1 {
        let text = format!("there are {} connections in {}", found.len(), args.file.display());
        return Err(Usage::new(text).next("leave --as out; `connections rename` renames").into());
    }
    let state = StateDirectory::somewhere(context)?;
    let store = state.store_made().await?;
    let rows = store.connections().await?;
    let here = |id: &String| rows.iter().find(|row| row.id == *id);
    if let Some(row) = found.first().and_then(|first| here(&first.id))
        && found.iter().all(|moved| here(&moved.id).is_some())
    {
        return Err(StoreError::IsHere(row.name.clone()).into());
    }
    // Those that an earlier run brought are left as they are.
    for MovedConnection { name, .. } in found.iter().filter(|moved| here(&moved.id).is_none()) {
        let name = args.name.as_ref().unwrap_or(name);
        if rows.iter().any(|row| row.name == *name) {
            return Err(StoreError::NameTaken(name.clone()).into());
        }
    }
    let master = state.master().await?;
    context.watch.start();
    let import_ = Import {
        from: &args.file,
        one_time: &one_time,
        master: &master,
        name: args.name.as_deref(),
        progress: &|rows| context.watch.page(rows, None),
    };
    import(&*store, import_).await?;
    context.watch.clear();
    for MovedConnection { name, rows, .. } in &found {
        let name = args.name.as_ref().unwrap_or(name);
        context.watch.mention(&format!("{name}: {rows} rows; it works here from now on"));
    }
    Ok(())
}

/// Runs `connections erase`.
///
/// # Errors
/// When no such connection has left; and when the state cannot be used.
pub async fn run_erase(args: &EraseConnectionArgs, context: &Context) -> Result<()> {
    let store = StateDirectory::needed(context)?.database().await?;
    let row = moved(&*store, &args.name, &[MoveStage::Gone, MoveStage::Coming]).await?;
    store.give_up(&row.connection).await?;
    while store.maintain().await.context("erasing what is left of it")? {}
    context.watch.mention(&format!("erased what was left of {}", args.name));
    Ok(())
}

async fn moved(store: &dyn Database, name: &str, stages: &[MoveStage]) -> Result<MoveRow> {
    match left(store, name).await? {
        Some(row) if stages.contains(&row.stage) => Ok(row),
        Some(row) => Err(refused(&row).into()),
        None => Err(Usage::new(format!("no connection \"{name}\" has left this state"))
            .next("`connections list` shows which have")
            .into()),
    }
}

fn key_error(file: &Path, why: &host_harness::vault::MasterKeyError) -> Usage {
    use host_harness::vault::MasterKeyError::Missing;
    match why {
        Missing(_) => Usage::new(format!("the key file {} is not there", file.display()))
            .next("give the one that `connections export` made"),
        other => Usage::new(other.to_string().replace("master key", "one-time key")),
    }
}
