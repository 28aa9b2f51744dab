//! One record as cells, line by line: a quote opens a cell only at its beginning, elsewhere it is
//! text; after a closing quote only a delimiter or the line's end may follow.

/// Splits a record, one line after the other.
pub struct CellSplitter {
    delimiter: u8,
    /// Cells that have ended.
    ended: Vec<Vec<u8>>,
    /// The cell that is being read.
    cell: Vec<u8>,
    state: QuoteState,
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

#[derive(Clone, Copy)]
enum QuoteState {
    Begin,
    Text,
    Quoted,
    Closed { escaped: bool },
}

impl CellSplitter {
    /// Between cells stands `delimiter`.
    pub fn new(delimiter: u8) -> Self {
        Self { delimiter, ended: vec![], cell: vec![], state: QuoteState::Begin }
    }

    /// Reads the record's next line; `end` is what ends it, and part of a cell within quotes.
    pub fn add(&mut self, line: &[u8], end: &[u8]) -> LineEnd {
        let mut before = 0;
        for byte in line.iter().copied() {
            self.state = match self.state {
                QuoteState::Begin | QuoteState::Text | QuoteState::Closed { .. }
                    if byte == self.delimiter =>
                {
                    self.ended.push(std::mem::take(&mut self.cell));
                    QuoteState::Begin
                }
                QuoteState::Begin if byte == b'"' => QuoteState::Quoted,
                QuoteState::Quoted if byte == b'"' => {
                    QuoteState::Closed { escaped: before == b'\\' }
                }
                QuoteState::Closed { escaped } if byte != b'"' => {
                    return LineEnd::Broken { escaped };
                }
                state => {
                    self.cell.push(byte);
                    match state {
                        QuoteState::Begin | QuoteState::Text => QuoteState::Text,
                        QuoteState::Quoted | QuoteState::Closed { .. } => QuoteState::Quoted,
                    }
                }
            };
            before = byte;
        }
        if !matches!(self.state, QuoteState::Quoted) {
            return LineEnd::Ended;
        }
        self.cell.extend_from_slice(end);
        LineEnd::Open
    }

    /// Cells so far, the one that is being read included.
    pub fn count(&self) -> usize {
        self.ended.len() + 1
    }

    /// The cells of the record.
    pub fn cells(self) -> impl Iterator<Item = Vec<u8>> {
        self.ended.into_iter().chain([self.cell])
    }
}
