//! What came of each item, a line for each.

use std::io;

use anyhow::Result;
use host_harness::push::{Ended, IntentState, Word as _};
use serde_json::json;

use crate::cli::columns::among;
use crate::cli::context::Context;
use crate::cli::output::{Columns, Records, Row, lines, records};
use crate::cli::usage::Usage;

/// Prints results as they come.
pub struct Lines<'c> {
    context: &'c Context,
    out: Box<dyn Records>,
    failed: Option<anyhow::Error>,
}

impl<'c> Lines<'c> {
    /// In the form that was asked for.
    ///
    /// # Errors
    /// [`Usage`] for a column that no line has.
    pub fn new(context: &'c Context, columns: &Columns) -> Result<Self, Usage> {
        among(columns, &["index", "line", "id", "outcome", "error"])?;
        Ok(Self { context, out: records(context.form(), columns), failed: None })
    }

    /// Prints one. That nobody reads is no reason to stop a push.
    pub fn tell(&mut self, ended: &Ended) {
        if self.failed.is_some() {
            return;
        }
        let outcome = match (ended.state, ended.outcome) {
            (IntentState::Done, Some(outcome)) => outcome.word(),
            (state, _) => state.word(),
        };
        let data = json!({
            "index": ended.index,
            "line": ended.line,
            "id": ended.id,
            "outcome": outcome,
            "error": ended.error.as_deref().map(lines),
        });
        let index = ended.index.to_string();
        let row = Row { id: &index, data: &data.to_string() };
        self.failed = self.context.watch.print(|| self.out.page(&[row])).err();
    }

    /// There are no more.
    ///
    /// # Errors
    /// Why a line could not be printed, unless nobody reads.
    pub fn end(mut self) -> Result<()> {
        let failed = match self.failed {
            Some(failed) => Some(failed),
            None => self.context.watch.print(|| self.out.end()).err(),
        };
        match failed {
            Some(why) if !is_closed(&why) => Err(why),
            _ => Ok(()),
        }
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|why| why.kind() == io::ErrorKind::BrokenPipe)
    })
}
