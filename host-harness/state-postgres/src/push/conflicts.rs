//! Items that wait for a decision about somebody else's change.

use connector_state::StoreError;
use connector_state::journal::entries;
use connector_state::push::{Decided, Decision, plan};

use super::work::{item_of, locked, note, put_item, put_run};
use crate::columns::{Column as _, rows, signed};
use crate::fault::DbResult;
use crate::journal;
use crate::session::Session;

/// Decides about items of a run, each named with the change that was seen.
pub async fn decide(
    on: &Session,
    id: &str,
    items: &[(u64, [u8; 32])],
    decision: Decision,
) -> DbResult<Vec<Decided>> {
    let run = locked(on, id).await?;
    let mut run = run.ok_or_else(|| StoreError::NoPush(id.to_owned()))?;
    let (mut decided, mut now) = (Vec::new(), Vec::new());
    for (index, theirs) in items {
        let item = item_of(on, id, *index).await?;
        let (what, changed) = plan::decide(&run, item, *theirs, decision);
        decided.push(what);
        if let Some((next, item)) = changed {
            run = next;
            put_item(on, &item).await?;
            now.push(*index);
        }
    }
    if let Some(entry) = entries::of_decision(&run, decision, &now) {
        put_run(on, &run).await?;
        journal::note(on, &run.connection, on.now_ms().await?, on.actor(), &entry).await?;
    }
    Ok(decided)
}

/// Gives up at most so many items about which nobody decided in time; answers how many there were.
pub async fn give_up(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = signed(plan::kept_since_ms(now_ms));
    let sql = "SELECT push, item FROM intents WHERE conflict_ms < $1 ORDER BY push, item LIMIT $2";
    let mut given_up = 0;
    for row in on.rows(sql, &[&before, &rows(limit)]).await? {
        let (id, index) = (String::read(&row, "push")?, u64::read(&row, "item")?);
        let (kept, item) = (locked(on, &id).await?, item_of(on, &id, index).await?);
        // Of a removed run, it is erased in its turn; another may have been decided meanwhile.
        let (Some(kept), Some(item)) = (kept, item) else { continue };
        if item.conflict_ms.is_none() {
            continue;
        }
        let (after, item) = plan::undecided(kept.clone(), item, now_ms);
        put_run(on, &after).await?;
        put_item(on, &item).await?;
        note(on, Some(&kept), &after, now_ms, None).await?;
        given_up += 1;
    }
    Ok(given_up)
}
