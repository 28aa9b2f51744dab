//! `push --list`: the pushes so far.

use std::sync::Arc;

use anyhow::Result;
use host_harness::push::PushRow;
use host_harness::service::documents::PushDocument;
use host_harness::store::{ConnectionRow, Database};

use super::PushArgs;
use crate::cli::context::Context;

/// Runs that are read at once.
const AT_ONCE: u32 = 500;

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
    let wanted = |row: &&PushRow| args.object.as_ref().is_none_or(|object| *object == row.object);
    let mut out = context.output(&args.columns);
    let mut after = None;
    loop {
        let page = store.list_pushes(&connection.id, after, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.made_ms, last.id.clone()));
        let shown = page.iter().filter(wanted).map(PushDocument::of).map(serde_json::to_value);
        out.page(shown.collect::<Result<Vec<_>, _>>()?)?;
    }
    out.end()
}
