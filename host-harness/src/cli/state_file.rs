//! `state`: copies of what is kept, and whether it is whole.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host_harness::store::Sqlite;

use super::context::Context;
use super::exit::Exit;
use super::state::StateDirectory;
use super::usage::Usage;

subcommands! {
    /// Copies the state, restores a copy, and checks it.
    StateArgs:

    /// Copy the state into a file, beside hosts that run
    Backup(BackupArgs) by backup,
    /// Make the state from such a copy
    Restore(RestoreArgs) by restore,
    /// Read all of the state and see whether it is whole
    Check(CheckStateArgs) by check,
}

/// Copies the state into a file, as it is at one moment, while hosts go on. Everything in it is as
/// sealed as in the state: the master key is not in it, and the copy is of no use without that key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host state backup /backup/state-2026-11-28.db
  connector-host state backup copy.db --state /srv/connections

Keep the master key elsewhere. What an old copy means: docs/backup.md")]
struct BackupArgs {
    /// The file, which must not be there yet
    file: PathBuf,
}

/// Makes the state from a copy that `state backup` wrote. There must be no state yet in the directory of
/// --state: move an old one away, with its -wal and -shm files, when no host uses it any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host state restore /backup/state-2026-11-28.db --state /srv/connections

What an old copy means for grants, bookmarks and pushes: docs/backup.md")]
struct RestoreArgs {
    /// The copy
    file: PathBuf,
}

/// Reads all of the state and says what does not fit together. Opening it does not do that.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host state check")]
struct CheckStateArgs {}

async fn backup(args: &BackupArgs, context: &Context) -> Result<()> {
    must_be_new(&args.file)?;
    let database = StateDirectory::needed(context)?.database().await?;
    database.backup(&args.file).await?;
    context.watch.mention(&format!("copied the state to {}", args.file.display()));
    Ok(())
}

async fn restore(args: &RestoreArgs, context: &Context) -> Result<()> {
    let to = StateDirectory::somewhere(context)?.file();
    must_be_new(&to)?;
    let (from, shown) = (args.file.clone(), to.display().to_string());
    let restored = tokio::task::spawn_blocking(move || Sqlite::restore(&from, &to));
    restored.await.context("restoring the state")??;
    context.watch.mention(&format!("restored {shown}; docs/backup.md says what an old copy means"));
    Ok(())
}

fn must_be_new(file: &Path) -> Result<(), Usage> {
    match file.symlink_metadata() {
        Ok(_) => Err(Usage::new(format!("{} is there already", file.display()))
            .next("name another one, or move it away")),
        // What cannot be looked at says why when it is written.
        Err(_) => Ok(()),
    }
}

async fn check(_: &CheckStateArgs, context: &Context) -> Result<()> {
    StateDirectory::needed(context)?.database().await?.check().await?;
    context.watch.mention("the state is whole");
    Ok(())
}
