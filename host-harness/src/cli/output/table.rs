//! Tables for people.
//!
//! The first page decides on columns and widths, so that rows can be shown as they
//! come; what is longer later is cut, and marked by an ellipsis.

use std::io::Write;

use anyhow::Result;
use comfy_table::{ColumnConstraint, ContentArrangement, Row as GridRow, Table as Grid, Width};

use super::columns::{WIDEST, candidates, fitting, shrink, widths};
use super::grid::{GAP, bare};
use super::members::RecordMembers;
use super::{Columns, OutputRow, RecordWriter, printable};

/// Writes aligned columns.
pub struct TableWriter<W> {
    out: W,
    width: u16,
    columns: Vec<String>,
    widths: Vec<u16>,
    chosen: Columns,
    begun: bool,
}

impl<W: Write> TableWriter<W> {
    /// Writes `columns` to `out`; those that fit `width` best, if none are given.
    pub fn new(out: W, chosen: Columns, width: u16) -> Self {
        Self {
            out,
            width,
            columns: chosen.columns.clone().unwrap_or_default(),
            chosen,
            widths: vec![],
            begun: false,
        }
    }

    fn begin(&mut self, rows: &[OutputRow<'_>], page: &[RecordMembers<'_>]) -> Result<()> {
        self.chosen.check_page(page)?;
        self.begun = true;
        if self.chosen.columns.is_some() {
            self.widths = widths(rows, page, &self.columns);
            shrink(&mut self.widths, self.width);
            return Ok(());
        }
        let candidates = candidates(page);
        let mut widths = widths(rows, page, &candidates);
        // An identity that is cut serves nobody; all else may be.
        for (index, width) in widths.iter_mut().enumerate() {
            *width = (*width).min(if index == 0 { self.width } else { WIDEST });
        }
        let fitting = fitting(page, &candidates, &widths, self.width);
        for ((column, width), fits) in candidates.into_iter().zip(widths).zip(fitting) {
            if fits {
                self.columns.push(column);
                self.widths.push(width);
            }
        }
        Ok(())
    }

    fn write(&mut self, grid: &mut Grid) -> Result<()> {
        grid.set_content_arrangement(ContentArrangement::Disabled);
        for (column, width) in grid.column_iter_mut().zip(&self.widths) {
            column.set_padding((0, GAP));
            let width = Width::Fixed(width + GAP);
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
        write(&mut self.out, grid)
    }
}

impl<W: Write + Send> RecordWriter for TableWriter<W> {
    fn page(&mut self, rows: &[OutputRow<'_>]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let page: Vec<RecordMembers<'_>> =
            rows.iter().map(|row| RecordMembers::of(row.data)).collect();
        let mut grid = bare();
        if !self.begun {
            self.begin(rows, &page)?;
            grid.set_header(line(self.columns.iter().map(|name| printable(name)).collect()));
        }
        for (row, members) in rows.iter().zip(&page) {
            let cells = members.cells(*row, &self.columns);
            grid.add_row(line(cells.iter().map(|text| printable(text)).collect()));
        }
        self.write(&mut grid)
    }

    fn end(&mut self) -> Result<()> {
        if !self.begun {
            self.chosen.check()?;
        }
        Ok(self.out.flush()?)
    }
}

fn line(cells: Vec<String>) -> GridRow {
    let mut line = GridRow::from(cells);
    line.max_height(1);
    line
}

fn write(out: &mut impl Write, grid: &Grid) -> Result<()> {
    for line in grid.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(columns: Option<&[&str]>, width: u16, pages: &[&[&str]]) -> String {
        let mut out = Vec::new();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let chosen = Columns { columns: columns.map(names), known: names(&["z"]) };
        let mut records = TableWriter::new(&mut out, chosen, width);
        for page in pages {
            let rows: Vec<OutputRow<'_>> =
                page.iter().map(|data| OutputRow { id: "i1", data }).collect();
            records.page(&rows).unwrap();
        }
        records.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_page_chooses_short_scalars() {
        let long = format!(
            r#"{{"text":"{}","n":1,"list":[1],"none":null,"s":"é\u001b"}}"#,
            "x".repeat(41)
        );
        assert_eq!(
            written(None, 80, &[&[&long], &[], &[r#"{"n":123456,"s":"longer than é"}"#]]),
            "id  n  s\ni1  1  é\\u{1b}\ni1  …  longer…\n"
        );
        assert_eq!(written(None, 80, &[]), "");
    }

    #[test]
    fn what_does_not_fit_the_width_is_left_out() {
        let page = [r#"{"id":"abc","first":"0123456789","second":"0123456789","third":1}"#];
        assert_eq!(written(None, 22, &[&page]), "id   first       third\nabc  0123456789  1\n");
    }

    #[test]
    fn times_come_after_all_else() {
        let page = [r#"{"id":"abc","made":"2026-11-01T00:00:00Z","state":"open","n":1}"#];
        assert_eq!(written(None, 26, &[&page]), "id   state  n\nabc  open   1\n");
        assert_eq!(
            written(None, 40, &[&page]),
            "id   made                  state  n\nabc  2026-11-01T00:00:00Z  open   1\n"
        );
    }

    #[test]
    fn chosen_columns_share_the_width() {
        let page = [r#"{"a":"0123456789012345","b":"x","c":{"d": 1}}"#];
        assert_eq!(
            written(Some(&["b", "a", "c", "z"]), 31, &[&page]),
            "b  a                 c        z\nx  0123456789012345  {\"d\":1}\n"
        );
        assert_eq!(written(Some(&["a"]), 10, &[&page]), "a\n012345678…\n");
    }
}
