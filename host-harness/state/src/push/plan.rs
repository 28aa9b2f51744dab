//! What becomes of a run and of its items, decided from what is kept.
//!
//! A database reads the rows that a function asks for, lets it decide, and writes the rows that it
//! answers, all in one transaction. Asking again for what was done already changes nothing.

use std::collections::BTreeSet;

use super::intents::{Decided, Holder, IntentEnd};
use super::rows::{ClaimRow, Decision, IntentCounts, IntentRow, IntentState, PushRow, Sent};
use crate::retention::{DAY_MS, PUSHES_MS};
use crate::{Lease, StoreError};

/// What is kept of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// Its run.
    pub run: PushRow,
    /// The item.
    pub item: IntentRow,
    /// Who may write the record that the item's key names.
    pub claim: Option<ClaimRow>,
}

/// What becomes of a run whose items are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealPlan {
    /// Another run asks for the same: that one is gone on with, and this one removed.
    Same(String),
    /// The run as it is now.
    Ours(PushRow),
}

/// What becomes of an item that somebody wants to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimPlan {
    /// It has ended, or waits for a decision: nothing is written.
    Settled(IntentRow),
    /// Somebody else has the record, for so long (milliseconds): nothing is written.
    Busy(u64),
    /// It is taken.
    Take(IntentRow, ClaimRow),
}

/// A run to be kept; `None` when it is kept already.
///
/// # Errors
/// [`StoreError::NoConnection`].
pub fn begin(
    run: PushRow,
    kept: Option<&PushRow>,
    is_connected: bool,
) -> Result<Option<PushRow>, StoreError> {
    match kept {
        Some(_) => Ok(None),
        None if is_connected => {
            let counts = IntentCounts::default();
            Ok(Some(PushRow { digest: None, ended_ms: None, counts, ..run }))
        }
        None => Err(StoreError::NoConnection(run.connection)),
    }
}

/// Items that are added to the run with this id, where those with the indexes `there` are kept
/// already: the run, and the items that are new. A run that had come to its end goes on.
///
/// # Errors
/// [`StoreError::NoPush`].
pub fn add(
    id: &str,
    run: Option<PushRow>,
    mut items: Vec<IntentRow>,
    there: &BTreeSet<u64>,
) -> Result<(PushRow, Vec<IntentRow>), StoreError> {
    let mut run = run.ok_or_else(|| StoreError::NoPush(id.to_owned()))?;
    let mut there = there.clone();
    items.retain(|item| there.insert(item.index));
    items.iter().for_each(|item| *run.counts.of(item.state) += 1);
    if run.counts.open() > 0 {
        run.ended_ms = None;
    }
    Ok((run, items))
}

/// All items of the run with this id are there. `same`: another run of its connection with this
/// digest that has not ended.
///
/// # Errors
/// [`StoreError::NoPush`].
pub fn seal(
    id: &str,
    run: Option<PushRow>,
    same: Option<String>,
    digest: [u8; 32],
    now_ms: u64,
) -> Result<SealPlan, StoreError> {
    match (run, same) {
        (Some(run), _) if run.digest == Some(digest) => Ok(SealPlan::Ours(run)),
        (_, Some(same)) => Ok(SealPlan::Same(same)),
        (Some(run), None) => {
            let sealed = PushRow { digest: Some(digest), ..run };
            Ok(SealPlan::Ours(ended(sealed, now_ms)))
        }
        (None, None) => Err(StoreError::NoPush(id.to_owned())),
    }
}

/// Whether a run may be removed because its source was not read to its end.
#[must_use]
pub fn is_forgotten(run: &PushRow) -> bool {
    run.digest.is_none()
}

/// Whether a run may be removed because nothing of it was sent, nor can have been.
#[must_use]
pub fn is_unbegun(run: &PushRow) -> bool {
    let counts = &run.counts;
    run.ended_ms.is_none() && counts.sending + counts.done + counts.parked == 0
}

/// Runs that ended before this time, and those that were made before it and never sealed, are
/// removed. Items that wait for a decision since before it are given up ([`undecided`]).
#[must_use]
pub fn kept_since_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(PUSHES_MS)
}

/// Somebody wants to work on an item.
///
/// # Errors
/// [`StoreError::NoPush`].
pub fn claim(
    holder: &Holder,
    kept: Option<KeptItem>,
    for_ms: u64,
    now_ms: u64,
) -> Result<ClaimPlan, StoreError> {
    let kept = kept.ok_or_else(|| StoreError::NoPush(holder.run.clone()))?;
    let KeptItem { run, mut item, claim } = kept;
    if item.is_settled() {
        return Ok(ClaimPlan::Settled(item));
    }
    Ok(match take(&run, holder, &item.key, claim.as_ref(), for_ms, now_ms) {
        Err(busy_ms) => ClaimPlan::Busy(busy_ms),
        Ok(claim) => {
            item.attempts = item.attempts.saturating_add(1);
            ClaimPlan::Take(item, claim)
        }
    })
}

/// The holder of an item wants to write one record more, which `there` says who may write: the claim
/// to be kept, or for how long somebody else has it.
///
/// # Errors
/// [`StoreError::TakenOver`].
pub fn hold(
    holder: &Holder,
    kept: Option<KeptItem>,
    key: &str,
    there: Option<&ClaimRow>,
    for_ms: u64,
    now_ms: u64,
) -> Result<Result<ClaimRow, u64>, StoreError> {
    let KeptItem { run, .. } = held(holder, kept)?;
    Ok(take(&run, holder, key, there, for_ms, now_ms))
}

/// A write of an item is about to be sent: its run and the item as they are then.
///
/// # Errors
/// [`StoreError::TakenOver`].
pub fn sending(
    holder: &Holder,
    kept: Option<KeptItem>,
    sent: Sent,
    id: Option<&str>,
) -> Result<(PushRow, IntentRow), StoreError> {
    let KeptItem { run, item, .. } = held(holder, kept)?;
    let id = id.map(str::to_owned).or(item.id.clone());
    let next = IntentRow { state: IntentState::Sending, sent: Some(sent), id, ..item.clone() };
    Ok((moved(run, item.state, next.state), next))
}

/// An item ends, or stops for now: its run and the item as they are then. All claims for it are
/// given back.
///
/// # Errors
/// [`StoreError::TakenOver`].
pub fn end(
    holder: &Holder,
    kept: Option<KeptItem>,
    end: IntentEnd,
    now_ms: u64,
) -> Result<(PushRow, IntentRow), StoreError> {
    let KeptItem { run, item, .. } = held(holder, kept)?;
    let IntentEnd { state, outcome, id, error, conflict } = end;
    let run = ended(moved(run, item.state, state), now_ms);
    let mut item = IntentRow { state, outcome, id: id.or(item.id), error, ..item };
    match state {
        IntentState::Done => {
            // What was wished may hold secrets, and is needed no longer.
            (item.input, item.raw, item.conflict) = (None, None, None);
        }
        IntentState::Failed => item.conflict = None,
        IntentState::Parked if conflict.is_some() => {
            // What was decided before was about another change.
            (item.conflict, item.conflict_ms, item.decision) = (conflict, Some(now_ms), None);
        }
        // It is tried again, by what was decided.
        IntentState::Pending | IntentState::Sending | IntentState::Parked => {}
    }
    Ok((run, item))
}

/// Somebody who saw `theirs` decides about an item: what comes of it, and the run and the item as they
/// are then, if that changes them.
#[must_use]
pub fn decide(
    run: &PushRow,
    item: Option<IntentRow>,
    theirs: [u8; 32],
    decision: Decision,
) -> (Decided, Option<(PushRow, IntentRow)>) {
    let Some(mut item) = item else { return (Decided::NoItem, None) };
    let is_open = item.conflict_ms.is_some();
    match (&mut item.conflict, item.decision) {
        (Some(conflict), _) if is_open && conflict.theirs == theirs => conflict.members.clear(),
        (Some(_), _) if is_open => return (Decided::Changed, None),
        (_, Some(before)) => return (Decided::Before(before), None),
        _ => return (Decided::NoConflict(item.state), None),
    }
    // What an earlier write came to is looked for, as after a crash.
    let state = if item.sent.is_some() { IntentState::Sending } else { IntentState::Pending };
    let run = moved(run.clone(), item.state, state);
    item = IntentRow { state, error: None, conflict_ms: None, decision: Some(decision), ..item };
    (Decided::Now, Some((run, item)))
}

/// Nobody decided about an item in time: its run and the item as they are then.
#[must_use]
pub fn undecided(run: PushRow, item: IntentRow, now_ms: u64) -> (PushRow, IntentRow) {
    let state = IntentState::Failed;
    let run = ended(moved(run, item.state, state), now_ms);
    let error = Some(format!(
        "undecided: nobody chose ours or theirs within {} days; push it again",
        PUSHES_MS / DAY_MS
    ));
    (run, IntentRow { state, error, conflict: None, conflict_ms: None, ..item })
}

/// Fencing: whoever lost the claim of an item writes nothing more.
fn held(holder: &Holder, kept: Option<KeptItem>) -> Result<KeptItem, StoreError> {
    let holds = |kept: &KeptItem| kept.claim.as_ref().is_some_and(|it| it.holder == *holder);
    kept.filter(holds).ok_or(StoreError::TakenOver { item: holder.index })
}

/// The right to write a record, or for how long somebody else has it.
fn take(
    run: &PushRow,
    holder: &Holder,
    key: &str,
    there: Option<&ClaimRow>,
    for_ms: u64,
    now_ms: u64,
) -> Result<ClaimRow, u64> {
    let until_ms = now_ms.saturating_add(for_ms);
    if let Some(other) = there.filter(|there| there.holder != *holder) {
        let lease = Lease { attempt: other.holder.owner.clone(), until_ms: other.until_ms };
        // An owner that is at it for another item may not write it for this one either.
        if lease.blocks(&Lease { attempt: String::new(), until_ms }, now_ms) {
            return Err(lease.until_ms.saturating_sub(now_ms));
        }
    }
    let (connection, object) = (run.connection.clone(), run.object.clone());
    Ok(ClaimRow { connection, object, key: key.to_owned(), holder: holder.clone(), until_ms })
}

fn moved(mut run: PushRow, from: IntentState, to: IntentState) -> PushRow {
    let left = run.counts.of(from);
    *left = left.saturating_sub(1);
    *run.counts.of(to) += 1;
    run
}

/// A run ends with its last item.
fn ended(mut run: PushRow, now_ms: u64) -> PushRow {
    if run.ended_ms.is_none() && run.counts.open() == 0 {
        run.ended_ms = Some(now_ms);
    }
    run
}

#[cfg(feature = "memory")]
#[cfg(test)]
mod tests;
