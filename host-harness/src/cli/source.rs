//! Where items come from, and the options that say how they are read.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host_harness::push::mapping::Mapping;
use host_harness::source::{Encoding, Items, PIPE_BOUND, ReadOptions, SourceForm, Spool};

use super::usage::Usage;

// How a source is read. (A docstring would become the help text of each command.)
#[derive(Debug, clap::Args)]
pub struct SourceOptions {
    /// The source is CSV, whatever its name is
    #[arg(long)]
    pub csv: bool,

    /// What stands between the cells of CSV: one sign, or tab [default: found]
    #[arg(long, value_name = "SIGN", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// Encoding of a source without a byte order mark, such as windows-1252 [default: utf-8]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,

    /// Take a record of CSV that has several lines, even where each line could be a row
    #[arg(long)]
    pub multiline: bool,
}

/// Opens a file, or standard input for `-`. With a `directory`, a pipe is kept there, sealed, until
/// it has ended; without one, its items come as it goes on.
///
/// # Errors
/// [`Usage`] when it cannot be read.
pub async fn open(
    file: &str,
    reading: &SourceOptions,
    directory: Option<PathBuf>,
) -> Result<Items> {
    let extension = Path::new(file).extension().unwrap_or_default();
    let named = ["csv", "tsv"].iter().any(|form| extension.eq_ignore_ascii_case(form));
    let options = ReadOptions {
        form: if reading.csv || named { SourceForm::Csv } else { SourceForm::Json },
        delimiter: reading.delimiter,
        encoding: reading.encoding,
        multiline: reading.multiline,
    };
    let file = file.to_owned();
    // A pipe may keep the first line waiting.
    let opening = tokio::task::spawn_blocking(move || {
        let shown = if file == "-" { "standard input" } else { file.as_str() };
        let unreadable = |why| Usage::new(format!("cannot read {shown}: {why}"));
        let (mut source, is_pipe): (Box<dyn Read + Send>, bool) = if file == "-" {
            (Box::new(stdin()), true)
        } else {
            let opened = File::open(&file).map_err(unreadable)?;
            let is_pipe = !opened.metadata().map_err(unreadable)?.is_file();
            (Box::new(opened), is_pipe)
        };
        if let Some(directory) = directory.filter(|_| is_pipe) {
            let kept = Spool::of(source, &directory, PIPE_BOUND).map_err(unreadable)?;
            source = Box::new(kept);
        }
        Items::new(source, &options).map_err(unreadable)
    });
    Ok(opening.await.context("reading the source")??)
}

/// Reads a mapping file.
///
/// # Errors
/// [`Usage`] says what is wrong with it.
pub fn mapping(file: &Path) -> Result<Mapping, Usage> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|why| Usage::new(format!("cannot read the mapping file {shown}: {why}")))?;
    Mapping::read(&text).map_err(|why| {
        Usage::new(format!("{shown}: {why}")).next("`push --map-schema` shows the form")
    })
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [sign] if sign.is_ascii() && !matches!(sign, b'"' | b'\n' | b'\r') => Ok(*sign),
        _ => Err("give one ASCII sign that is no quote, or tab".to_owned()),
    }
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let known = Encoding::for_label(name.as_bytes());
    known.ok_or_else(|| "give a name as browsers know it: utf-8, utf-16le, windows-1252".to_owned())
}
