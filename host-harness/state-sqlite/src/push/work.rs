//! What the writer does for a push, within one transaction.

use connector_state::mirror::{Applied, Batch};
use connector_state::push::{Claimed, Holder, IntentEnd, IntentRow, IntentState, PushRow, Sent};
use connector_state::{Lease, StoreError, Word};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::columns::{self, one, signed, value};
use crate::fault::DbResult;
use crate::mirror::apply;

/// All items are there: the run to go on with.
pub fn seal(on: &Connection, run: &str, digest: &[u8; 32], now_ms: u64) -> DbResult<String> {
    let same = "SELECT id FROM pushes WHERE digest = ? AND ended_ms IS NULL AND id <> ?";
    if let Some(same) = value(on, same, (digest, run))? {
        columns::run(on, "DELETE FROM pushes WHERE id = ?", [run])?;
        return Ok(same);
    }
    columns::run(on, "UPDATE pushes SET digest = ? WHERE id = ?", (digest, run))?;
    end_run(on, run, now_ms)?;
    Ok(run.to_owned())
}

/// Takes an item and the record that its key names.
pub fn claim(on: &Connection, item: &Holder, until_ms: u64, now_ms: u64) -> DbResult<Claimed> {
    let run = run_of(on, item)?;
    let at = (&item.run, signed(item.index));
    let found = one(on, "SELECT * FROM intents WHERE push = ? AND item = ?", at)?;
    let found: IntentRow = found.ok_or_else(|| taken_over(item))?;
    if matches!(found.state, IntentState::Done | IntentState::Failed) {
        return Ok(Claimed::Ended(Box::new(found)));
    }
    if let Some(until) = take(on, &run, item, &found.key, until_ms, now_ms)? {
        return Ok(Claimed::Busy(until));
    }
    let sql = "UPDATE intents SET attempts = attempts + 1 WHERE push = ? AND item = ?";
    columns::run(on, sql, at)?;
    Ok(Claimed::Ours(Box::new(found)))
}

/// Takes one record more.
pub fn hold(
    on: &Connection,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let run = run_of(on, item)?;
    must_hold(on, item)?;
    take(on, &run, item, key, until_ms, now_ms)
}

/// A write is about to be sent.
pub fn sending(on: &Connection, item: &Holder, sent: Sent, id: Option<&str>) -> DbResult<()> {
    must_hold(on, item)?;
    let sql = "UPDATE intents SET state = 'sending', sent = ?, id = coalesce(?, id)
               WHERE push = ? AND item = ?";
    columns::run(on, sql, (sent.word(), id, &item.run, signed(item.index)))?;
    Ok(())
}

/// Ends an item, with what its answer told.
pub fn end(
    on: &Connection,
    item: &Holder,
    end: &IntentEnd,
    batch: Option<&Batch>,
    now_ms: u64,
) -> DbResult<Option<Applied>> {
    must_hold(on, item)?;
    let at = (&item.run, signed(item.index));
    let sql = "UPDATE intents SET state = ?, outcome = ?, id = coalesce(?, id), error = ?
               WHERE push = ? AND item = ?";
    let IntentEnd { state, outcome, id, error } = end;
    columns::run(on, sql, (state.word(), outcome.map(Word::word), id, error, at.0, at.1))?;
    if end.state == IntentState::Done {
        let sql = "UPDATE intents SET input = NULL, sealed_raw = NULL WHERE push = ? AND item = ?";
        columns::run(on, sql, at)?;
    }
    columns::run(on, "DELETE FROM push_claims WHERE push = ? AND item = ?", at)?;
    let applied = batch.map(|batch| apply(on, batch, now_ms));
    end_run(on, &item.run, now_ms)?;
    applied.transpose()
}

/// A run ends with its last item.
fn end_run(on: &Connection, run: &str, now_ms: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE pushes SET ended_ms = ?2 WHERE id = ?1 AND ended_ms IS NULL AND NOT EXISTS (
                   SELECT 1 FROM intents
                   WHERE push = ?1 AND state IN ('pending', 'sending', 'parked'))";
    columns::run(on, sql, (run, signed(now_ms))).map(drop)
}

/// Takes the right to write a record; answers until when somebody else has it, if so.
fn take(
    on: &Connection,
    run: &PushRow,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let sql = "SELECT owner, until_ms FROM push_claims
               WHERE connection = ? AND object = ? AND record_key = ?
                   AND NOT (owner = ? AND push = ? AND item = ?)";
    let index = signed(item.index);
    let of = (&run.connection, &run.object, key, &item.owner, &item.run, index);
    // An owner that is at it for another item may not write it for this one either.
    let lease =
        |row: &Row<'_>| Ok(Lease { attempt: row.get("owner")?, until_ms: row.get("until_ms")? });
    let wanted = Lease { attempt: String::new(), until_ms };
    let other = on.query_row(sql, of, lease).optional()?;
    if let Some(other) = other.filter(|other| other.blocks(&wanted, now_ms)) {
        return Ok(Some(other.until_ms));
    }
    let sql = "INSERT OR REPLACE INTO push_claims
                   (connection, object, record_key, owner, push, item, until_ms)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    columns::run(on, sql, (of.0, of.1, of.2, of.3, of.4, of.5, signed(until_ms)))?;
    Ok(None)
}

fn run_of(on: &Connection, item: &Holder) -> DbResult<PushRow> {
    let run = one(on, "SELECT * FROM pushes WHERE id = ?", [&item.run])?;
    run.ok_or_else(|| taken_over(item).into())
}

/// Fencing: whoever lost a claim writes nothing more.
fn must_hold(on: &Connection, item: &Holder) -> DbResult<()> {
    let sql = "SELECT 1 FROM push_claims AS c JOIN intents AS i
                   ON i.push = c.push AND i.item = c.item AND i.record_key = c.record_key
               WHERE c.push = ? AND c.item = ? AND c.owner = ?";
    let of = (&item.run, signed(item.index), &item.owner);
    let held: Option<u32> = value(on, sql, of)?;
    held.map(drop).ok_or_else(|| taken_over(item).into())
}

fn taken_over(item: &Holder) -> StoreError {
    StoreError::TakenOver { item: item.index }
}
