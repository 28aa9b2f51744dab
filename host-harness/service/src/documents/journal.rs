//! Entries of journals.

use connector_state::Word as _;
use connector_state::journal::JournalRow;
use serde::Serialize;
use serde_json::{Map, Value};

use super::date;

/// What happened to a connection.
#[derive(Debug, Clone, Serialize)]
pub struct JournalDocument {
    /// Counts up; some are skipped.
    pub number: u64,
    /// When it happened.
    pub at: String,
    /// What happened.
    pub kind: &'static str,
    /// To which object, where it is about one.
    pub object: Option<String>,
    /// Who did it; nobody did what happened by itself.
    pub by: Option<String>,
    /// What more there is to say; times as dates.
    pub data: Map<String, Value>,
}

impl JournalDocument {
    /// Of a row.
    #[must_use]
    pub fn of(row: &JournalRow) -> Self {
        let shown = |(name, value): (&String, &Value)| {
            let time = name.strip_suffix("_ms").zip(value.as_u64());
            match time {
                Some((name, ms)) => (name.to_owned(), date(ms).into()),
                None => (name.clone(), value.clone()),
            }
        };
        Self {
            number: row.number,
            at: date(row.at_ms),
            kind: row.kind.word(),
            object: row.object.clone(),
            by: row.by.clone(),
            data: row.data.iter().map(shown).collect(),
        }
    }
}
