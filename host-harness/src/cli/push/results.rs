//! What came of each item: a line on stdout, and those that failed, as they came, in a file. Both
//! are written at once, so that nothing is lost when the program ends early.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use host_harness::files;
use host_harness::push::{IntentRow, IntentState, Push, Word as _};
use serde_json::json;

use super::PushArgs;
use crate::cli::context::Context;
use crate::cli::output::{Columns, lines};
use crate::cli::print::Output;
use crate::cli::usage::Usage;

/// Takes results as they come.
pub struct ItemResults<'a> {
    context: &'a Context,
    out: Output<'a>,
    /// Why a line could not be printed.
    unprinted: Option<anyhow::Error>,
    failed: Option<(&'a Path, File)>,
    /// What stands before the items in the file, until the first one.
    header: Option<String>,
    /// Run and line of the last one in the file: a row that became several items is put there once.
    last: Option<(String, u64)>,
    /// Why one could not be put there.
    unwritten: Option<anyhow::Error>,
}

impl<'a> ItemResults<'a> {
    /// Opens the file of `--failed`; what it holds stays, because it may be the source.
    ///
    /// # Errors
    /// [`Usage`], when it cannot be written: better now than when there is something to write; and
    /// for a column that no line has.
    pub fn new(context: &'a Context, args: &'a PushArgs) -> Result<Self, Usage> {
        let failed = args.failed.as_deref().map(|path| {
            let unwritable =
                |why| Usage::new(format!("--failed: cannot write {}: {why}", path.display()));
            let file = files::open(path).map_err(unwritable)?;
            // Secrets may stand in it.
            files::keep_to_oneself(&file).map_err(unwritable)?;
            Ok::<_, Usage>((path, file))
        });
        let failed = failed.transpose()?;
        let known = ["index", "line", "id", "outcome", "error"].map(str::to_owned).into();
        Columns { known, ..args.columns.clone() }.check()?;
        let out = context.output(&args.columns);
        Ok(Self {
            context,
            out,
            unprinted: None,
            failed,
            header: None,
            last: None,
            unwritten: None,
        })
    }

    /// Empties the file: the source has been read. Its items are to stand after `header`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&mut self, header: Option<String>) -> Result<()> {
        self.header = header;
        let Some((path, file)) = &self.failed else { return Ok(()) };
        let writing = || format!("writing {}", path.display());
        if file.metadata().with_context(writing)?.is_file() {
            file.set_len(0).with_context(writing)?;
        }
        Ok(())
    }

    /// Takes one. That nobody reads is no reason to stop a push.
    pub fn tell(&mut self, push: &Push, ended: &IntentRow) {
        self.context.watch.page(1, None);
        // Whoever reads the line finds the item in its file.
        self.put(push, ended);
        if self.unprinted.is_some() {
            return;
        }
        let outcome = match (ended.state, ended.outcome) {
            (IntentState::Done, Some(outcome)) => outcome.word(),
            (state, _) => state.word(),
        };
        let line = json!({
            "index": ended.index,
            "line": ended.line,
            "id": ended.id,
            "outcome": outcome,
            "error": ended.error.as_deref().map(lines),
        });
        self.unprinted = self.out.page([line]).err();
    }

    /// Puts an item into the file, if it failed.
    fn put(&mut self, push: &Push, ended: &IntentRow) {
        let Some((path, file)) = &mut self.failed else { return };
        let here = Some((ended.run.clone(), ended.line));
        if ended.state != IntentState::Failed || self.unwritten.is_some() || self.last == here {
            return;
        }
        self.last = here;
        let Ok(mut text) = push.raw(ended) else { return };
        text.push(b'\n');
        if let Some(header) = self.header.take() {
            text.splice(0..0, header.into_bytes().into_iter().chain([b'\n']));
        }
        let written = file.write_all(&text);
        self.unwritten = written.with_context(|| format!("writing {}", path.display())).err();
    }

    /// There are no more.
    ///
    /// # Errors
    /// Why a line could not be printed, unless nobody reads; why an item could not be put into the
    /// file.
    pub fn end(self) -> Result<()> {
        let unprinted = match self.unprinted {
            Some(why) => Some(why),
            None => self.out.end().err(),
        };
        match unprinted {
            Some(why) if !is_closed(&why) => Err(why),
            _ => self.unwritten.map_or(Ok(()), Err),
        }
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|why| why.kind() == io::ErrorKind::BrokenPipe)
    })
}
