//! Records as JSON, one a line: each for itself (NDJSON), or all as one array.
//!
//! An array that was not written to its end stays open: nobody can take it for whole.

use std::io::Write;

use anyhow::Result;

use super::compact::compact;
use super::{OutputRow, RecordWriter};

/// Writes the records' JSON.
pub struct JsonWriter<W> {
    out: W,
    is_array: bool,
    begun: bool,
}

impl<W: Write> JsonWriter<W> {
    /// Writes to `out` one array, or each record for itself.
    pub fn new(out: W, is_array: bool) -> Self {
        Self { out, is_array, begun: false }
    }
}

impl<W: Write + Send> RecordWriter for JsonWriter<W> {
    fn page(&mut self, rows: &[OutputRow<'_>]) -> Result<()> {
        for row in rows {
            let before: &[u8] = match (self.is_array, self.begun) {
                (false, _) => b"",
                (true, false) => b"[\n",
                (true, true) => b",\n",
            };
            self.begun = true;
            self.out.write_all(before)?;
            compact(row.data, &mut self.out)?;
            if !self.is_array {
                self.out.write_all(b"\n")?;
            }
        }
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        if self.is_array {
            let last: &[u8] = if self.begun { b"\n]\n" } else { b"[]\n" };
            self.out.write_all(last)?;
        }
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(array: bool, pages: &[&[&str]]) -> String {
        let mut out = Vec::new();
        let mut records =
            if array { JsonWriter::new(&mut out, true) } else { JsonWriter::new(&mut out, false) };
        for page in pages {
            let rows: Vec<OutputRow<'_>> =
                page.iter().map(|data| OutputRow { id: "", data }).collect();
            records.page(&rows).unwrap();
        }
        records.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pages_make_one_array() {
        assert_eq!(written(true, &[]), "[]\n");
        assert_eq!(written(true, &[&["{ }"], &[], &["1", "2"]]), "[\n{},\n1,\n2\n]\n");
    }

    #[test]
    fn one_record_is_one_line() {
        assert_eq!(written(false, &[]), "");
        assert_eq!(written(false, &[&["{\n  \"a\": 1.0\n}", "{}"]]), "{\"a\":1.0}\n{}\n");
    }
}
