//! What a command prints: records to stdout in the form that was asked for, words
//! about them to stderr.

mod columns;
mod compact;
mod csv;
mod grid;
mod json;
mod members;
mod table;
mod text;

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

use anyhow::Result;
use host_harness::contract::types::DataRecord;
pub use host_harness::service::documents::date;
use indexmap::IndexSet;
use serde_json::Value;

pub use self::compact::indented;
use self::compact::{compact, indent};
use self::csv::CsvWriter;
use self::grid::{grid, one, width};
use self::json::JsonWriter;
use self::members::RecordMembers;
use self::table::TableWriter;
pub use self::text::{bytes, count, counted, duration, lines, printable};
use super::schema::members;
use super::usage::{Usage, unknown};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// One record's JSON a line
    Ndjson,
    /// One JSON document
    Json,
    /// Columns for people
    Table,
    /// Comma-separated values
    Csv,
}

impl OutputFormat {
    /// A table on a terminal, NDJSON in a pipe.
    #[must_use]
    pub fn usual() -> Self {
        if io::stdout().is_terminal() { Self::Table } else { Self::Ndjson }
    }
}

// `--columns` of commands that print records. (A docstring would become their help text.)
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Columns {
    /// Members to show in a table or as CSV, in this order
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,

    // Members that a record may have, whether or not one does.
    #[arg(skip)]
    pub known: Vec<String>,
}

impl Columns {
    /// These, with the members that a record may have by its schema.
    #[must_use]
    pub fn knowing(&self, schema: &Value) -> Self {
        let members = members(schema).into_iter();
        Self { columns: self.columns.clone(), known: members.map(|member| member.name).collect() }
    }

    /// Refuses a column that is not known.
    ///
    /// # Errors
    /// [`Usage`] that names those that are.
    pub fn check(&self) -> Result<(), Usage> {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let is_known = |name: &String| name == "id" || self.known.contains(name);
        match self.columns.iter().flatten().find(|name| !is_known(name)) {
            Some(name) if !known.is_empty() => Err(unknown("column", name, &known)),
            _ => Ok(()),
        }
    }

    /// As [`Columns::check`], where what the records of the first page have is known too: they may
    /// have members that no schema speaks of.
    fn check_page(&self, page: &[RecordMembers<'_>]) -> Result<(), Usage> {
        let of_page = page.iter().flat_map(|members| members.0.keys());
        let known: IndexSet<&String> = self.known.iter().chain(of_page).collect();
        Self { known: known.into_iter().cloned().collect(), ..self.clone() }.check()
    }
}

/// One record: its identity and its JSON.
#[derive(Debug, Clone, Copy)]
pub struct OutputRow<'a> {
    /// Identity within its object.
    pub id: &'a str,
    /// As the connector handed it over.
    pub data: &'a str,
}

impl<'a> From<&'a DataRecord> for OutputRow<'a> {
    fn from(record: &'a DataRecord) -> Self {
        Self { id: &record.id, data: &record.data }
    }
}

/// Takes records page by page and keeps none of them.
pub trait RecordWriter: Send {
    /// Writes a page.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn page(&mut self, rows: &[OutputRow<'_>]) -> Result<()>;

    /// There are no more.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn end(&mut self) -> Result<()>;
}

/// Writes records to stdout.
#[must_use]
pub fn records(form: OutputFormat, columns: &Columns) -> Box<dyn RecordWriter> {
    let columns = columns.clone();
    let out = stdout();
    match form {
        OutputFormat::Ndjson => Box::new(JsonWriter::new(out, false)),
        OutputFormat::Json => Box::new(JsonWriter::new(out, true)),
        OutputFormat::Table => Box::new(TableWriter::new(out, columns, width())),
        OutputFormat::Csv => Box::new(CsvWriter::new(out, columns)),
    }
}

/// Writes one record to stdout: as a document where [`records`] writes a list.
///
/// # Errors
/// When stdout cannot be written.
pub fn record(form: OutputFormat, columns: &Columns, row: OutputRow<'_>) -> Result<()> {
    match form {
        OutputFormat::Json => document(form, row.data),
        OutputFormat::Table if columns.columns.is_none() => one(&mut stdout(), row, width()),
        OutputFormat::Ndjson | OutputFormat::Table | OutputFormat::Csv => {
            let mut records = records(form, columns);
            records.page(&[row])?;
            records.end()
        }
    }
}

/// Writes one JSON document to stdout: in one line as NDJSON, else indented.
///
/// # Errors
/// When stdout cannot be written.
pub fn document(form: OutputFormat, json: &str) -> Result<()> {
    let mut out = stdout();
    if form == OutputFormat::Ndjson {
        compact(json, &mut out)?;
    } else {
        indent(json, &mut out)?;
    }
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Writes text to stdout.
///
/// # Errors
/// When stdout cannot be written.
pub fn text_block(text: &str) -> Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// A title and rows under it, for people; nothing when there are no rows. Cells are
/// broken into lines where they are too long for the terminal.
#[must_use]
pub fn section(
    title: &str,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    let lines = grid(header, rows, width().saturating_sub(2));
    if title.is_empty() {
        return lines.iter().map(|line| format!("{line}\n")).collect();
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("{title}\n{lines}\n")
}

/// The cells of a row.
#[must_use]
pub fn cells<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

/// Says something on stderr. That nobody may listen there is no reason to fail.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn stdout() -> BufWriter<Stdout> {
    BufWriter::with_capacity(64 * 1024, io::stdout())
}
