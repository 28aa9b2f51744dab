//! What a command prints on stdout, with the progress line out of the way.

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
        out.page(rows.into_iter().map(|row| row.json))?;
        out.end()
    }

    /// As [`Context::listing`]; the table has these members, under their names.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn members(&self, names: &[&str], rows: Vec<Value>) -> Result<()> {
        let header: Vec<String> =
            names.iter().map(|name| name.to_uppercase().replace('_', " ")).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let cells = |json: &Value| names.iter().map(|name| member(&json[*name])).collect();
        self.listing(&header, rows.into_iter().map(|json| Entry { cells: cells(&json), json }))
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

    /// Prints some rows of ours. What identifies one is a member of it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn page(&mut self, rows: impl IntoIterator<Item = Value>) -> Result<()> {
        let texts: Vec<String> = rows.into_iter().map(|json| json.to_string()).collect();
        self.rows(texts.iter().map(|data| OutputRow { id: "", data }))
    }

    /// There are no more.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn end(mut self) -> Result<()> {
        self.watch.print(|| self.records.end())
    }
}

/// A member as a cell: items of an array beside one another.
pub fn member(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(member).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
