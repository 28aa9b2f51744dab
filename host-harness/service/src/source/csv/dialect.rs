//! What stands between cells: said by the source's first line, or found.

use super::cells::CellSplitter;

/// What programs put between cells, the most usual first.
const USUAL: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter that a line `sep=;` tells, as Excel reads and writes it.
pub fn stated(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', delimiter] if delimiter.is_ascii() => {
            [*s, *e, *p].eq_ignore_ascii_case(b"sep").then_some(*delimiter)
        }
        _ => None,
    }
}

/// Those of the usual ones that stand in the line of names.
pub fn candidates(names: &[u8]) -> Vec<u8> {
    USUAL.into_iter().filter(|one| cells(names, *one) > 1).collect()
}

/// The candidate by which most lines have as many cells as there are names, then the one with
/// most names.
pub fn common(candidates: &[u8], lines: &[&[u8]]) -> u8 {
    let fitness = |one: &u8| {
        let names = lines.first().map_or(1, |line| cells(line, *one));
        (lines.iter().filter(|line| cells(line, *one) == names).count(), names)
    };
    // Of equal ones, the last is taken.
    candidates.iter().rev().copied().max_by_key(fitness).unwrap_or(b',')
}

fn cells(line: &[u8], delimiter: u8) -> usize {
    let mut record = CellSplitter::new(delimiter);
    record.add(line, b"");
    record.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_found_by_the_lines() {
        let found = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            char::from(common(&candidates(lines[0]), &lines))
        };
        assert_eq!(found(&["number"]), ',');
        assert_eq!(found(&["a;b;c", "1;2;3"]), ';');
        assert_eq!(found(&["a\tb"]), '\t');
        assert_eq!(found(&["a|b"]), '|');
        assert_eq!(found(&["Order, date;Total, EUR", "1;2,50", "2;3"]), ';');
        assert_eq!(found(&["\"a;b\",c"]), ',');
        assert_eq!(found(&["a,b;c"]), ',');
    }

    #[test]
    fn a_first_line_may_say_it() {
        assert_eq!(stated(b"sep=;"), Some(b';'));
        assert_eq!(stated(b"SEP=\t"), Some(b'\t'));
        assert_eq!(stated(b"\"sep=|\""), Some(b'|'));
        assert_eq!(stated(b"sep"), None);
        assert_eq!(stated("sep=é".as_bytes()), None);
    }
}
