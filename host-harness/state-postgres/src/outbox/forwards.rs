//! The rows of forwards, and how far behind each is.

use connector_state::Lease;
use connector_state::outbox::{ForwardLag, ForwardRow, plan};

use super::wanted;
use crate::columns::{Column as _, Record as _, signed, text};
use crate::fault::DbResult;
use crate::session::Session;

pub const FORWARDS: &str = "SELECT * FROM forwards ORDER BY name";

/// The mirrors whose changes the forward `$1` hands on, and how far it is in each (`r`).
pub const COVERED: &str = "forwards AS f
    JOIN connections AS n
        ON n.connector = f.connector AND (f.connection IS NULL OR f.connection = n.id)
    JOIN mirrors AS m ON m.connection = n.id
    LEFT JOIN mirror_readers AS r
        ON r.kind = 'forward' AND r.reader = f.id AND r.mirror = m.mirror
    WHERE f.id = $1";

/// When the first change was noticed that the forward has not had; null: there is none.
pub const FIRST_AFTER: &str = "(SELECT at_ms FROM mirror_changes AS c
    WHERE c.mirror = m.mirror AND c.number > coalesce(r.number, 0) ORDER BY c.number LIMIT 1) AS first_ms";

pub async fn put(on: &Session, forward: &ForwardRow) -> DbResult<()> {
    // There are few, and they are seldom put: nobody else puts one meanwhile.
    on.batch("LOCK TABLE forwards IN SHARE ROW EXCLUSIVE MODE").await?;
    let is_connected = match &forward.connection {
        Some(connection) => {
            let sql = "SELECT 1 FROM connections WHERE id = $1 FOR KEY SHARE";
            on.value::<i32>(sql, &[&text(connection)]).await?.is_some()
        }
        None => false,
    };
    let kept: Vec<ForwardRow> = on.all(FORWARDS, &[]).await?;
    let is_new = plan::put(forward, &kept, is_connected)?;
    on.upsert("forwards", &["id"], forward.write()).await?;
    if is_new { begin(on, &forward.id).await } else { Ok(()) }
}

/// A forward that is new begins with what changes from now on.
pub async fn begin(on: &Session, forward: &str) -> DbResult<()> {
    let id = text(forward);
    // Whoever writes for a connection now does not keep versions yet: it begins after that.
    let lock = format!("SELECT m.mirror FROM {COVERED} ORDER BY m.mirror FOR UPDATE OF m");
    on.rows(&lock, &[&id]).await?;
    let now_ms = signed(on.now_ms().await?);
    let sql = format!(
        "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
         SELECT 'forward', f.id, m.mirror, m.moment, $2 FROM {COVERED} ON CONFLICT DO NOTHING"
    );
    on.run(&sql, &[&id, &now_ms]).await.map(drop)
}

/// Every forward has a position in the changes of a connection from now on: one that had none begins with what
/// changes from now on, or `at_first` with the first change that is kept.
pub async fn begin_here(
    on: &Session,
    connection: &str,
    at_first: bool,
    now_ms: u64,
) -> DbResult<()> {
    let sql = "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
               SELECT 'forward', f.id, m.mirror, CASE WHEN $3 THEN 0 ELSE m.moment END, $2
               FROM mirrors AS m JOIN connections AS n ON n.id = m.connection
                   JOIN forwards AS f ON f.connector = n.connector
                       AND (f.connection IS NULL OR f.connection = n.id)
               WHERE m.connection = $1 ON CONFLICT DO NOTHING";
    on.run(sql, &[&text(connection), &signed(now_ms), &at_first]).await.map(drop)
}

pub async fn remove(on: &Session, forward: &str) -> DbResult<()> {
    for sql in [
        "DELETE FROM forwards WHERE id = $1",
        "DELETE FROM forward_undelivered WHERE forward = $1",
        "DELETE FROM mirror_readers WHERE kind = 'forward' AND reader = $1",
    ] {
        on.run(sql, &[&text(forward)]).await?;
    }
    Ok(())
}

pub async fn lease(on: &Session, forward: &str, holder: &str, for_ms: u64) -> DbResult<bool> {
    let sql = "SELECT lease_attempt, lease_until_ms FROM forwards WHERE id = $1 FOR UPDATE";
    let found = on.rows(sql, &[&text(forward)]).await?;
    let held = found.first().map(|row| <Option<Lease>>::read(row, "lease")).transpose()?;
    let now_ms = on.now_ms().await?;
    let wanted = wanted(holder, for_ms, now_ms);
    if held.flatten().is_some_and(|held| held.blocks(&wanted, now_ms)) {
        return Ok(false);
    }
    let sql = "UPDATE forwards SET lease_attempt = $1, lease_until_ms = $2 WHERE id = $3";
    let of = (text(&wanted.attempt), signed(wanted.until_ms), text(forward));
    Ok(on.run(sql, &[&of.0, &of.1, &of.2]).await? > 0)
}

pub async fn measure(on: &Session, forward: &str) -> DbResult<ForwardLag> {
    let forward = text(forward);
    let sql = "SELECT error, error_ms FROM forwards WHERE id = $1";
    let mut lag = ForwardLag::default();
    if let Some(row) = on.rows(sql, &[&forward]).await?.first() {
        (lag.error, lag.error_ms) = (Option::read(row, "error")?, Option::read(row, "error_ms")?);
    }
    let sql = format!(
        "SELECT m.moment - coalesce(r.number, 0) AS behind, {FIRST_AFTER}
         FROM {COVERED} AND m.moment > coalesce(r.number, 0)"
    );
    let mut since = Vec::new();
    for row in on.rows(&sql, &[&forward]).await? {
        let Some(first_ms) = <Option<u64>>::read(&row, "first_ms")? else { continue };
        lag.behind += u64::read(&row, "behind")?;
        since.push(first_ms);
    }
    let sql = "SELECT count(u.next_ms) AS waiting, count(*) - count(u.next_ms) AS parked,
                   min(CASE WHEN u.next_ms IS NOT NULL THEN c.at_ms END) AS since_ms
               FROM forward_undelivered AS u
                   CROSS JOIN LATERAL (SELECT c.at_ms FROM mirror_changes AS c
                       WHERE c.mirror = u.mirror AND c.number = u.change OFFSET 0) AS c
               WHERE u.forward = $1";
    if let Some(row) = on.rows(sql, &[&forward]).await?.first() {
        (lag.waiting, lag.parked) = (u64::read(row, "waiting")?, u64::read(row, "parked")?);
        since.extend(<Option<u64>>::read(row, "since_ms")?);
    }
    lag.since_ms = since.into_iter().min();
    Ok(lag)
}
