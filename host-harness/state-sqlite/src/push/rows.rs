//! Runs and intents as they stand in their tables.

use connector_state::Sealed;
use connector_state::push::{Counts, IntentRow, IntentState, PushRow, Word};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params, params};

use crate::rows::{maybe_unsigned, odd, signed, unsigned};

const INTENT: &str = "SELECT push, item, line, record_key, input, sealed_raw, state, sent, outcome,
    id, error, attempts FROM intents";

/// Adds a run.
pub fn put_push(on: &Connection, row: &PushRow) -> Result<()> {
    on.execute(
        "INSERT INTO pushes (id, connection, object, mode, header, digest, made_ms, ended_ms)
         VALUES (:id, :connection, :object, :mode, :header, :digest, :made_ms, :ended_ms)",
        named_params! {
            ":id": row.id,
            ":connection": row.connection,
            ":object": row.object,
            ":mode": row.mode.word(),
            ":header": row.header,
            ":digest": row.digest,
            ":made_ms": signed(row.made_ms),
            ":ended_ms": row.ended_ms.map(signed),
        },
    )?;
    Ok(())
}

/// Adds intents.
pub fn put_intents(on: &Connection, rows: &[IntentRow]) -> Result<()> {
    let mut put = on.prepare(
        "INSERT INTO intents (push, item, line, record_key, input, sealed_raw, state, sent,
             outcome, id, error, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for row in rows {
        put.execute(params![
            row.run,
            signed(row.index),
            signed(row.line),
            row.key,
            row.input,
            row.raw.as_ref().map(|sealed| &sealed.0),
            row.state.word(),
            row.sent.map(Word::word),
            row.outcome.map(Word::word),
            row.id,
            row.error,
            row.attempts,
        ])?;
    }
    // A run that had come to its end goes on.
    if let Some(row) = rows.iter().find(|row| row.state == IntentState::Pending) {
        on.execute("UPDATE pushes SET ended_ms = NULL WHERE id = ?", [&row.run])?;
    }
    Ok(())
}

/// Runs, oldest first.
pub fn pushes(on: &Connection, connection: Option<&str>) -> Result<Vec<(PushRow, Counts)>> {
    let mut found = on.prepare(
        "SELECT id, connection, object, mode, header, digest, made_ms, ended_ms FROM pushes
         WHERE ?1 IS NULL OR connection = ?1 ORDER BY made_ms, id",
    )?;
    let rows: Vec<PushRow> = found.query_map([connection], push_of)?.collect::<Result<_>>()?;
    let with_counts = |row: PushRow| {
        let counts = counts(on, &row.id)?;
        Ok((row, counts))
    };
    rows.into_iter().map(with_counts).collect()
}

/// One run.
pub fn push(on: &Connection, id: &str) -> Result<Option<PushRow>> {
    let sql = "SELECT id, connection, object, mode, header, digest, made_ms, ended_ms FROM pushes
               WHERE id = ?";
    on.query_row(sql, [id], push_of).optional()
}

/// How many items of a run are in each state.
pub fn counts(on: &Connection, run: &str) -> Result<Counts> {
    let mut found =
        on.prepare("SELECT state, count(*) AS count FROM intents WHERE push = ? GROUP BY state")?;
    let mut counts = Counts::default();
    let mut rows = found.query([run])?;
    while let Some(row) = rows.next()? {
        let count = unsigned(row, "count")?;
        match word::<IntentState>(row, "state")? {
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
    let sql = format!("{INTENT} WHERE push = ? AND item >= ? ORDER BY item LIMIT ?");
    on.prepare(&sql)?.query_map((run, signed(from), limit), intent_of)?.collect()
}

/// One intent.
pub fn intent(on: &Connection, run: &str, index: u64) -> Result<Option<IntentRow>> {
    let sql = format!("{INTENT} WHERE push = ? AND item = ?");
    on.query_row(&sql, (run, signed(index)), intent_of).optional()
}

fn push_of(row: &Row<'_>) -> Result<PushRow> {
    Ok(PushRow {
        id: row.get("id")?,
        connection: row.get("connection")?,
        object: row.get("object")?,
        mode: word(row, "mode")?,
        header: row.get("header")?,
        digest: row.get("digest")?,
        made_ms: unsigned(row, "made_ms")?,
        ended_ms: maybe_unsigned(row, "ended_ms")?,
    })
}

fn intent_of(row: &Row<'_>) -> Result<IntentRow> {
    Ok(IntentRow {
        run: row.get("push")?,
        index: unsigned(row, "item")?,
        line: unsigned(row, "line")?,
        key: row.get("record_key")?,
        input: row.get("input")?,
        raw: row.get::<_, Option<Vec<u8>>>("sealed_raw")?.map(Sealed),
        state: word(row, "state")?,
        sent: maybe_word(row, "sent")?,
        outcome: maybe_word(row, "outcome")?,
        id: row.get("id")?,
        error: row.get("error")?,
        attempts: row.get("attempts")?,
    })
}

fn word<T: Word>(row: &Row<'_>, column: &str) -> Result<T> {
    let text: String = row.get(column)?;
    T::of(&text).ok_or_else(|| odd(row, column, format!("unknown word \"{text}\"").into()))
}

fn maybe_word<T: Word>(row: &Row<'_>, column: &str) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|_| word(row, column)).transpose()
}
