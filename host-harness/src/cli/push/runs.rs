//! `push --list`: the pushes so far.

use std::sync::Arc;

use anyhow::Result;
use host_harness::push::PushRow;
use host_harness::service::documents::PushDocument;
use host_harness::store::{ConnectionRow, Database};

use super::PushArgs;
use crate::cli::context::Context;

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
    let shown = pushes.iter().filter(wanted).map(|row| serde_json::to_value(PushDocument::of(row)));
    out.page(shown.collect::<Result<Vec<_>, _>>()?)?;
    out.end()
}
