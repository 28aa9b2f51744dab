//! Where the items come from.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;

use anyhow::{Context as _, Result};
use host_harness::push::items::{Form, Items};

use super::Args;
use crate::cli::errors::Usage;

/// Opens the file, or standard input.
///
/// # Errors
/// [`Usage`] when none is named, or it cannot be read.
pub async fn open(args: &Args) -> Result<Items> {
    let Some(file) = args.file.clone() else {
        return Err(Usage::new("no source is named")
            .next("give a file, - for standard input, or --resume")
            .into());
    };
    let ends = Path::new(&file).extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let form = if args.csv || ends { Form::Csv } else { Form::Ndjson };
    // The names of CSV are read at once, and a pipe may keep them waiting.
    let opening = tokio::task::spawn_blocking(move || {
        let unreadable = |why| Usage::new(format!("cannot read {file}: {why}"));
        let source: Box<dyn BufRead + Send> = match file.as_str() {
            "-" => Box::new(BufReader::new(stdin())),
            _ => Box::new(BufReader::new(File::open(&file).map_err(unreadable)?)),
        };
        Items::new(source, form).map_err(unreadable)
    });
    Ok(opening.await.context("reading the source")??)
}
