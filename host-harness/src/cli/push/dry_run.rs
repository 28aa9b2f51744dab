//! `push --dry-run`: what would be sent for each item.

use anyhow::{Context as _, Result};
use host_harness::push::mapping::Mapping;
use host_harness::push::{Mode, PlannedItem, Push};
use host_harness::service::documents::PlannedItemDocument;
use host_harness::source::Items;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, lines};

/// Prints a line for each item; answers how the source was read, too.
///
/// # Errors
/// When the source cannot be read, or the output not written.
pub async fn run(
    context: &Context,
    push: &Push,
    items: Items,
    mode: Mode,
    mapping: Option<&Mapping>,
) -> Result<(Exit, Vec<String>)> {
    let mut out = context.output(&Columns::default());
    let (mut failed, mut broken) = (false, None);
    let tell = |planned: PlannedItem| {
        failed |= planned.error.is_some();
        if broken.is_none() {
            let error = planned.error.as_deref().map(lines);
            let item = PlannedItemDocument { error, ..PlannedItemDocument::of(planned) };
            broken = match serde_json::to_value(item) {
                Ok(item) => out.page([item]).err(),
                Err(why) => Some(why.into()),
            };
        }
    };
    let notes = push.plan(items, mode, mapping, tell).await.context("planning the push")?;
    if let Some(why) = broken {
        return Err(why);
    }
    out.end()?;
    context.watch.mention("dry run: none of this was sent, and nothing was changed");
    Ok((if failed { Exit::Partly } else { Exit::Done }, notes))
}
