//! Sources of items: files and pipes, read in linear time and bounded memory.
//!
//! | form | an item is |
//! |---|---|
//! | [`SourceForm::Json`] | an object a line (NDJSON), or an element of one array of objects |
//! | [`SourceForm::Csv`] | a record; its cells are texts, named by the first record |
//!
//! Bytes become text ([`text`]), text becomes lines ([`lines`]), lines become records ([`csv`]) or
//! objects ([`json`]). What cannot be read is one item that fails, with its line, and reading
//! begins again at the next line; a source of which nothing can be trusted is refused whole.

mod cells;
mod csv;
mod json;
mod lines;
mod spool;
mod text;

use std::io::{self, Read};

pub use encoding_rs::Encoding;

pub(crate) use self::cells::{invisible, rounded, trimmed};
use self::csv::Csv;
use self::json::Json;
pub(crate) use self::json::without_place;
pub use self::spool::{PIPE_BOUND, Spool};
use self::text::SourceText;

/// Bytes of the longest line, record or element.
const LONGEST: usize = 8 * 1024 * 1024;
/// Lines of the longest record.
const MOST_LINES: usize = 10_000;

/// The form of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceForm {
    /// One JSON object a line, or one array of objects.
    Json,
    /// Separated values, the names in the first line.
    Csv,
}

/// How a source is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Its form.
    pub form: SourceForm,
    /// What stands between cells; `None`: it is found.
    pub delimiter: Option<u8>,
    /// Encoding of a source that does not begin with a byte order mark; `None`: UTF-8.
    pub encoding: Option<&'static Encoding>,
    /// A record of several lines is taken as it is, even where each line could be a record.
    pub multiline: bool,
}

impl ReadOptions {
    /// Of a form, and everything else found or usual.
    pub fn of(form: SourceForm) -> Self {
        Self { form, delimiter: None, encoding: None, multiline: false }
    }
}

/// One item of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceItem {
    /// Its line, from 1.
    pub line: u64,
    /// As it came, without the line's end.
    pub raw: Vec<u8>,
    /// One JSON object, or why it is none.
    pub content: Result<String, String>,
}

/// The items of a source, in their order.
pub struct Items {
    options: ReadOptions,
    reader: Reader,
}

enum Reader {
    Json(Json),
    Csv(Box<Csv>),
}

impl Items {
    /// Looks at the beginning; reads the names, if the form has them.
    ///
    /// # Errors
    /// When the source cannot be read, or is refused whole.
    pub fn new(source: Box<dyn Read + Send>, options: &ReadOptions) -> io::Result<Self> {
        let text = SourceText::new(source, options.encoding)?;
        let reader = match options.form {
            SourceForm::Json => Reader::Json(Json::new(text)?),
            SourceForm::Csv => Reader::Csv(Box::new(Csv::new(text, options)?)),
        };
        Ok(Self { options: *options, reader })
    }

    /// The form that is read.
    pub fn form(&self) -> SourceForm {
        self.options.form
    }

    /// What stands before items as they came, so that they can be read again.
    pub fn header(&self) -> Option<String> {
        match &self.reader {
            Reader::Json(_) => None,
            Reader::Csv(csv) => Some(csv.header()),
        }
    }

    /// The names of the columns, of a form that has them; each as often as it is there.
    pub fn columns(&self) -> Option<Vec<&str>> {
        match &self.reader {
            Reader::Json(_) => None,
            Reader::Csv(csv) => Some(csv.names().collect()),
        }
    }

    /// The next item.
    ///
    /// # Errors
    /// When the source cannot be read, or is refused whole from here on.
    pub fn next_item(&mut self) -> io::Result<Option<SourceItem>> {
        match &mut self.reader {
            Reader::Json(json) => json.next_item(),
            Reader::Csv(csv) => csv.next_item(),
        }
    }

    /// What a person should know of how it was read, so far.
    pub fn notes(&self) -> Vec<String> {
        let (text, own) = match &self.reader {
            Reader::Json(json) => (json.text(), vec![]),
            Reader::Csv(csv) => (csv.text(), csv.notes()),
        };
        text.note().into_iter().chain(own).collect()
    }
}

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// `text` as UTF-8, or why it is none.
fn utf8(text: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(text).map_err(|_| {
        "it is no text in this encoding; the option encoding names another one, such as windows-1252"
            .to_owned()
    })
}

#[cfg(test)]
mod tests;
