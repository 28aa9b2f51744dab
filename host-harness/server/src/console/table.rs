//! Tables for spreadsheets.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};

/// A table as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is made a text.
pub struct Csv {
    name: String,
    text: String,
}

impl Csv {
    /// With these columns.
    pub fn new<'c>(name: &str, columns: impl IntoIterator<Item = &'c str>) -> Self {
        let mut csv = Self { name: name.to_owned(), text: String::new() };
        csv.row(columns.into_iter().map(str::to_owned).collect());
        csv
    }

    /// With one more row.
    pub fn row(&mut self, cells: Vec<String>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| escaped(&cell)).collect();
        self.text.push_str(&cells.join(","));
        self.text.push_str("\r\n");
    }

    /// As a download.
    pub fn answer(self) -> Response {
        let name = format!("attachment; filename=\"{}.csv\"", self.name);
        let name =
            HeaderValue::try_from(name).unwrap_or_else(|_| HeaderValue::from_static("attachment"));
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], self.text)
            .into_response()
    }
}

fn escaped(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_texts_whatever_they_hold() {
        let mut csv = Csv::new("x", ["a", "b"]);
        csv.row(vec!["=cmd|' /C calc'!A0".to_owned(), "1,2\n\"3\"".to_owned()]);
        csv.row(vec!["-1".to_owned(), "é".to_owned()]);
        assert_eq!(csv.text, "a,b\r\n'=cmd|' /C calc'!A0,\"1,2\n\"\"3\"\"\"\r\n'-1,é\r\n");
    }
}
