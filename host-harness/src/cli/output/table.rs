//! Tables for people.
//!
//! The first page decides on columns and widths, so that rows can be shown as they
//! come; what is longer later is cut, and marked by an ellipsis.

use std::io::Write;

use anyhow::Result;
use comfy_table::{ColumnConstraint, ContentArrangement, Row as GridRow, Width};

use super::columns::{WIDEST, candidates, fitting, shrink, widths};
use super::grid::{GAP, bare};
use super::members::RecordMembers;
use super::{Columns, OutputRow, RecordWriter, printable};

/// Writes aligned columns.
pub struct TableWriter<W> {
    out: W,
    width: u16,
    chosen: Columns,
    /// Name and width of each; `None` before the first page.
    columns: Option<(Vec<String>, Vec<u16>)>,
}

impl<W: Write> TableWriter<W> {
    /// Writes `columns` to `out`; those that fit `width` best, if none are given.
    pub fn new(out: W, chosen: Columns, width: u16) -> Self {
        Self { out, width, chosen, columns: None }
    }

    fn begin(
        &self,
        rows: &[OutputRow<'_>],
        page: &[RecordMembers<'_>],
    ) -> Result<(Vec<String>, Vec<u16>)> {
        self.chosen.check_page(page)?;
        if let Some(columns) = &self.chosen.columns {
            let mut widths = widths(rows, page, columns);
            shrink(&mut widths, self.width);
            return Ok((columns.clone(), widths));
        }
        let candidates = candidates(page);
        let mut widths = widths(rows, page, &candidates);
        // An identity that is cut serves nobody; all else may be.
        for (index, width) in widths.iter_mut().enumerate() {
            *width = (*width).min(if index == 0 { self.width } else { WIDEST });
        }
        let fitting = fitting(page, &candidates, &widths, self.width);
        let columns = candidates.into_iter().zip(widths).zip(fitting);
        Ok(columns.filter_map(|(column, fits)| fits.then_some(column)).unzip())
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
        let (columns, widths) = match self.columns.take() {
            Some(columns) => columns,
            None => {
                let (columns, widths) = self.begin(rows, &page)?;
                grid.set_header(line(&columns));
                (columns, widths)
            }
        };
        for (row, members) in rows.iter().zip(&page) {
            grid.add_row(line(&members.cells(*row, &columns)));
        }
        grid.set_content_arrangement(ContentArrangement::Disabled);
        for (column, width) in grid.column_iter_mut().zip(&widths) {
            column.set_padding((0, GAP));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + GAP)));
        }
        self.columns = Some((columns, widths));
        for line in grid.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        if self.columns.is_none() {
            self.chosen.check()?;
        }
        Ok(self.out.flush()?)
    }
}

fn line(cells: &[String]) -> GridRow {
    let mut line = GridRow::from(cells.iter().map(|text| printable(text)).collect::<Vec<_>>());
    line.max_height(1);
    line
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
