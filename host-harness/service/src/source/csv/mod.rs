//! Separated values (RFC 4180, and what programs make of it), one record after the other.
//!
//! [`Quotes`] finds where a record ends, and whether its quotes are right; `csv-core` splits it.
//!
//! | a record | what becomes of it |
//! |---|---|
//! | all cells are empty, or the line is | left out and counted |
//! | its quotes are wrong | its first line fails alone |
//! | cells beyond the names that are not empty | its first line fails alone |
//! | cells are missing at its end | they are empty (Excel leaves them away), but: a single cell of three or more, a row in which the source ends, and a line that a broken record had taken in fail |
//! | several lines, each of which could be a record | all its lines fail, unless they are said to be right |
//!
//! After a line that failed alone, reading begins again at the next one.

mod dialect;
mod quotes;

use std::collections::VecDeque;
use std::io;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use self::dialect::{common, stated};
use self::quotes::{Chain, LineEnd, LineStart, Quotes};
use super::cells::unwrapped;
use super::lines::{Lines, SourceLine};
use super::text::Text;
use super::{Item, LONGEST, MOST_LINES, Options, refused, utf8};

/// Lines that are looked at to find what stands between cells.
const SAMPLE: usize = 10;

/// The records of a source.
pub struct Csv {
    lines: Lines,
    /// Read, and not part of a record yet.
    ahead: VecDeque<SourceLine>,
    quotes: Quotes,
    /// Lines within quotes, the last time that a record had several.
    chain: Option<Chain>,
    splitter: Reader,
    multiline: bool,
    /// Of the columns up to the last one that has a name.
    names: Vec<String>,
    header: String,
    notes: CsvNotes,
}

#[derive(Default)]
struct CsvNotes {
    delimiter: Option<String>,
    /// Lines and rows without content, but empty lines at the end.
    blank: u64,
    /// Empty lines since then.
    blank_last: u64,
    unnamed: bool,
}

impl Csv {
    /// Reads the names.
    ///
    /// # Errors
    /// When the source cannot be read, or has no names.
    pub fn new(text: Text, options: &Options) -> io::Result<Self> {
        let mut csv = Self {
            lines: Lines { text, count: 0 },
            ahead: VecDeque::new(),
            quotes: Quotes::new(b','),
            chain: None,
            splitter: Reader::default(),
            multiline: options.multiline,
            names: vec![],
            header: String::new(),
            notes: CsvNotes::default(),
        };
        csv.pass_blank()?;
        let stated = csv.ahead.front().and_then(|line| stated(line.content()));
        if stated.is_some() {
            csv.ahead.pop_front();
        }
        let delimiter = match options.delimiter.or(stated) {
            Some(delimiter) => delimiter,
            None => csv.common()?,
        };
        csv.quotes = Quotes::new(delimiter);
        csv.splitter = ReaderBuilder::new().delimiter(delimiter).build();
        let Some(CsvRecord { line, raw, cells }) = csv.record()? else {
            return Err(refused("it is empty: there is not even a line that names the columns"));
        };
        let unreadable = |why| refused(format!("line {line}: the names of the columns: {why}"));
        csv.names = cells.map_err(unreadable)?;
        // A name in quotes may have lines; it is one text all the same.
        while csv.names.last().is_some_and(String::is_empty) {
            csv.names.pop();
        }
        if csv.lines.text.is_decoded() {
            csv.header.push('\u{feff}');
        }
        if delimiter != b',' {
            let shown = char::from(delimiter);
            csv.header.push_str(&format!("sep={shown}\n"));
            if options.delimiter.is_none() {
                let shown = if shown == '\t' { "tabs".to_owned() } else { format!("\"{shown}\"") };
                csv.notes.delimiter = Some(shown);
            }
        }
        csv.header.push_str(&String::from_utf8_lossy(&raw));
        Ok(csv)
    }

    /// The text that it is read from.
    pub fn text(&self) -> &Text {
        &self.lines.text
    }

    /// The line of names, with what is needed to read records after it as they are read here.
    pub fn header(&self) -> String {
        self.header.clone()
    }

    /// The names of the columns that have one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// What was noticed so far.
    pub fn notes(&self) -> Vec<String> {
        let CsvNotes { delimiter, blank, blank_last: _, unnamed } = &self.notes;
        let delimiter = delimiter.as_ref().map(|shown| {
            format!("the cells are separated by {shown}; --delimiter says it where that is wrong")
        });
        let lines = if *blank == 1 { "line" } else { "lines" };
        let blank = (*blank > 0).then(|| format!("{blank} {lines} without content left out"));
        let unnamed = unnamed.then(|| "cells of a column without a name left out".to_owned());
        [delimiter, blank, unnamed].into_iter().flatten().collect()
    }

    /// The next record, as an object of texts. Empty cells are left out.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        let Some(CsvRecord { line, raw, cells }) = self.record()? else { return Ok(None) };
        let content = cells.map(|cells| {
            let mut object = Map::new();
            for (name, cell) in self.names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                self.notes.unnamed |= name.is_empty();
                if !name.is_empty() {
                    object.insert(name.clone(), cell.into());
                }
            }
            Value::Object(object).to_string()
        });
        Ok(Some(Item { line, raw, content }))
    }

    /// The next record that has content.
    fn record(&mut self) -> io::Result<Option<CsvRecord>> {
        loop {
            self.pass_blank()?;
            let Some(first) = self.ahead.front() else { return Ok(None) };
            let number = first.number;
            let (lines, cells) =
                if first.too_long { (1, Err(TOO_LONG.to_owned())) } else { self.whole()? };
            let cells = cells.and_then(|_| self.cells(number, lines));
            let cells = cells.map_err(|why| match lines {
                1 => format!("line {number}: {why}"),
                _ => format!("lines {number} to {}: {why}", number + lines as u64 - 1),
            });
            let mut raw: Vec<u8> = Vec::new();
            for (at, line) in self.ahead.drain(..lines.min(self.ahead.len())).enumerate() {
                let last = at + 1 == lines;
                raw.extend_from_slice(if last { line.content() } else { &line.bytes });
            }
            if cells.as_ref().is_ok_and(|cells| cells.iter().all(String::is_empty)) {
                self.notes.blank += 1 + std::mem::take(&mut self.notes.blank_last);
                continue;
            }
            self.notes.blank += std::mem::take(&mut self.notes.blank_last);
            return Ok(Some(CsvRecord { line: number, raw, cells }));
        }
    }

    /// How many lines the next record has; of one that is broken, 1 and what is wrong.
    fn whole(&mut self) -> io::Result<(usize, Result<(), String>)> {
        let Some(first) = self.ahead.front() else { return Ok((0, Ok(()))) };
        let number = first.number;
        let scan = self.quotes.scan(first.content(), LineStart::Cell);
        let cell = scan.cells + 1;
        match scan.end {
            LineEnd::Ended => return Ok((1, Ok(()))),
            LineEnd::Broken { escaped } => return Ok((1, Err(broken(cell, None, escaped)))),
            LineEnd::Open => {}
        }
        if !self.chain.as_ref().is_some_and(|chain| chain.holds(number + 1)) {
            self.chain = Some(self.follow(number + 1)?);
        }
        let Some(chain) = &self.chain else { return Ok((1, Ok(()))) };
        let (last, end) = (chain.last(), chain.end);
        let count = scan.cells + chain.cells_from(number + 1) + 1;
        let lines = usize::try_from(last + 1 - number).unwrap_or(1);
        let why = match end {
            None => never_closed(cell, &format!("up to line {last}")),
            Some(LineEnd::Open) => never_closed(cell, "within 10,000 lines and 8 MiB"),
            Some(LineEnd::Broken { escaped }) => broken(cell, Some(last), escaped),
            Some(LineEnd::Ended) => {
                let names = self.names.len();
                let extra = count.saturating_sub(names);
                if self.names.is_empty() || (count >= names && extra <= chain.blank_tail) {
                    return Ok((lines, self.one_record(number, lines)));
                }
                wrong_count(count, names)
            }
        };
        Ok((1, Err(why)))
    }

    /// Reads on within quotes, from this line, until they are closed.
    fn follow(&mut self, from: u64) -> io::Result<Chain> {
        let mut chain = Chain::new(from);
        let mut bytes = self.ahead.front().map_or(0, |line| line.bytes.len());
        for at in 1.. {
            if self.ahead.len() <= at {
                let Some(line) = self.lines.next()? else { break };
                self.ahead.push_back(line);
            }
            let Some(line) = self.ahead.get(at) else { break };
            bytes += line.bytes.len();
            let scan = self.quotes.scan(line.content(), LineStart::Quoted);
            chain.add(scan.cells);
            if scan.end != LineEnd::Open || bytes > LONGEST || at >= MOST_LINES {
                chain.end = Some(if bytes > LONGEST { LineEnd::Open } else { scan.end });
                let cells = line.content().rsplit(|byte| *byte == self.quotes.delimiter);
                let blank = |cell: &&[u8]| cell.trim_ascii().is_empty();
                chain.blank_tail = cells.take_while(blank).count();
                break;
            }
        }
        Ok(chain)
    }

    /// Whether a record of several lines is one: a forgotten quote would swallow others.
    fn one_record(&mut self, number: u64, lines: usize) -> Result<(), String> {
        let delimiter = self.quotes.delimiter;
        let names = self.names.len();
        let alone = |line: &SourceLine| {
            let cells = line.content().split(|byte| *byte == delimiter);
            let mut cells = cells.map(<[u8]>::trim_ascii);
            cells.by_ref().take(names).count() == names && cells.all(<[u8]>::is_empty)
        };
        self.quotes.examined += self.ahead.iter().take(lines).map(SourceLine::length).sum::<u64>();
        if self.multiline || names == 0 || !self.ahead.iter().take(lines).all(alone) {
            return Ok(());
        }
        Err(format!(
            "a quote opens on line {number} and closes on line {}, and each line could be a row of \
             its own: a quote is missing or too many; --multiline takes it as one row",
            number + lines as u64 - 1
        ))
    }

    /// The cells of the record in the next lines.
    fn cells(&mut self, number: u64, lines: usize) -> Result<Vec<String>, String> {
        let names = self.names.len();
        let mut raw: Vec<u8> = Vec::new();
        self.ahead.iter().take(lines).for_each(|line| raw.extend_from_slice(&line.bytes));
        let cut = self.ahead.front().is_some_and(SourceLine::is_cut);
        utf8(&raw)?;
        let mut cells = self.split(&raw);
        let count = cells.len();
        if names == 0 || cells.iter().all(String::is_empty) {
            return Ok(cells);
        }
        if cells.iter().skip(names).any(|cell| !cell.is_empty()) {
            return Err(wrong_count(count, names));
        }
        let taken_in = self.chain.as_ref().is_some_and(|chain| chain.holds(number));
        if count < names && (taken_in || (count == 1 && names > 2)) {
            return Err(wrong_count(count, names));
        }
        if count < names && cut {
            return Err(wrong_count(count, names) + ", and the source ends in it: is it cut off?");
        }
        cells.truncate(names);
        Ok(cells)
    }

    fn split(&mut self, raw: &[u8]) -> Vec<String> {
        self.quotes.examined += raw.len() as u64;
        self.splitter.reset();
        let mut text = vec![0; raw.len() + 1];
        let mut ends = vec![0; self.quotes.most_cells(raw) + 1];
        let (mut read, mut written, mut cells) = (0, 0, 0);
        loop {
            let (result, used, put, ended) = self.splitter.read_record(
                raw.get(read..).unwrap_or_default(),
                text.get_mut(written..).unwrap_or_default(),
                ends.get_mut(cells..).unwrap_or_default(),
            );
            (read, written, cells) = (read + used, written + put, cells + ended);
            // There is room for all; without input it ends.
            if result != ReadRecordResult::InputEmpty {
                break;
            }
        }
        let mut from = 0;
        let cell = |end: &usize| {
            let cell = text.get(from..*end).unwrap_or_default();
            from = *end;
            unwrapped(&String::from_utf8_lossy(cell)).into_owned()
        };
        ends.iter().take(cells).map(cell).collect()
    }

    /// What stands between cells, by the first lines.
    fn common(&mut self) -> io::Result<u8> {
        let first = self.ahead.front().map_or(&[][..], SourceLine::content);
        let candidates = dialect::candidates(first);
        // Others may not come for long, and need not.
        while candidates.len() > 1
            && self.ahead.len() < SAMPLE
            && let Some(line) = self.lines.next()?
        {
            self.ahead.push_back(line);
        }
        let lines: Vec<_> = self.ahead.iter().map(SourceLine::content).collect();
        Ok(common(&candidates, &lines))
    }

    /// Goes on to a line with content.
    fn pass_blank(&mut self) -> io::Result<()> {
        loop {
            if self.ahead.is_empty() {
                self.ahead.extend(self.lines.next()?);
            }
            if !self.ahead.front().is_some_and(SourceLine::is_blank) {
                return Ok(());
            }
            self.ahead.pop_front();
            self.notes.blank_last += 1;
        }
    }

    /// Bytes that were looked at, each as often as it was.
    #[cfg(test)]
    pub fn examined(&self) -> u64 {
        self.quotes.examined
    }
}

struct CsvRecord {
    line: u64,
    raw: Vec<u8>,
    cells: Result<Vec<String>, String>,
}

const TOO_LONG: &str = "the line is longer than 8 MiB";

fn wrong_count(cells: usize, names: usize) -> String {
    let shown = if cells == 1 { "cell" } else { "cells" };
    format!("it has {cells} {shown} where there are {names} names")
}

fn never_closed(cell: usize, whence: &str) -> String {
    format!(
        "the quote that opens cell {cell} is not closed {whence}; a quote that is text is \
         doubled, within quotes around the cell"
    )
}

fn broken(cell: usize, line: Option<u64>, escaped: bool) -> String {
    let closed = line.map_or_else(String::new, |line| format!(" on line {line}"));
    let hint = if escaped {
        "a quote within quotes is doubled (\"\"), not written as \\\""
    } else {
        "a quote that is text is doubled (\"\"), within quotes around the cell"
    };
    format!("the quote that opens cell {cell} is closed{closed} before the cell ends; {hint}")
}
