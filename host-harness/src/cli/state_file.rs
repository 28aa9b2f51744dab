//! `state`: copies of what is kept, whether it is whole, and tables for reports.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use host_harness::service::views::views_of;
use host_harness::store::Sqlite;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::output::Columns;
use super::state::StateDirectory;
use super::usage::Usage;

subcommands! {
    /// Copies the state, restores a copy, checks it, and makes tables for reports.
    StateArgs:

    /// Copy the state into a file, beside hosts that run
    Backup(BackupArgs) by backup,
    /// Make the state from such a copy
    Restore(RestoreArgs) by restore,
    /// Read all of the state and see whether it is whole
    Check(CheckStateArgs) by check,
    /// Make tables for reports of what the connector's records hold
    Views(ViewsArgs) by views,
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

/// Makes SQL views of what the records of a connector hold, as the connector describes it: flat tables for
/// spreadsheets and reports. Any program that reads the database can read them; they are always up to date.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host state views
  sqlite3 -readonly -csv ~/.local/share/connector-host/state.db 'SELECT * FROM ...'

What a connector describes, and queries to begin with: docs/reports.md")]
struct ViewsArgs {}

async fn backup(args: &BackupArgs, context: &Context) -> Result<()> {
    must_be_new(&args.file)?;
    let database = StateDirectory::needed(context)?.database().await?;
    match database.backup(&args.file) {
        Some(copied) => copied.await?,
        None => return Err(of_a_database("pg_dump").into()),
    }
    context.watch.mention(&format!("copied the state to {}", args.file.display()));
    Ok(())
}

async fn restore(args: &RestoreArgs, context: &Context) -> Result<()> {
    let to = StateDirectory::somewhere(context)?.file();
    let to = to.ok_or_else(|| of_a_database("pg_restore"))?;
    must_be_new(&to)?;
    let (from, shown) = (args.file.clone(), to.display().to_string());
    let restored = tokio::task::spawn_blocking(move || Sqlite::restore(&from, &to));
    restored.await.context("restoring the state")??;
    context.watch.mention(&format!("restored {shown}; docs/backup.md says what an old copy means"));
    Ok(())
}

/// A database has tools of its own.
fn of_a_database(tool: &str) -> Usage {
    Usage::new("this copies a state that is a file, and this one is in a database")
        .next(format!("use {tool}, for its schema; docs/backup.md says what an old copy means"))
}

/// That there is no such file yet.
///
/// # Errors
/// [`Usage`] when there is.
pub fn must_be_new(file: &Path) -> Result<(), Usage> {
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

async fn views(_: &ViewsArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let connector = context.connector().await?;
    let name = &connector.manifest().name;
    let Some(file) = views_of(&connector).await? else {
        context.watch.say(&format!("the connector {name} describes no tables"));
        return Ok(());
    };
    let made = state.database().await?.make_views(name, &file).await?;
    let made = made.map_err(|taken| {
        anyhow!(
            "the connector {name} describes a table `{taken}`, and the state has something else of \
             this name; nothing was made. Report it to who made the connector"
        )
    })?;
    let mut out = context.output(&Columns::default());
    out.page(made.into_iter().map(|table| json!({ "table": table })))?;
    out.end()?;
    Ok(())
}
