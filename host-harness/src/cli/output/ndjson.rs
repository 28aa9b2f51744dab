//! One record a line.

use std::io::Write;

use anyhow::Result;

use super::compact::compact;
use super::{Records, Row};

/// Writes the records' JSON, one a line.
pub struct Ndjson<W> {
    out: W,
}

impl<W: Write> Ndjson<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Records for Ndjson<W> {
    fn page(&mut self, rows: &[Row<'_>]) -> Result<()> {
        for row in rows {
            compact(row.data, &mut self.out)?;
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_one_line() {
        let mut out = Vec::new();
        let mut records = Ndjson::new(&mut out);
        let data = ["{\n  \"a\": 1.0\n}", "{}"];
        let rows = data.map(|data| Row { id: "", data });
        records.page(&rows).unwrap();
        records.end().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":1.0}\n{}\n");
    }
}
