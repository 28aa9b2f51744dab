//! Runs and intents as they stand in their tables.

use connector_state::push::{Counts, IntentRow, IntentState, PushRow};
use rusqlite::{Connection, Result};

use crate::columns::{Column, columns};

columns!(PushRow [] { id, connection, object, mode, header, digest, made_ms, ended_ms });
columns!(IntentRow [] {
    run "push", index "item", line, key "record_key", input, raw "sealed_raw", state, sent, outcome,
    id, error, attempts
});

/// How many items of a run are in each state.
pub fn counts(on: &Connection, run: &str) -> Result<Counts> {
    let mut found = on.prepare_cached(
        "SELECT state, count(*) AS count FROM intents WHERE push = ? GROUP BY state",
    )?;
    let mut counts = Counts::default();
    let mut rows = found.query([run])?;
    while let Some(row) = rows.next()? {
        let count = match Column::read(row, "state")? {
            IntentState::Pending => &mut counts.pending,
            IntentState::Sending => &mut counts.sending,
            IntentState::Done => &mut counts.done,
            IntentState::Parked => &mut counts.parked,
            IntentState::Failed => &mut counts.failed,
        };
        *count = row.get("count")?;
    }
    Ok(counts)
}
