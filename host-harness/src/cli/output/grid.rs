//! Small tables with everything in them: long cells are broken into lines.

use std::io::Write;

use anyhow::Result;
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table as Grid};

use super::members::{RecordMembers, cell};
use super::{OutputRow, printable};

/// Space between columns.
pub const GAP: u16 = 2;
/// Width where there is no terminal.
const USUAL_WIDTH: u16 = 100;
/// Room that text wants.
const TEXT: u16 = 24;

/// Writes one record with a line for each member.
///
/// # Errors
/// When `out` cannot be written.
pub fn one(out: &mut impl Write, row: OutputRow<'_>, width: u16) -> Result<()> {
    let members = RecordMembers::of(row.data);
    let rows = members.0.iter();
    let rows = rows.map(|(name, raw)| vec![name.clone(), cell(raw)]);
    for line in grid(&[], rows.collect(), width) {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// The lines of rows with everything in them: long cells are broken.
#[must_use]
pub fn grid(header: &[&str], rows: Vec<Vec<String>>, width: u16) -> Vec<String> {
    let mut grid = bare();
    grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    if !header.is_empty() {
        grid.set_header(header.to_vec());
    }
    for row in rows {
        grid.add_row(row.iter().map(|text| printable(text)).collect::<Vec<_>>());
    }
    let widths = grid.column_max_content_widths();
    let whole = unbroken(&widths, width);
    for (index, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if index < whole {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    grid.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// How many columns, from the first, need not be broken: all but the last, if that
/// leaves room for text; else the one with the names, if that does.
fn unbroken(widths: &[u16], width: u16) -> usize {
    let Some((last, others)) = widths.split_last() else {
        return 0;
    };
    let room = width.saturating_sub((*last).min(TEXT));
    let wanted = |width: &u16| u32::from(*width) + u32::from(GAP);
    let fits = |columns: &[u16]| columns.iter().map(wanted).sum::<u32>() <= u32::from(room);
    match others {
        _ if fits(others) => others.len(),
        [first, ..] if fits(&[*first]) => 1,
        _ => 0,
    }
}

/// The terminal's width, or the usual one.
#[must_use]
pub fn width() -> u16 {
    let known = Grid::new().width().filter(|width| *width > 0);
    known.unwrap_or(USUAL_WIDTH)
}

/// A table without lines.
#[must_use]
pub fn bare() -> Grid {
    let mut grid = Grid::new();
    grid.load_style(NOTHING);
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_broken_where_that_can_be_helped() {
        assert_eq!(unbroken(&[10, 20, 300], 60), 2);
        assert_eq!(unbroken(&[10, 40, 300], 60), 1);
        assert_eq!(unbroken(&[60, 40, 300], 60), 0);
        assert_eq!(unbroken(&[10, 40, 4], 60), 2);
        assert_eq!(unbroken(&[100], 60), 0);
        assert_eq!(unbroken(&[], 60), 0);
    }

    #[test]
    fn one_record_shows_all_of_it() {
        let mut out = Vec::new();
        let data = r#"{"id":"7","text":"one two three four five six","list":[1, 2]}"#;
        one(&mut out, OutputRow { id: "7", data }, 24).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "id    7\ntext  one two three\n      four five six\nlist  [1,2]\n"
        );
    }
}
