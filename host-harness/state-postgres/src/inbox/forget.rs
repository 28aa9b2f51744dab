//! What goes: deliveries and keys that are old, and all of a removed connection, in pieces.

use connector_state::inbox::plan;
use connector_state::retention::EVENT_KEYS_MS;

use super::numbers;
use crate::columns::{Column as _, rows, signed, text};
use crate::fault::DbResult;
use crate::session::Session;

/// Deliveries whose bodies and events are removed at once.
const AT_ONCE: usize = 100;

/// Removes deliveries of which no event is left to do, among these, with their events. Answers how many
/// there were.
const REMOVE: &str = "WITH over AS (
        SELECT number FROM inbox_deliveries AS d WHERE number = ANY($1)
            AND NOT EXISTS (SELECT 1 FROM inbox_events AS e WHERE e.delivery = d.number AND e.state <> 1)
    ), events AS (
        DELETE FROM inbox_events WHERE delivery IN (SELECT number FROM over)
    )
    DELETE FROM inbox_deliveries WHERE number IN (SELECT number FROM over)";

/// Forgets old deliveries, which may have been passed over while they were needed, when they are not any
/// more. Their inboxes are locked.
pub async fn if_over(on: &Session, deliveries: &[i64]) -> DbResult<()> {
    match deliveries {
        [] => Ok(()),
        old => on.run(REMOVE, &[&old]).await.map(drop),
    }
}

/// Forgets deliveries that were applied, from the oldest on, until the first that is young.
/// Answers how many were removed or passed over.
pub async fn deliveries(on: &Session, now_ms: u64, most: usize) -> DbResult<usize> {
    let before = numbers::read(on).await?.looked_at;
    let sql = "SELECT number, inbox, received_ms FROM inbox_deliveries WHERE number > $1
               ORDER BY number LIMIT $2";
    let (mut old, mut inboxes): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in on.rows(sql, &[&before, &rows(most.min(AT_ONCE))]).await? {
        if !plan::is_old(u64::read(&row, "received_ms")?, now_ms) {
            break;
        }
        old.push(row.try_get("number")?);
        inboxes.push(row.try_get("inbox")?);
    }
    let Some(last) = old.last() else { return Ok(0) };
    // Whoever settles an event of these now does so before this, and it is seen; or after it, and then
    // removes the delivery.
    let lock = "SELECT number FROM inboxes WHERE number = ANY($1) ORDER BY number FOR UPDATE";
    on.rows(lock, &[&inboxes]).await?;
    on.run(REMOVE, &[&old]).await?;
    on.run("UPDATE inbox_progress SET looked_at = $1", &[last]).await?;
    // There may be more behind the last one that was looked at.
    Ok(if old.len() == AT_ONCE { most } else { old.len() })
}

/// Begins a new generation of keys when the newest is old, and forgets those that are too old to be
/// known.
pub async fn keys(on: &Session, now_ms: u64, most: usize) -> DbResult<usize> {
    let mut progress = numbers::read(on).await?;
    if progress.generation_ms.saturating_add(EVENT_KEYS_MS) <= now_ms {
        progress.generation += 1;
        let sql = "UPDATE inbox_progress SET generation = $1, generation_ms = $2";
        on.run(sql, &[&progress.generation, &signed(now_ms)]).await?;
    }
    let sql = "DELETE FROM inbox_keys WHERE ctid = ANY(ARRAY(
                   SELECT ctid FROM inbox_keys WHERE generation < $1 ORDER BY generation LIMIT $2
                   FOR UPDATE SKIP LOCKED))";
    on.count(sql, &[&(progress.generation - 1), &rows(most)]).await
}

/// Erases what a removed connection had.
pub async fn erase(on: &Session, connection: &str, most: usize) -> DbResult<usize> {
    let sql = "SELECT number FROM inboxes WHERE connection = $1 FOR UPDATE";
    let Some(inbox) = on.value::<i64>(sql, &[&text(connection)]).await? else { return Ok(0) };
    let mut done = 0;
    let sql = "WITH first AS (
                   SELECT number FROM inbox_deliveries WHERE inbox = $1 ORDER BY number LIMIT $2
               ), events AS (
                   DELETE FROM inbox_events WHERE delivery IN (SELECT number FROM first)
               )
               DELETE FROM inbox_deliveries WHERE number IN (SELECT number FROM first)";
    loop {
        let piece = most.saturating_sub(done).min(AT_ONCE);
        let removed = on.count(sql, &[&inbox, &rows(piece)]).await?;
        done += removed;
        if done >= most {
            return Ok(done);
        }
        if removed < piece {
            break;
        }
    }
    let sql = "DELETE FROM inbox_keys WHERE ctid = ANY(ARRAY(
                   SELECT ctid FROM inbox_keys WHERE inbox = $1 LIMIT $2))";
    done += on.count(sql, &[&inbox, &rows(most - done)]).await?;
    if done < most {
        on.run("DELETE FROM inboxes WHERE number = $1", &[&inbox]).await?;
    }
    Ok(done)
}
