//! What came of each item, a line for each.

use std::io;

use anyhow::Result;
use host_harness::push::{Ended, IntentState, Word as _};
use serde_json::json;

use crate::cli::columns::among;
use crate::cli::context::Context;
use crate::cli::output::{Columns, lines};
use crate::cli::print::Output;
use crate::cli::usage::Usage;

/// Prints results as they come.
pub struct Lines<'c> {
    out: Output<'c>,
    failed: Option<anyhow::Error>,
}

impl<'c> Lines<'c> {
    /// In the form that was asked for.
    ///
    /// # Errors
    /// [`Usage`] for a column that no line has.
    pub fn new(context: &'c Context, columns: &Columns) -> Result<Self, Usage> {
        among(columns, &["index", "line", "id", "outcome", "error"])?;
        Ok(Self { out: context.output(columns), failed: None })
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
        self.failed = self.out.json(ended.index, data).err();
    }

    /// There are no more.
    ///
    /// # Errors
    /// Why a line could not be printed, unless nobody reads.
    pub fn end(self) -> Result<()> {
        let failed = match self.failed {
            Some(failed) => Some(failed),
            None => self.out.end().err(),
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
