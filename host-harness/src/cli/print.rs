//! What a command prints on stdout, with the progress line out of the way.

use std::fmt::Display;

use anyhow::Result;
use serde_json::Value;

use super::context::Context;
use super::output::{
    Columns, OutputFormat, OutputRow, RecordWriter, document, records, section, text_block,
};
use super::watch::Watch;

/// Records that are printed as they come.
pub struct Output<'c> {
    watch: &'c Watch,
    records: Box<dyn RecordWriter>,
}

/// A row of ours: as a table shows it, and as JSON.
pub struct Entry {
    /// What identifies it.
    pub id: String,
    /// Its cells in a table.
    pub cells: Vec<String>,
    /// For programs.
    pub json: Value,
}

impl Context {
    /// Begins to print records in the form that was asked for.
    pub fn output(&self, columns: &Columns) -> Output<'_> {
        self.output_as(self.form(), columns)
    }

    /// As [`Context::output`], in this form.
    pub fn output_as(&self, form: OutputFormat, columns: &Columns) -> Output<'_> {
        Output { watch: &self.watch, records: records(form, columns) }
    }

    /// Prints rows of ours: as a table with everything in it, else each as JSON.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn listing(&self, header: &[&str], rows: impl IntoIterator<Item = Entry>) -> Result<()> {
        if self.form() == OutputFormat::Table {
            return self.text(&section("", header, rows.into_iter().map(|row| row.cells)));
        }
        let mut out = self.output(&Columns::default());
        rows.into_iter().try_for_each(|row| out.json(row.id, row.json))?;
        out.end()
    }

    /// Prints one thing: as text for people, as a JSON document for programs.
    ///
    /// # Errors
    /// [`super::usage::Usage`] for CSV; when the output cannot be written.
    pub fn document(&self, text: impl FnOnce() -> String, json: &Value) -> Result<()> {
        match self.document_form()? {
            OutputFormat::Table | OutputFormat::Csv => self.text(&text()),
            form @ (OutputFormat::Ndjson | OutputFormat::Json) => {
                self.watch.print(|| document(form, &json.to_string()))
            }
        }
    }

    /// Prints text.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn text(&self, text: &str) -> Result<()> {
        self.watch.print(|| text_block(text))
    }
}

impl Output<'_> {
    /// Prints some.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn rows<'r>(
        &mut self,
        rows: impl IntoIterator<Item = impl Into<OutputRow<'r>>>,
    ) -> Result<()> {
        let rows: Vec<OutputRow<'r>> = rows.into_iter().map(Into::into).collect();
        self.watch.print(|| self.records.page(&rows))
    }

    /// Prints a page of rows of ours: what identifies each, and its JSON.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn page(&mut self, rows: impl IntoIterator<Item = (String, Value)>) -> Result<()> {
        let texts: Vec<(String, String)> =
            rows.into_iter().map(|(id, json)| (id, json.to_string())).collect();
        self.rows(texts.iter().map(|(id, data)| OutputRow { id, data }))
    }

    /// As [`Output::page`], of one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn json(&mut self, id: impl Display, json: Value) -> Result<()> {
        self.page([(id.to_string(), json)])
    }

    /// There are no more.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn end(mut self) -> Result<()> {
        self.watch.print(|| self.records.end())
    }
}
