//! `push --list`: the pushes so far.

use std::sync::Arc;

use anyhow::Result;
use host_harness::push::{PushRow, Word as _};
use host_harness::store::ConnectionRow;
use serde_json::{Value, json};

use super::super::database::Database;
use super::PushArgs;
use crate::cli::context::Context;
use crate::cli::output::date;

/// Prints a line for each push of the connection.
///
/// # Errors
/// When the state cannot be used.
pub async fn list(
    args: &PushArgs,
    context: &Context,
    connection: &ConnectionRow,
    store: &Arc<dyn Database>,
) -> Result<()> {
    let pushes = store.pushes(Some(&connection.id)).await?;
    let wanted = |row: &&PushRow| args.object.as_ref().is_none_or(|object| *object == row.object);
    let mut out = context.output(&args.columns);
    out.page(pushes.iter().filter(wanted).map(line))?;
    out.end()
}

fn line(row: &PushRow) -> Value {
    let counts = &row.counts;
    json!({
        "id": row.id,
        "object": row.object,
        "mode": row.mode.word(),
        "made": date(row.made_ms),
        "ended": row.ended_ms.map(date),
        "items": counts.all(),
        "done": counts.done,
        "failed": counts.failed,
        "parked": counts.parked,
        "open": counts.pending + counts.sending,
    })
}
