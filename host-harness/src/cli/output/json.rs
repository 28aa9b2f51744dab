//! All records as one JSON array, a record a line.
//!
//! An array that was not written to its end stays open: nobody can take it for whole.

use std::io::Write;

use anyhow::Result;

use super::compact::compact;
use super::{Records, Row};

/// Writes one array.
pub struct Json<W> {
    out: W,
    begun: bool,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, begun: false }
    }
}

impl<W: Write + Send> Records for Json<W> {
    fn page(&mut self, rows: &[Row<'_>]) -> Result<()> {
        for row in rows {
            let before: &[u8] = if self.begun { b",\n" } else { b"[\n" };
            self.begun = true;
            self.out.write_all(before)?;
            compact(row.data, &mut self.out)?;
        }
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        let last: &[u8] = if self.begun { b"\n]\n" } else { b"[]\n" };
        self.out.write_all(last)?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pages: &[&[&str]]) -> String {
        let mut out = Vec::new();
        let mut records = Json::new(&mut out);
        for page in pages {
            let rows: Vec<Row<'_>> = page.iter().map(|data| Row { id: "", data }).collect();
            records.page(&rows).unwrap();
        }
        records.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pages_make_one_array() {
        assert_eq!(written(&[]), "[]\n");
        assert_eq!(written(&[&["{ }"], &[], &["1", "2"]]), "[\n{},\n1,\n2\n]\n");
    }
}
