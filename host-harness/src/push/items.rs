//! Reads a source: one JSON object a line (NDJSON), or CSV with a line of names.
//!
//! What cannot be read is one item that fails, with its line; the rest goes on.

use std::io::{self, BufRead, Read as _};

use serde_json::value::RawValue;

use super::differences::Members;

/// The longest line.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The form of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values, the names in the first line.
    Csv,
}

/// One item of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its line, from 1.
    pub line: u64,
    /// As it came, without the line's end.
    pub raw: Vec<u8>,
    /// One JSON object, or why it is none.
    pub content: Result<String, String>,
}

/// The items of a source, in their order. Empty lines are none.
pub struct Items {
    source: Box<dyn BufRead + Send>,
    form: Form,
    line: u64,
    names: Vec<String>,
    header: Option<Vec<u8>>,
}

impl Items {
    /// Reads the names, if the form has them.
    ///
    /// # Errors
    /// When the source cannot be read, or its names cannot be used.
    pub fn new(source: Box<dyn BufRead + Send>, form: Form) -> io::Result<Self> {
        let mut items = Self { source, form, line: 0, names: vec![], header: None };
        if form == Form::Csv {
            let header = items.record()?.unwrap_or_default();
            let odd = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
            items.names = fields(&header).map_err(odd)?;
            let mut known = std::collections::BTreeSet::new();
            for name in &items.names {
                if name.is_empty() {
                    return Err(odd("a column has no name in the first line".to_owned()));
                }
                if !known.insert(name) {
                    return Err(odd(format!("two columns are named \"{name}\"")));
                }
            }
            items.header = Some(header);
        }
        Ok(items)
    }

    /// The first line, of a form that has names in it.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        self.header.as_ref().map(|header| String::from_utf8_lossy(header).into_owned())
    }

    /// The next item.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        loop {
            let line = self.line + 1;
            let Some(raw) = self.record()? else { return Ok(None) };
            if raw.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let content = match self.form {
                _ if raw.len() as u64 > LONGEST => Err("the line is longer than 8 MiB".to_owned()),
                Form::Ndjson => object(&raw),
                Form::Csv => row(&self.names, &raw),
            };
            let content = content.map_err(|why| format!("line {line}: {why}"));
            return Ok(Some(Item { line, raw, content }));
        }
    }

    /// One line; of CSV, as many as belong together by their quotes.
    fn record(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut record = Vec::new();
        loop {
            let begin = record.len();
            let left = (LONGEST + 1).saturating_sub(begin as u64).max(1);
            let read = self.source.by_ref().take(left).read_until(b'\n', &mut record)?;
            if read == 0 && begin == 0 {
                return Ok(None);
            }
            if read as u64 == left && !record.ends_with(b"\n") {
                skip_line(&mut self.source)?;
            }
            self.line += 1;
            let open = record.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            let whole = read == 0 || record.len() as u64 > LONGEST;
            if self.form == Form::Ndjson || !open || whole {
                break;
            }
        }
        while record.ends_with(b"\n") || record.ends_with(b"\r") {
            record.pop();
        }
        // Editors on Windows put a mark before the text.
        if let Some(rest) = record.strip_prefix(b"\xef\xbb\xbf") {
            record = rest.to_vec();
        }
        Ok(Some(record))
    }
}

fn skip_line(source: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (skipped, done) = match end {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        source.consume(skipped);
        if done {
            return Ok(());
        }
    }
}

fn text(raw: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(raw).map_err(|_| "it is no UTF-8 text".to_owned())
}

fn object(raw: &[u8]) -> Result<String, String> {
    let text = text(raw)?;
    match serde_json::from_str::<Members>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if serde_json::from_str::<&RawValue>(text).is_ok() => {
            Err("it is JSON, and no object; each line holds one object".to_owned())
        }
        // The text of the error quotes nothing of the line.
        Err(why) => Err(format!("it is no JSON object: {}", at_column(&why))),
    }
}

fn at_column(why: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", why.line(), why.column());
    format!("{} at column {}", why.to_string().replace(&place, ""), why.column())
}

/// The cells of a line of CSV.
fn fields(raw: &[u8]) -> Result<Vec<String>, String> {
    text(raw)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(raw);
    let mut record = csv::StringRecord::new();
    let read = reader.read_record(&mut record).map_err(|why| why.to_string())?;
    let rest = reader.read_record(&mut csv::StringRecord::new());
    match (read, rest) {
        (true, Ok(false)) => Ok(record.iter().map(|cell| cell.trim().to_owned()).collect()),
        (false, _) => Ok(vec![]),
        _ => Err("its quotes do not fit together".to_owned()),
    }
}

/// A line of CSV as an object of texts. Empty cells are left out.
fn row(names: &[String], raw: &[u8]) -> Result<String, String> {
    let cells = fields(raw)?;
    if cells.len() != names.len() {
        return Err(format!("it has {} cells where there are {} names", cells.len(), names.len()));
    }
    let object: serde_json::Map<String, serde_json::Value> = names
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(name, cell)| (name.clone(), cell.into()))
        .collect();
    Ok(serde_json::Value::Object(object).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &'static str, form: Form) -> Vec<Item> {
        let mut items = Items::new(Box::new(source.as_bytes()), form).unwrap();
        std::iter::from_fn(|| items.next_item().unwrap()).collect()
    }

    #[test]
    fn lines_are_items_and_bad_ones_are_named() {
        let items = read("\u{feff}{\"a\":1.10}\r\n\n[1]\n{\"a\":\n  {\"b\":2}", Form::Ndjson);
        let told: Vec<_> = items.iter().map(|item| (item.line, item.content.clone())).collect();
        assert_eq!(told[0], (1, Ok("{\"a\":1.10}".to_owned())));
        let not_object = "line 3: it is JSON, and no object; each line holds one object";
        assert_eq!(told[1], (3, Err(not_object.to_owned())));
        assert!(told[2].1.as_ref().unwrap_err().starts_with("line 4: it is no JSON object: EOF"));
        assert_eq!(told[3], (5, Ok("  {\"b\":2}".to_owned())));
        assert_eq!(items[2].raw, b"{\"a\":");
    }

    #[test]
    fn rows_are_objects_of_texts() {
        let items = read("Order, Note\n1,\"two\nlines, \"\"so\"\"\"\n2,\n3\n", Form::Csv);
        let content: Vec<_> = items.iter().map(|item| item.content.clone()).collect();
        assert_eq!(
            content,
            [
                Ok(r#"{"Order":"1","Note":"two\nlines, \"so\""}"#.to_owned()),
                Ok(r#"{"Order":"2"}"#.to_owned()),
                Err("line 5: it has 1 cells where there are 2 names".to_owned()),
            ]
        );
        assert_eq!(items[0].raw, b"1,\"two\nlines, \"\"so\"\"\"");
        let twice = Items::new(Box::new("a,a\n".as_bytes()), Form::Csv).map(|_| ()).unwrap_err();
        assert_eq!(twice.to_string(), "two columns are named \"a\"");
    }

    #[test]
    fn an_endless_line_fails_alone() {
        let long = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(9 * 1024 * 1024));
        let mut items =
            Items::new(Box::new(std::io::Cursor::new(long.into_bytes())), Form::Ndjson).unwrap();
        let first = items.next_item().unwrap().unwrap();
        assert_eq!(first.content, Err("line 1: the line is longer than 8 MiB".to_owned()));
        assert_eq!(items.next_item().unwrap().unwrap().content, Ok("{}".to_owned()));
    }
}
