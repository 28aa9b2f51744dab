//! A run that is kept: what would be sent of its first items, and those that failed, as they came.

use connector_state::push::IntentState;

use super::engine::Push;
use super::error::PushError;
use super::item::OnConflict;
use super::plan::PlannedItem;
use crate::source::SourceItem;

/// Bytes of a piece of the items that failed; one larger item makes a larger piece.
const PIECE: usize = 256 * 1024;
/// Items that are read at a time.
const AT_ONCE: u32 = 200;

/// Items that failed, as they came, each with a line end.
#[derive(Debug, Default)]
pub struct FailedRows {
    /// The items.
    pub text: Vec<u8>,
    /// Where it goes on; `None`: that was the last of it.
    pub next: Option<(u64, u64)>,
}

impl Push {
    /// Tells of the first items of a kept run what would be sent, of one that has ended what would be now. Reads at
    /// the provider; writes nothing anywhere.
    ///
    /// # Errors
    /// [`PushError`].
    pub async fn plan_stored(&self, run: &str, limit: u32) -> Result<Vec<PlannedItem>, PushError> {
        let row = self.row(run).await?;
        let work = self.begin_work(row.mode, OnConflict::Fail)?;
        let mut planned = Vec::new();
        for item in self.intents.intents(run, 0, limit).await? {
            let content = match (&item.input, &item.error) {
                (Some(_), _) => {
                    let kept = |why| PushError::Kept { index: item.index, why };
                    Ok(self.open_input(&item).map_err(kept)?)
                }
                (None, Some(why)) => Err(why.clone()),
                // What is done is erased.
                (None, None) => continue,
            };
            let source = SourceItem { line: item.line, raw: vec![], content };
            planned.push(work.plan(item.index, source).await);
        }
        Ok(planned)
    }

    /// Whether its items may hold secrets, so that nobody is shown them as they came.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.schema.has_secrets()
    }

    /// Some of a run's items that failed, from this index on, below the names of their columns where they are the
    /// first. Rows that became several items are told once: `last` is the line of the one before.
    ///
    /// # Errors
    /// [`PushError`].
    pub async fn failed_rows(
        &self,
        run: &str,
        from: Option<(u64, u64)>,
    ) -> Result<FailedRows, PushError> {
        let row = self.row(run).await?;
        let mut rows = FailedRows::default();
        if let (None, Some(header)) = (from, row.header) {
            rows.text.extend(header.into_bytes());
            rows.text.push(b'\n');
        }
        let (mut next, mut last) = from.unwrap_or_default();
        while rows.text.len() < PIECE {
            let items = self.intents.intents(run, next, AT_ONCE).await?;
            let Some(end) = items.last() else { return Ok(rows) };
            next = end.index + 1;
            for item in items.iter().filter(|item| item.state == IntentState::Failed) {
                if item.line != last {
                    last = item.line;
                    rows.text.extend(self.raw(item)?);
                    rows.text.push(b'\n');
                }
            }
        }
        rows.next = Some((next, last));
        Ok(rows)
    }
}
