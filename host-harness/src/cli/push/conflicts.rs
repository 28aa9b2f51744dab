//! `push --conflicts`: items that wait for a decision.

use anyhow::Result;
use host_harness::push::PushRow;
use host_harness::service::documents::ConflictDocument;
use host_harness::store::ConnectionRow;

use super::PushArgs;
use crate::cli::context::Context;
use crate::cli::usage::Usage;
use host_harness::store::Database;

/// Conflicts that are read at a time, or decided in one commit.
pub const AT_ONCE: u32 = 100;

/// Prints a line for each item of this run, or of all runs of the connection.
///
/// # Errors
/// [`Usage`] for a run that is not there; when the state cannot be used.
pub async fn list(
    args: &PushArgs,
    run: Option<&str>,
    context: &Context,
    connection: &ConnectionRow,
    store: &dyn Database,
) -> Result<()> {
    let runs = match run {
        Some(run) => vec![known(run, connection, store).await?],
        None => store.pushes(Some(&connection.id)).await?,
    };
    let wanted = |row: &&PushRow| {
        row.counts.parked > 0 && args.object.as_ref().is_none_or(|object| *object == row.object)
    };
    let mut out = context.output(&args.columns);
    for run in runs.iter().filter(wanted) {
        let mut from = 0;
        loop {
            let some = store.conflicts(&run.id, from, AT_ONCE).await?;
            let Some(last) = some.last() else { break };
            from = last.index + 1;
            let lines = some.iter().map(|item| ConflictDocument::of(run, item));
            out.page(lines.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?)?;
        }
    }
    out.end()
}

/// The run with this id, if it is of this connection.
///
/// # Errors
/// [`Usage`] when it is not.
pub async fn known(run: &str, connection: &ConnectionRow, store: &dyn Database) -> Result<PushRow> {
    let found = store.run(run).await?.filter(|row| row.connection == connection.id);
    let unknown = || {
        Usage::new(format!("connection \"{}\" has no push {run}", connection.name))
            .next("`push --list` shows its pushes, `push --conflicts` what is to be decided")
    };
    Ok(found.ok_or_else(unknown)?)
}
