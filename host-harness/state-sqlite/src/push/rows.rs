//! Runs and intents as they stand in their tables.

use connector_state::push::{Counts, IntentRow, IntentState, PushRow};
use rusqlite::{Connection, Result};

use crate::columns::{Column, Record, all, columns, one, put, signed};

columns!(PushRow [] { id, connection, object, mode, header, digest, made_ms, ended_ms });
columns!(IntentRow [] {
    run "push", index "item", line, key "record_key", input, raw "sealed_raw", state, sent, outcome,
    id, error, attempts
});

/// Adds intents.
pub fn put_intents(on: &Connection, rows: &[IntentRow]) -> Result<()> {
    let columns = rows.iter().map(Record::write).collect::<Result<Vec<_>>>()?;
    put(on, "INSERT INTO intents", columns)?;
    // A run that had come to its end goes on.
    if let Some(row) = rows.iter().find(|row| row.state == IntentState::Pending) {
        on.execute("UPDATE pushes SET ended_ms = NULL WHERE id = ?", [&row.run])?;
    }
    Ok(())
}

/// Runs, oldest first.
pub fn pushes(on: &Connection, connection: Option<&str>) -> Result<Vec<(PushRow, Counts)>> {
    let sql = "SELECT * FROM pushes WHERE ?1 IS NULL OR connection = ?1 ORDER BY made_ms, id";
    let rows: Vec<PushRow> = all(on, sql, [connection])?;
    let with_counts = |row: PushRow| {
        let counts = counts(on, &row.id)?;
        Ok((row, counts))
    };
    rows.into_iter().map(with_counts).collect()
}

/// One run.
pub fn push(on: &Connection, id: &str) -> Result<Option<PushRow>> {
    one(on, "SELECT * FROM pushes WHERE id = ?", [id])
}

/// How many items of a run are in each state.
pub fn counts(on: &Connection, run: &str) -> Result<Counts> {
    let mut found =
        on.prepare("SELECT state, count(*) AS count FROM intents WHERE push = ? GROUP BY state")?;
    let mut counts = Counts::default();
    let mut rows = found.query([run])?;
    while let Some(row) = rows.next()? {
        let count = Column::read(row, "count")?;
        match Column::read(row, "state")? {
            IntentState::Pending => counts.pending = count,
            IntentState::Sending => counts.sending = count,
            IntentState::Done => counts.done = count,
            IntentState::Parked => counts.parked = count,
            IntentState::Failed => counts.failed = count,
        }
    }
    Ok(counts)
}

/// Intents of a run in their order.
pub fn intents(on: &Connection, run: &str, from: u64, limit: u32) -> Result<Vec<IntentRow>> {
    let sql = "SELECT * FROM intents WHERE push = ? AND item >= ? ORDER BY item LIMIT ?";
    all(on, sql, (run, signed(from), limit))
}

/// One intent.
pub fn intent(on: &Connection, run: &str, index: u64) -> Result<Option<IntentRow>> {
    one(on, "SELECT * FROM intents WHERE push = ? AND item = ?", (run, signed(index)))
}
