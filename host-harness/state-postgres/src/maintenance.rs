//! What is done now and then, in pieces between the commits of others: what is older than is kept
//! ([`connector_state::retention`]) is forgotten, and what belonged to removed connections erased. Of
//! many hosts one does it at a time.

use super::columns::{rows, signed, text};
use super::fault::DbResult;
use super::round::AT_ONCE;
use super::session::Session;
use super::{access, inbox, journal, limits, mirror, outbox, push, rates};

// A bound that is not known when a statement is planned counts as a tenth of the table, so a join with
// the rows to be removed would read all of it. `ctid = ANY(ARRAY(...))` finds them by their places;
// where others change such rows, they are locked first, and those that somebody has are left for the next time.

/// Does one piece; answers whether there is more.
pub async fn piece(on: &Session) -> DbResult<bool> {
    if !on.advise_if_free("maintenance").await? {
        return Ok(false);
    }
    let now_ms = on.now_ms().await?;
    let next = "SELECT connection FROM removed_connections LIMIT 1";
    if let Some(connection) = on.value::<String>(next, &[]).await? {
        erase(on, &connection, &mut AT_ONCE.clone()).await?;
        return Ok(true);
    }
    if mirror::index::erase_dropped(on, AT_ONCE).await?
        || mirror::erase::dropped(on, AT_ONCE).await?
    {
        return Ok(true);
    }
    loop {
        let area = on.round().area;
        let forgotten = forget(on, area, now_ms, AT_ONCE).await?;
        if let Some(more) = on.round().done(forgotten) {
            return Ok(more);
        }
    }
}

/// Forgets at most so many rows of one of them that are too old; answers how many there were.
async fn forget(on: &Session, area: usize, now_ms: u64, limit: usize) -> DbResult<usize> {
    match area {
        0 => ended(on, now_ms, limit).await,
        1 => mirror::log::forget(on, now_ms, limit).await,
        2 => outbox::forget(on, limit).await,
        3 => push::pruning::forget(on, now_ms, limit).await,
        4 => limits::forget_idle(on, now_ms, limit).await,
        5 => inbox::forget::deliveries(on, now_ms, limit).await,
        6 => inbox::forget::keys(on, now_ms, limit).await,
        7 => journal::forget(on, now_ms, limit).await,
        8 => rates::forget(on, now_ms, limit).await,
        9 => access::forget(on, now_ms, limit).await,
        _ => mirror::index::build(on, now_ms, limit).await,
    }
}

/// Erases secrets, replaced tokens and sessions that ended: at most so many rows of each. Answers
/// how many there were of the kind of which there were most.
async fn ended(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let mut most = 0;
    for sql in [
        "DELETE FROM secrets WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM secrets WHERE ends_ms <= $1 ORDER BY ends_ms LIMIT $2
             FOR UPDATE SKIP LOCKED))",
        "DELETE FROM sessions WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM sessions WHERE ends_ms <= $1 ORDER BY ends_ms LIMIT $2
             FOR UPDATE SKIP LOCKED))",
        "UPDATE grants SET sealed_previous = NULL, previous_until_ms = NULL
         WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM grants WHERE previous_until_ms <= $1
             ORDER BY previous_until_ms LIMIT $2 FOR UPDATE SKIP LOCKED))",
    ] {
        most = most.max(on.count(sql, &[&signed(now_ms), &rows(limit)]).await?);
    }
    Ok(most)
}

/// Erases everything that is left of a removed connection, whose id is used again.
pub async fn erase_all(on: &Session, connection: &str) -> DbResult<()> {
    while !erase(on, connection, &mut usize::MAX.clone()).await? {}
    Ok(())
}

/// Returns whether that is the last of it.
async fn erase(on: &Session, connection: &str, left: &mut usize) -> DbResult<bool> {
    for area in 0..4 {
        let erased = match area {
            0 => mirror::erase::connection(on, connection, *left).await?,
            1 => push::pruning::erase(on, connection, *left).await?,
            2 => inbox::forget::erase(on, connection, *left).await?,
            _ => journal::erase(on, connection, *left).await?,
        };
        *left = left.saturating_sub(erased);
        if *left == 0 {
            return Ok(false);
        }
    }
    let sql = "DELETE FROM removed_connections WHERE connection = $1";
    on.run(sql, &[&text(connection)]).await?;
    Ok(true)
}
