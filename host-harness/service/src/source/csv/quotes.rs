//! The check of quotes, over bytes as they come: a quote opens a cell only at its beginning,
//! elsewhere it is text; after a closing quote only a delimiter or the line's end may follow.
//!
//! A line is looked at twice at most: from a cell's beginning, and from within quotes. What comes
//! of a line that begins within quotes does not depend on where they opened, so a [`Chain`] of
//! such lines is followed once, however many records begin in it.

/// Looks at lines.
pub struct Quotes {
    /// What stands between cells.
    pub delimiter: u8,
    /// Bytes that were looked at, each as often as it was.
    pub examined: u64,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStart {
    /// At a cell's beginning.
    Cell,
    /// Within quotes.
    Quoted,
}

/// Where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// With its record.
    Ended,
    /// Within quotes.
    Open,
    /// Something else than a delimiter follows a closing quote.
    Broken {
        /// That quote stands after a backslash.
        escaped: bool,
    },
}

/// What a line is, from its start on.
pub struct LineScan {
    /// Cells that ended in it, but the last one.
    pub cells: usize,
    /// Where it ends.
    pub end: LineEnd,
}

enum QuoteState {
    Begin,
    Text,
    Quoted,
    Closed,
}

impl Quotes {
    /// Between cells stands `delimiter`.
    pub fn new(delimiter: u8) -> Self {
        Self { delimiter, examined: 0 }
    }

    /// Looks at a line, without its end.
    pub fn scan(&mut self, line: &[u8], start: LineStart) -> LineScan {
        self.examined += line.len() as u64;
        let mut state =
            if start == LineStart::Cell { QuoteState::Begin } else { QuoteState::Quoted };
        let (mut cells, mut before, mut escaped) = (0, 0, false);
        for byte in line.iter().copied() {
            let ends = byte == self.delimiter;
            state = match state {
                QuoteState::Begin if byte == b'"' => QuoteState::Quoted,
                QuoteState::Begin | QuoteState::Text | QuoteState::Closed if ends => {
                    cells += 1;
                    QuoteState::Begin
                }
                QuoteState::Begin | QuoteState::Text => QuoteState::Text,
                QuoteState::Quoted if byte == b'"' => {
                    escaped = before == b'\\';
                    QuoteState::Closed
                }
                QuoteState::Closed if byte == b'"' => QuoteState::Quoted,
                QuoteState::Quoted => QuoteState::Quoted,
                QuoteState::Closed => return LineScan { cells, end: LineEnd::Broken { escaped } },
            };
            before = byte;
        }
        let end = if matches!(state, QuoteState::Quoted) { LineEnd::Open } else { LineEnd::Ended };
        LineScan { cells, end }
    }

    /// No record in `raw` has more cells.
    pub fn most_cells(&self, raw: &[u8]) -> usize {
        raw.iter().filter(|byte| **byte == self.delimiter).count() + 1
    }
}

/// Lines that begin within quotes, one after the other.
pub struct Chain {
    first: u64,
    /// Cells that ended in the lines up to each.
    cells: Vec<usize>,
    /// How its last line ends; `None`: the source ended.
    pub end: Option<LineEnd>,
    /// Empty cells at the end of its last line.
    pub blank_tail: usize,
}

impl Chain {
    /// Begins with this line.
    pub fn new(first: u64) -> Self {
        Self { first, cells: vec![], end: None, blank_tail: 0 }
    }

    /// So many cells ended in the next line.
    pub fn add(&mut self, cells: usize) {
        self.cells.push(self.cells.last().copied().unwrap_or_default() + cells);
    }

    /// Its last line.
    pub fn last(&self) -> u64 {
        (self.first + self.cells.len() as u64).saturating_sub(1)
    }

    /// Whether this line is one of them.
    pub fn holds(&self, line: u64) -> bool {
        (self.first..=self.last()).contains(&line)
    }

    /// Cells that ended in it, from this line on.
    pub fn cells_from(&self, line: u64) -> usize {
        let before = usize::try_from(line.saturating_sub(self.first)).unwrap_or_default();
        let before = before.checked_sub(1).and_then(|at| self.cells.get(at));
        let all = self.cells.last().copied().unwrap_or_default();
        all.saturating_sub(before.copied().unwrap_or_default())
    }
}
