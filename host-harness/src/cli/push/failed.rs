//! The items that failed, as they came: written as they fail, so that nothing is lost when the
//! program ends early.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use host_harness::files;
use host_harness::push::{Ended, IntentState, Push};

use crate::cli::usage::Usage;

/// A file for them, if one is wanted.
pub struct Failed<'a> {
    file: Option<(&'a Path, File)>,
    header: Option<String>,
    /// Run and line of the last one: a row that became several items is put there once.
    last: Option<(String, u64)>,
    broken: Option<anyhow::Error>,
}

impl<'a> Failed<'a> {
    /// Opens the file; what it holds stays, because it may be the source.
    ///
    /// # Errors
    /// [`Usage`], when it cannot be written: better now than when there is something to write.
    pub fn open(path: Option<&'a Path>) -> Result<Self> {
        let file = path.map(|path| {
            let unwritable =
                |why| Usage::new(format!("--failed: cannot write {}: {why}", path.display()));
            let file = files::open(path).map_err(unwritable)?;
            // Secrets may stand in it.
            files::keep_to_oneself(&file).map_err(unwritable)?;
            Ok::<_, Usage>((path, file))
        });
        Ok(Self { file: file.transpose()?, header: None, last: None, broken: None })
    }

    /// Empties the file: the source has been read. Its items are to stand after `header`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&mut self, header: Option<String>) -> Result<()> {
        self.header = header;
        let Some((path, file)) = &self.file else { return Ok(()) };
        let writing = || format!("writing {}", path.display());
        if file.metadata().with_context(writing)?.is_file() {
            file.set_len(0).with_context(writing)?;
        }
        Ok(())
    }

    /// Adds an item, if it failed.
    pub fn add(&mut self, push: &Push, ended: &Ended) {
        let Some((path, file)) = &mut self.file else { return };
        let here = Some((ended.run.clone(), ended.line));
        if ended.state != IntentState::Failed || self.broken.is_some() || self.last == here {
            return;
        }
        self.last = here;
        let Ok(mut text) = push.raw(ended) else { return };
        text.push(b'\n');
        if let Some(header) = self.header.take() {
            text.splice(0..0, header.into_bytes().into_iter().chain([b'\n']));
        }
        let written = file.write_all(&text);
        self.broken = written.with_context(|| format!("writing {}", path.display())).err();
    }

    /// All have been added.
    ///
    /// # Errors
    /// Why one could not be.
    pub fn end(self) -> Result<()> {
        self.broken.map_or(Ok(()), Err)
    }
}
