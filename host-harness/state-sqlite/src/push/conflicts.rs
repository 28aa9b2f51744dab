//! Items that wait for a decision about somebody else's change.

use connector_state::StoreError;
use connector_state::journal::entries;
use connector_state::push::{Decided, Decision, PushRow, plan};
use rusqlite::{Connection, Row};

use super::work::{RUN, item_of, note, put_item, put_run};
use crate::columns::{one, prepared, signed};
use crate::fault::DbResult;
use crate::journal;

/// Decides about items of a run, each named with the change that was seen.
pub fn decide(
    on: &Connection,
    id: &str,
    items: &[(u64, [u8; 32])],
    decision: Decision,
    now_ms: u64,
    by: Option<&str>,
) -> DbResult<Vec<Decided>> {
    let run: Option<PushRow> = one(on, RUN, [id])?;
    let mut run = run.ok_or_else(|| StoreError::NoPush(id.to_owned()))?;
    let (mut decided, mut now) = (Vec::new(), Vec::new());
    for (index, theirs) in items {
        let (what, changed) = plan::decide(&run, item_of(on, id, *index)?, *theirs, decision);
        decided.push(what);
        if let Some((next, item)) = changed {
            run = next;
            put_item(on, &item)?;
            now.push(*index);
        }
    }
    if let Some(entry) = entries::of_decision(&run, decision, &now) {
        put_run(on, &run)?;
        journal::note(on, &run.connection, now_ms, by, &entry)?;
    }
    Ok(decided)
}

/// Gives up at most so many items about which nobody decided in time; answers how many there were.
pub fn give_up(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = signed(plan::kept_since_ms(now_ms));
    let sql = "SELECT push, item FROM intents WHERE conflict_ms < ? LIMIT ?";
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut statement = prepared(on, sql)?;
    let old = statement.query_map((before, signed(limit as u64)), pair)?;
    let old: Vec<(String, u64)> = old.collect::<Result<_, _>>()?;
    let mut given_up = 0;
    for (id, index) in &old {
        let (kept, item) = (one::<PushRow>(on, RUN, [id])?, item_of(on, id, *index)?);
        // Of a removed run, it is erased in its turn.
        let (Some(kept), Some(item)) = (kept, item) else { continue };
        let (after, item) = plan::undecided(kept.clone(), item, now_ms);
        put_run(on, &after)?;
        put_item(on, &item)?;
        note(on, Some(&kept), &after, now_ms, None)?;
        given_up += 1;
    }
    Ok(given_up)
}
