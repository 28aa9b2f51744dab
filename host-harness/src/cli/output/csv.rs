//! Comma-separated values (RFC 4180): a column for each top-level member.
//!
//! Values stay exact. A program that takes text for a formula has to be told so.

use std::io::{self, Write};

use anyhow::Result;
use indexmap::IndexSet;

use super::members::RecordMembers;
use super::{Columns, OutputRow, RecordWriter, printable, say};

/// Writes a header and a line for each record.
pub struct CsvWriter<W: Write> {
    out: csv::Writer<W>,
    chosen: Columns,
    /// Chosen by the user, or else by the first page; `None` before the header.
    columns: Option<Vec<String>>,
    told: bool,
}

impl<W: Write> CsvWriter<W> {
    /// Writes `columns` to `out`; the members of the first page, if none are given.
    pub fn new(out: W, chosen: Columns) -> Self {
        Self { out: csv::Writer::from_writer(out), chosen, columns: None, told: false }
    }

    fn begin(&mut self, page: &[RecordMembers<'_>]) -> Result<Vec<String>> {
        self.chosen.check_page(page)?;
        let of_page = || IndexSet::<_>::from_iter(page.iter().flat_map(|members| members.0.keys()));
        let columns = self.chosen.columns.clone();
        let columns = columns.unwrap_or_else(|| of_page().into_iter().cloned().collect());
        // A broken pipe must be seen as one, so errors go on as what they are.
        self.out.write_record(&columns).map_err(io::Error::from)?;
        Ok(columns)
    }

    fn tell_left_out(&mut self, members: &RecordMembers<'_>, columns: &[String]) {
        if self.told || self.chosen.columns.is_some() {
            return;
        }
        if let Some(name) = members.0.keys().find(|name| !columns.contains(name)) {
            self.told = true;
            say(&format!(
                "note: members that the first page did not have, such as \"{}\", are left out; --columns chooses the columns",
                printable(name)
            ));
        }
    }
}

impl<W: Write + Send> RecordWriter for CsvWriter<W> {
    fn page(&mut self, rows: &[OutputRow<'_>]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let page: Vec<RecordMembers<'_>> =
            rows.iter().map(|row| RecordMembers::of(row.data)).collect();
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => self.begin(&page)?,
        };
        for (row, members) in rows.iter().zip(&page) {
            self.tell_left_out(members, &columns);
            self.out.write_record(members.cells(*row, &columns)).map_err(io::Error::from)?;
        }
        self.columns = Some(columns);
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        if self.chosen.columns.is_some() && self.columns.is_none() {
            self.begin(&[])?;
        }
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(columns: Option<&[&str]>, pages: &[&[&str]]) -> String {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let chosen = Columns { columns: columns.map(names), known: names(&["z"]) };
        let mut out = Vec::new();
        let mut records = CsvWriter::new(&mut out, chosen);
        for page in pages {
            let rows: Vec<OutputRow<'_>> =
                page.iter().map(|data| OutputRow { id: "i", data }).collect();
            if let Err(why) = records.page(&rows) {
                return why.to_string();
            }
        }
        records.end().unwrap();
        drop(records);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_page_gives_the_columns() {
        let first = [r#"{"b":1.10,"a":null}"#, r#"{"a":"x,\"y\"\nz","c":[1, {"d": 2}]}"#];
        assert_eq!(
            written(None, &[&[], &first, &[r#"{"later":1,"c":"=1+1"}"#]]),
            "b,a,c\n1.10,,\n,\"x,\"\"y\"\"\nz\",\"[1,{\"\"d\"\":2}]\"\n,,=1+1\n"
        );
        assert_eq!(written(None, &[]), "");
    }

    #[test]
    fn columns_can_be_chosen() {
        let page = [r#"{"a":1,"b":2}"#];
        assert_eq!(written(Some(&["b", "id", "z"]), &[&page]), "b,id,z\n2,i,\n");
        assert_eq!(written(Some(&["z"]), &[]), "z\n");
    }

    #[test]
    fn a_column_that_nothing_has_is_refused() {
        let page = [r#"{"id":"1","tag":"x"}"#, r#"{"id":"2","new":1}"#];
        assert_eq!(
            written(Some(&["id", "tagg"]), &[&page]),
            "unknown column \"tagg\"; known: z, id, tag, new"
        );
        // Members that no schema speaks of can be chosen.
        assert_eq!(written(Some(&["new", "id"]), &[&page]), "new,id\n,1\n1,2\n");
    }
}
