//! Separated values (RFC 4180, and what programs make of it), one record after the other.
//!
//! [`CellSplitter`] splits a record and checks its quotes, in one pass over its lines. Libraries find
//! *a* reading of any bytes, so one stray quote would move rows into another's cell.
//!
//! | a record | what becomes of it |
//! |---|---|
//! | all cells are empty, or the line is | left out and counted |
//! | its quotes are wrong | its first line fails alone |
//! | cells beyond the names that are not empty | its first line fails alone |
//! | cells are missing at its end | they are empty (Excel leaves them away), but: a single cell of three or more, a row in which the source ends, and a line that a broken record had taken in fail |
//! | several lines, each of which could be a record | all its lines fail, unless they are said to be right |
//!
//! After a line that failed alone, reading begins again at the next one. A line may be read again for
//! each line before it that opens a quote; each of them ends a cell in the line that follows, and no
//! record is followed beyond its names, so a line is read no more often than there are names.

mod cells;
mod dialect;

use std::collections::VecDeque;
use std::io;

use serde_json::{Map, Value};

use self::cells::{CellSplitter, LineEnd};
use self::dialect::{common, stated};
use super::cells::unwrapped;
use super::lines::{Lines, SourceLine};
use super::text::SourceText;
use super::{LONGEST, MOST_LINES, ReadOptions, SourceItem, refused, utf8};

/// Lines that are looked at to find what stands between cells.
const SAMPLE: usize = 10;

/// The records of a source.
pub struct Csv {
    lines: Lines,
    /// Read, and not part of a record yet.
    ahead: VecDeque<SourceLine>,
    delimiter: u8,
    /// The last line that a broken record took in: what is left of it may be no record by itself.
    taken_in: u64,
    multiline: bool,
    /// Of the columns up to the last one that has a name.
    names: Vec<String>,
    header: String,
    notes: CsvNotes,
    /// Bytes that were looked at, each as often as it was.
    #[cfg(test)]
    pub examined: u64,
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
    pub fn new(text: SourceText, options: &ReadOptions) -> io::Result<Self> {
        let mut csv = Self {
            lines: Lines { text, count: 0 },
            ahead: VecDeque::new(),
            delimiter: b',',
            taken_in: 0,
            multiline: options.multiline,
            names: vec![],
            header: String::new(),
            notes: CsvNotes::default(),
            #[cfg(test)]
            examined: 0,
        };
        csv.pass_blank()?;
        let stated = csv.ahead.front().and_then(|line| stated(line.content()));
        if stated.is_some() {
            csv.ahead.pop_front();
        }
        csv.delimiter = match options.delimiter.or(stated) {
            Some(delimiter) => delimiter,
            None => csv.common()?,
        };
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
        if csv.delimiter != b',' {
            let shown = char::from(csv.delimiter);
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
    pub fn text(&self) -> &SourceText {
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
            format!("the cells are separated by {shown}; the option delimiter says it where that is wrong")
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
    pub fn next_item(&mut self) -> io::Result<Option<SourceItem>> {
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
        Ok(Some(SourceItem { line, raw, content }))
    }

    /// The next record that has content.
    fn record(&mut self) -> io::Result<Option<CsvRecord>> {
        loop {
            self.pass_blank()?;
            let Some(number) = self.ahead.front().map(|line| line.number) else {
                return Ok(None);
            };
            let (lines, cells) = self.split(number)?;
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

    /// Splits the next record, which begins on line `number`. Returns how many lines it has, and its
    /// cells or what is wrong; what is broken is its first line alone.
    fn split(&mut self, number: u64) -> io::Result<(usize, Result<Vec<String>, String>)> {
        let names = self.names.len();
        let mut record = CellSplitter::new(self.delimiter);
        let (mut lines, mut bytes, mut end) = (0, 0, LineEnd::Open);
        let is_too_wide = |record: &CellSplitter| names > 0 && record.count() > names;
        while end == LineEnd::Open
            && bytes <= LONGEST
            && lines <= MOST_LINES
            && !(lines > 0 && is_too_wide(&record))
        {
            if self.ahead.len() <= lines {
                self.ahead.extend(self.lines.next()?);
            }
            let Some(line) = self.ahead.get(lines) else { break };
            if line.too_long {
                break;
            }
            (lines, bytes) = (lines + 1, bytes + line.bytes.len());
            end = record.add(line.content(), line.end());
            #[cfg(test)]
            {
                self.examined += line.bytes.len() as u64;
            }
        }
        let (count, last) = (record.count(), (number + lines as u64).saturating_sub(1));
        let why = match end {
            LineEnd::Ended => {
                let cells = record.cells().map(|cell| Ok(unwrapped(utf8(&cell)?).into_owned()));
                let cells = match cells.collect::<Result<Vec<String>, String>>() {
                    Ok(cells) => cells,
                    Err(why) => return Ok((lines, Err(why))),
                };
                match self.fit(cells, number, lines) {
                    Ok(cells) => {
                        return Ok((lines, self.one_record(number, lines).map(|()| cells)));
                    }
                    Err(why) => why,
                }
            }
            LineEnd::Broken { escaped } => broken(count, (lines > 1).then_some(last), escaped),
            LineEnd::Open if lines == 0 => TOO_LONG.to_owned(),
            LineEnd::Open if is_too_wide(&record) => wrong_count(count, names),
            LineEnd::Open if self.ahead.len() <= lines => {
                never_closed(count, &format!("up to line {last}"))
            }
            LineEnd::Open => never_closed(count, "within 10,000 lines and 8 MiB"),
        };
        self.taken_in = self.taken_in.max(last);
        Ok((1, Err(why)))
    }

    /// As many cells as there are names, of a record that may have fewer, or empty ones beyond.
    fn fit(
        &self,
        mut cells: Vec<String>,
        number: u64,
        lines: usize,
    ) -> Result<Vec<String>, String> {
        let (count, names) = (cells.len(), self.names.len());
        if names == 0 || cells.iter().all(String::is_empty) {
            return Ok(cells);
        }
        let is_rest = lines > 1 || number <= self.taken_in;
        let too_few = count < names && (is_rest || (count == 1 && names > 2));
        if too_few || cells.iter().skip(names).any(|cell| !cell.is_empty()) {
            return Err(wrong_count(count, names));
        }
        if count < names && self.ahead.front().is_some_and(SourceLine::is_cut) {
            return Err(wrong_count(count, names) + ", and the source ends in it: is it cut off?");
        }
        cells.truncate(names);
        Ok(cells)
    }

    /// Whether a record of several lines is one: a forgotten quote would swallow others.
    fn one_record(&mut self, number: u64, lines: usize) -> Result<(), String> {
        let names = self.names.len();
        let alone = |line: &SourceLine| {
            let cells = line.content().split(|byte| *byte == self.delimiter);
            let mut cells = cells.map(<[u8]>::trim_ascii);
            cells.by_ref().take(names).count() == names && cells.all(<[u8]>::is_empty)
        };
        if self.multiline || names == 0 || !self.ahead.iter().take(lines).all(alone) || lines == 1 {
            return Ok(());
        }
        Err(format!(
            "a quote opens on line {number} and closes on line {}, and each line could be a row of \
             its own: a quote is missing or too many; the option multiline takes it as one row",
            number + lines as u64 - 1
        ))
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
