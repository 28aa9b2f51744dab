//! What the writer does for a push, within one transaction: it reads what a decision needs, and
//! writes what was decided.

use std::collections::BTreeSet;

use connector_state::journal::entries;
use connector_state::mirror::{Applied, Batch};
use connector_state::push::plan::{self, ClaimPlan, KeptItem, SealPlan};
use connector_state::push::{ClaimRow, Claimed, Holder, IntentEnd, IntentRow, PushRow, Sent};
use rusqlite::Connection;

use super::pruning;
use crate::columns::{Record as _, one, put_one, run, signed, upsert, value, values};
use crate::fault::DbResult;
use crate::journal;
use crate::mirror::apply;

/// A run. Those of a removed connection are gone, though they are not erased yet.
pub const RUN: &str = "SELECT p.* FROM pushes AS p WHERE p.id = ?1
     AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)";

/// Keeps a run.
pub fn begin(on: &Connection, new: PushRow) -> DbResult<()> {
    let kept: Option<PushRow> = one(on, RUN, [&new.id])?;
    let is_connected = "SELECT 1 FROM connections WHERE id = ?";
    let is_connected = value::<u32>(on, is_connected, [&new.connection])?.is_some();
    plan::begin(new, kept.as_ref(), is_connected)?.iter().try_for_each(|new| put_run(on, new))
}

/// Adds items to runs.
pub fn add(on: &Connection, items: &[IntentRow]) -> DbResult<()> {
    for items in items.chunk_by(|a, b| a.run == b.run) {
        let id = items.first().map(|item| item.run.as_str()).unwrap_or_default();
        let indexes = || items.iter().map(|item| signed(item.index));
        let sql = "SELECT item FROM intents WHERE push = ? AND item BETWEEN ? AND ?";
        let range = (id, indexes().min().unwrap_or(0), indexes().max().unwrap_or(0));
        let there: BTreeSet<u64> = values(on, sql, range)?.into_iter().collect();
        let (run, items) = plan::add(id, one(on, RUN, [id])?, items.to_vec(), &there)?;
        put_run(on, &run)?;
        items.iter().try_for_each(|item| put_one(on, "INSERT INTO intents", item))?;
    }
    Ok(())
}

/// All items are there: the run to go on with.
pub fn seal(
    on: &Connection,
    id: &str,
    digest: [u8; 32],
    now_ms: u64,
    by: Option<&str>,
) -> DbResult<String> {
    let same = "SELECT id FROM pushes WHERE digest = ? AND ended_ms IS NULL AND id <> ? LIMIT 1";
    let same = value(on, same, (&digest, id))?;
    let before: Option<PushRow> = one(on, RUN, [id])?;
    match plan::seal(id, before.clone(), same, digest, now_ms)? {
        SealPlan::Same(same) => {
            pruning::remove(on, id)?;
            Ok(same)
        }
        SealPlan::Ours(run) => {
            put_run(on, &run)?;
            note(on, before.as_ref(), &run, now_ms, by)?;
            Ok(run.id)
        }
    }
}

/// Removes a run that was not sealed.
pub fn forget(on: &Connection, id: &str) -> DbResult<()> {
    match one::<PushRow>(on, RUN, [id])?.filter(plan::is_forgotten) {
        Some(run) => pruning::remove(on, &run.id),
        None => Ok(()),
    }
}

/// Removes a run of which nothing was begun.
pub fn discard(on: &Connection, id: &str) -> DbResult<bool> {
    let unbegun = one::<PushRow>(on, RUN, [id])?.filter(plan::is_unbegun);
    unbegun.iter().try_for_each(|run| pruning::remove(on, &run.id))?;
    Ok(unbegun.is_some())
}

/// Takes an item and the record that its key names.
pub fn claim(on: &Connection, holder: &Holder, for_ms: u64, now_ms: u64) -> DbResult<Claimed> {
    Ok(match plan::claim(holder, kept(on, holder)?, for_ms, now_ms)? {
        ClaimPlan::Settled(item) => Claimed::Settled(Box::new(item)),
        ClaimPlan::Busy(busy_ms) => Claimed::Busy(busy_ms),
        ClaimPlan::Take(item, claim) => {
            let sql = "UPDATE intents SET attempts = ? WHERE push = ? AND item = ?";
            run(on, sql, (item.attempts, &item.run, signed(item.index)))?;
            put_one(on, "REPLACE INTO push_claims", &claim)?;
            Claimed::Ours(Box::new(item))
        }
    })
}

/// Takes one record more.
pub fn hold(
    on: &Connection,
    holder: &Holder,
    key: &str,
    for_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let kept = kept(on, holder)?;
    let there = match &kept {
        Some(kept) => claim_of(on, &kept.run, key)?,
        None => None,
    };
    match plan::hold(holder, kept, key, there.as_ref(), for_ms, now_ms)? {
        Err(busy_ms) => Ok(Some(busy_ms)),
        Ok(claim) => {
            put_one(on, "REPLACE INTO push_claims", &claim)?;
            Ok(None)
        }
    }
}

/// A write is about to be sent.
pub fn sending(on: &Connection, holder: &Holder, sent: Sent, id: Option<&str>) -> DbResult<()> {
    let (run, item) = plan::sending(holder, kept(on, holder)?, sent, id)?;
    put_run(on, &run)?;
    put_item(on, &item)
}

/// Ends an item, with what its answer told.
pub fn end(
    on: &Connection,
    holder: &Holder,
    end: IntentEnd,
    batch: Option<&Batch>,
    now_ms: u64,
) -> DbResult<Option<Applied>> {
    let kept = kept(on, holder)?;
    let before = kept.as_ref().map(|kept| kept.run.clone());
    let (push, item) = plan::end(holder, kept, end, now_ms)?;
    put_run(on, &push)?;
    note(on, before.as_ref(), &push, now_ms, None)?;
    put_item(on, &item)?;
    let sql = "DELETE FROM push_claims WHERE push = ? AND item = ?";
    run(on, sql, (&holder.run, signed(holder.index)))?;
    batch.map(|batch| apply(on, batch, now_ms)).transpose()
}

/// Writes what the journal says of a run that was changed.
pub fn note(
    on: &Connection,
    before: Option<&PushRow>,
    run: &PushRow,
    now_ms: u64,
    by: Option<&str>,
) -> DbResult<()> {
    for entry in entries::of_push(before, run) {
        journal::note(on, &run.connection, now_ms, by, &entry)?;
    }
    Ok(())
}

/// Keeps a run as it is now.
pub fn put_run(on: &Connection, run: &PushRow) -> DbResult<()> {
    Ok(upsert(on, "pushes", &["id"], run.write()?)?)
}

fn kept(on: &Connection, holder: &Holder) -> DbResult<Option<KeptItem>> {
    let Some(run) = one::<PushRow>(on, RUN, [&holder.run])? else { return Ok(None) };
    let Some(item) = item_of(on, &holder.run, holder.index)? else { return Ok(None) };
    let claim = claim_of(on, &run, &item.key)?;
    Ok(Some(KeptItem { run, item, claim }))
}

/// An item of a run.
pub fn item_of(on: &Connection, run: &str, index: u64) -> DbResult<Option<IntentRow>> {
    let sql = "SELECT * FROM intents WHERE push = ? AND item = ?";
    Ok(one(on, sql, (run, signed(index)))?)
}

/// Keeps an item as it is now.
pub fn put_item(on: &Connection, item: &IntentRow) -> DbResult<()> {
    Ok(put_one(on, "REPLACE INTO intents", item)?)
}

/// Who may write a record.
fn claim_of(on: &Connection, run: &PushRow, key: &str) -> DbResult<Option<ClaimRow>> {
    let sql = "SELECT * FROM push_claims WHERE connection = ? AND object = ? AND record_key = ?";
    Ok(one(on, sql, (&run.connection, &run.object, key))?)
}
