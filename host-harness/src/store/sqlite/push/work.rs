//! What the writer does for a push, within one transaction.

use rusqlite::{Connection, OptionalExtension as _};

use super::rows;
use crate::mirror::{Applied, Source};
use crate::push::{Claimed, End, Holder, IntentState, PushRow, Sent, Word};
use crate::store::StoreError;
use crate::store::sqlite::fault::Fault;
use crate::store::sqlite::mirror::{Hashed, apply};
use crate::store::sqlite::rows::{signed, unsigned};

/// All items are there: the run to go on with.
pub fn seal(on: &Connection, run: &str, digest: &[u8; 32], now_ms: u64) -> Result<String, Fault> {
    let same = "SELECT id FROM pushes WHERE digest = ? AND ended_ms IS NULL AND id <> ?";
    let same: Option<String> = on.query_row(same, (digest, run), |row| row.get(0)).optional()?;
    if let Some(same) = same {
        on.execute("DELETE FROM pushes WHERE id = ?", [run])?;
        return Ok(same);
    }
    on.execute("UPDATE pushes SET digest = ? WHERE id = ?", (digest, run))?;
    end_run(on, run, now_ms)?;
    Ok(run.to_owned())
}

/// Takes an item and the record that its key names.
pub fn claim(on: &Connection, item: &Holder, until_ms: u64, now_ms: u64) -> Result<Claimed, Fault> {
    let run = run_of(on, item)?;
    let found = rows::intent(on, &item.run, item.index)?.ok_or_else(|| taken_over(item))?;
    if matches!(found.state, IntentState::Done | IntentState::Failed) {
        return Ok(Claimed::Ended(Box::new(found)));
    }
    if let Some(until) = take(on, &run, item, &found.key, until_ms, now_ms)? {
        return Ok(Claimed::Busy(until));
    }
    let sql = "UPDATE intents SET attempts = attempts + 1 WHERE push = ? AND item = ?";
    on.execute(sql, (&item.run, signed(item.index)))?;
    Ok(Claimed::Ours(Box::new(found)))
}

/// Takes one record more.
pub fn hold(
    on: &Connection,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> Result<Option<u64>, Fault> {
    let run = run_of(on, item)?;
    must_hold(on, item)?;
    take(on, &run, item, key, until_ms, now_ms)
}

/// A write is about to be sent.
pub fn sending(on: &Connection, item: &Holder, sent: Sent, id: Option<&str>) -> Result<(), Fault> {
    must_hold(on, item)?;
    let sql = "UPDATE intents SET state = 'sending', sent = ?, id = coalesce(?, id)
               WHERE push = ? AND item = ?";
    on.execute(sql, (sent.word(), id, &item.run, signed(item.index)))?;
    Ok(())
}

/// Ends an item, with what its answer told.
pub fn end(
    on: &Connection,
    item: &Holder,
    end: &End,
    batch: Option<&Hashed>,
    now_ms: u64,
) -> Result<Option<Applied>, Fault> {
    must_hold(on, item)?;
    let at = (&item.run, signed(item.index));
    on.execute(
        "UPDATE intents SET state = ?, outcome = ?, id = coalesce(?, id), error = ?
         WHERE push = ? AND item = ?",
        (end.state.word(), end.outcome.map(Word::word), &end.id, &end.error, at.0, at.1),
    )?;
    if end.state == IntentState::Done {
        let sql = "UPDATE intents SET input = NULL, sealed_raw = NULL WHERE push = ? AND item = ?";
        on.execute(sql, at)?;
    }
    on.execute("DELETE FROM push_claims WHERE push = ? AND item = ?", at)?;
    let applied = batch.map(|batch| {
        let applied = apply(on, batch, now_ms)?;
        claim_changes(on, batch)?;
        Ok::<_, Fault>(applied)
    });
    end_run(on, &item.run, now_ms)?;
    applied.transpose()
}

/// A pull may have met our write before its answer came back to us: then its change is ours too.
fn claim_changes(on: &Connection, batch: &Hashed) -> Result<(), Fault> {
    let (batch, hashes) = batch.parts();
    if batch.source != Source::Ours {
        return Ok(());
    }
    let mut ours = on.prepare(
        "UPDATE mirror_changes SET ours = 1 WHERE number IN (
             SELECT r.change FROM mirror_records AS r JOIN mirror_objects AS o USING (object)
             WHERE o.connection = ?1 AND r.change > ?4
                 AND ((o.name = ?2 AND r.id = ?3 AND r.hash = ?5) OR r.holder = ?3))",
    )?;
    for (record, hash) in batch.records.iter().zip(hashes) {
        let asked = signed(batch.asked);
        ours.execute((&batch.connection, &batch.object, &record.id, asked, hash))?;
    }
    Ok(())
}

/// A run ends with its last item.
fn end_run(on: &Connection, run: &str, now_ms: u64) -> rusqlite::Result<()> {
    on.execute(
        "UPDATE pushes SET ended_ms = ?2 WHERE id = ?1 AND ended_ms IS NULL AND NOT EXISTS (
             SELECT 1 FROM intents
             WHERE push = ?1 AND state IN ('pending', 'sending', 'parked'))",
        (run, signed(now_ms)),
    )?;
    Ok(())
}

/// Takes the right to write a record; answers until when somebody else has it, if so.
fn take(
    on: &Connection,
    run: &PushRow,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> Result<Option<u64>, Fault> {
    let sql = "SELECT until_ms FROM push_claims
               WHERE connection = ? AND object = ? AND record_key = ?
                   AND NOT (owner = ? AND push = ? AND item = ?)";
    let index = signed(item.index);
    let of = (&run.connection, &run.object, key, &item.owner, &item.run, index);
    let other = on.query_row(sql, of, |row| unsigned(row, "until_ms")).optional()?;
    if let Some(until) = other.filter(|until| *until > now_ms) {
        return Ok(Some(until));
    }
    let sql = "INSERT OR REPLACE INTO push_claims
                   (connection, object, record_key, owner, push, item, until_ms)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    on.execute(sql, (of.0, of.1, of.2, of.3, of.4, of.5, signed(until_ms)))?;
    Ok(None)
}

fn run_of(on: &Connection, item: &Holder) -> Result<PushRow, Fault> {
    Ok(rows::push(on, &item.run)?.ok_or_else(|| taken_over(item))?)
}

/// Fencing: whoever lost a claim writes nothing more.
fn must_hold(on: &Connection, item: &Holder) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM push_claims AS c JOIN intents AS i
                   ON i.push = c.push AND i.item = c.item AND i.record_key = c.record_key
               WHERE c.push = ? AND c.item = ? AND c.owner = ?";
    let of = (&item.run, signed(item.index), &item.owner);
    let held = on.query_row(sql, of, |_| Ok(())).optional()?;
    held.ok_or_else(|| taken_over(item).into())
}

fn taken_over(item: &Holder) -> StoreError {
    StoreError::TakenOver { item: item.index }
}
