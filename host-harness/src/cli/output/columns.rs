//! Which members of a page become columns of a table, and how wide.

use super::grid::{GAP, bare};
use super::members::{RecordMembers, cell, is_scalar};
use super::{OutputRow, printable};

/// A column that chose itself is no wider.
pub const WIDEST: u16 = 40;
/// Columns that were asked for are not made narrower.
const NARROWEST: u16 = 6;

/// The identity, then members that are short in every record.
#[must_use]
pub fn candidates(page: &[RecordMembers<'_>]) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    for (name, _) in page.iter().flat_map(|members| &members.0) {
        let cells = || page.iter().filter_map(|members| members.get(name));
        let fits = |raw: &str| is_scalar(raw) && cell(raw).chars().count() <= usize::from(WIDEST);
        let shows = cells().any(|raw| !cell(raw).is_empty());
        if !names.contains(name) && shows && cells().all(fits) {
            names.push(name.clone());
        }
    }
    names
}

/// Which of `candidates` fit side by side: the first ones, and times after all else,
/// since they are long and seldom what somebody looks for.
#[must_use]
pub fn fitting(
    page: &[RecordMembers<'_>],
    candidates: &[String],
    widths: &[u16],
    width: u16,
) -> Vec<bool> {
    let time = |name: &String| {
        let mut cells = page.iter().filter_map(|members| members.get(name)).map(cell);
        cells.any(|text| is_time(&text))
    };
    let times: Vec<bool> = candidates.iter().map(time).collect();
    let mut fits = vec![false; candidates.len()];
    let mut used = 0;
    for turn in [false, true] {
        for ((fits, wanted), time) in fits.iter_mut().zip(widths).zip(&times) {
            let more = if used == 0 { *wanted } else { GAP + *wanted };
            if *time == turn && (used == 0 || used + more <= width) {
                used += more;
                *fits = true;
            }
        }
    }
    fits
}

/// Begins as RFC 3339 times do.
fn is_time(text: &str) -> bool {
    let mut letters = text.chars();
    let shape = "0000-00-00T";
    shape.chars().all(|wanted| match letters.next() {
        Some(letter) if wanted == '0' => letter.is_ascii_digit(),
        letter => letter == Some(wanted),
    })
}

/// The widest cell of each column, its name included.
#[must_use]
pub fn widths(rows: &[OutputRow<'_>], page: &[RecordMembers<'_>], columns: &[String]) -> Vec<u16> {
    let mut grid = bare();
    grid.set_header(columns.iter().map(|name| printable(name)).collect::<Vec<_>>());
    for (row, members) in rows.iter().zip(page) {
        let cells = members.cells(*row, columns);
        grid.add_row(cells.iter().map(|text| printable(text)).collect::<Vec<_>>());
    }
    grid.column_max_content_widths()
}

/// Takes from the widest columns until all fit.
pub fn shrink(widths: &mut [u16], width: u16) {
    let gaps =
        GAP.saturating_mul(u16::try_from(widths.len()).unwrap_or(u16::MAX).saturating_sub(1));
    let room = u32::from(width.saturating_sub(gaps));
    while widths.iter().map(|width| u32::from(*width)).sum::<u32>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_shape() {
        assert!(is_time("2026-11-01T00:00:00Z"));
        assert!(!is_time("2026-11-01") && !is_time("1Z12345E0205271688"));
    }

    #[test]
    fn the_widest_columns_give_way() {
        for (given, width, expected) in [
            (vec![10, 10], 22, vec![10, 10]),
            (vec![10, 40], 32, vec![10, 20]),
            (vec![u16::MAX, u16::MAX], 32, vec![15, 15]),
            (vec![20, 20], 4, vec![6, 6]),
        ] {
            let mut widths = given;
            shrink(&mut widths, width);
            assert_eq!(widths, expected);
        }
    }
}
