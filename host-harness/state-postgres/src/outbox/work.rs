//! What a forward is to hand on, and what came of it.

use std::collections::BTreeMap;

use connector_state::mirror::ChangeRow;
use connector_state::outbox::{
    ForwardWork, Missed, Outgoing, SettledWork, Undelivered, plan::missed_until,
};
use tokio_postgres::Row;

use super::forwards::{COVERED, FIRST_AFTER};
use crate::columns::{Column as _, Record as _, signed, text, texts};
use crate::fault::DbResult;
use crate::session::Session;

/// Entries of the log.
const CHANGE: &str =
    "m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery, c.at_ms,
    c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule";
/// And what they are between; of a rule, the record as it is.
const BETWEEN: &str = "n.name AS connection_name, v.before, CASE WHEN c.kind = 'rule' THEN
        (SELECT b.data FROM mirror_heads AS h JOIN mirror_bodies AS b USING (body)
         WHERE h.records = o.records AND h.id = c.id) ELSE v.after END AS after";
const JOINED: &str = "JOIN mirror_objects AS o ON o.object = c.object
    JOIN mirrors AS m ON m.mirror = c.mirror
    JOIN connections AS n ON n.id = m.connection
    LEFT JOIN forward_versions AS v ON v.mirror = c.mirror AND v.change = c.number";
const UNDELIVERED: &str = "u.change, u.attempts, u.next_ms, u.reason";
const OF_UNDELIVERED: &str = "forward_undelivered AS u
    JOIN mirror_changes AS c ON c.mirror = u.mirror AND c.number = u.change";

/// Parked changes of a forward, at most so many.
pub async fn parked(
    on: &Session,
    forward: &str,
    limit: u32,
) -> DbResult<Vec<(Undelivered, ChangeRow)>> {
    let sql = format!(
        "SELECT {UNDELIVERED}, {CHANGE} FROM {OF_UNDELIVERED} {JOINED}
         WHERE u.forward = $1 AND u.next_ms IS NULL ORDER BY u.mirror, u.change LIMIT $2"
    );
    let both = |row: &Row| Ok((Undelivered::read(row)?, ChangeRow::read(row)?));
    on.rows(&sql, &[&text(forward), &i64::from(limit)]).await?.iter().map(both).collect()
}

pub async fn find(on: &Session, forward: &str, limit: u32) -> DbResult<ForwardWork> {
    let now_ms = signed(on.now_ms().await?);
    let forward = text(forward);
    let mut work = ForwardWork::default();
    let sql = format!(
        "SELECT n.id AS connection, n.name, coalesce(r.number, 0) AS position, m.forgotten, m.moment,
            m.mirror, {FIRST_AFTER}
         FROM {COVERED} AND greatest(m.forgotten, m.moment) > coalesce(r.number, 0)
         ORDER BY r.moved_ms NULLS FIRST, m.mirror"
    );
    let (mut mirrors, mut positions): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in on.rows(&sql, &[&forward]).await? {
        let missed = Missed::read(&row)?;
        let until = missed_until(missed.forgotten, u64::read(&row, "moment")?, missed.position);
        if let Some(forgotten) = until {
            work.missed.push(Missed { forgotten, ..missed });
        } else if <Option<u64>>::read(&row, "first_ms")?.is_some() {
            mirrors.push(row.try_get("mirror")?);
            positions.push(signed(missed.position));
        }
    }
    let limit = limit as usize;
    // Each has its share, so that none waits for another.
    let share = crate::columns::rows(limit.div_ceil(mirrors.len().max(1)));
    mirrors.truncate(limit);
    positions.truncate(limit);
    pending(on, &forward, (&mirrors, &positions), share, limit, &mut work).await?;
    let sql = format!(
        "SELECT {UNDELIVERED}, {CHANGE}, {BETWEEN} FROM {OF_UNDELIVERED} {JOINED}
         WHERE u.forward = $1 AND u.next_ms <= $2
             AND NOT EXISTS (
                 SELECT 1 FROM forward_undelivered AS q
                 WHERE q.forward = u.forward AND q.object = u.object AND q.id = u.id
                     AND q.change < u.change AND q.next_ms IS NOT NULL)
         ORDER BY u.next_ms, u.mirror, u.change LIMIT $3"
    );
    let both = |row: &Row| Ok((Undelivered::read(row)?, outgoing_of(row)?));
    let due = on.rows(&sql, &[&forward, &now_ms, &crate::columns::rows(limit)]).await?;
    work.due = due.iter().map(both).collect::<DbResult<_>>()?;
    let sql = "SELECT count(*) FROM forward_undelivered WHERE forward = $1";
    let undelivered: Option<i64> = on.value(sql, &[&forward]).await?;
    work.undelivered = undelivered.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
    Ok(work)
}

/// New changes of connections, the first of each, until there are `limit`.
async fn pending(
    on: &Session,
    forward: &str,
    (mirrors, positions): (&Vec<i64>, &Vec<i64>),
    share: i64,
    limit: usize,
    work: &mut ForwardWork,
) -> DbResult<()> {
    if mirrors.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT {CHANGE}, {BETWEEN}, w.place, EXISTS (
             SELECT 1 FROM forward_undelivered AS u
             WHERE u.forward = $1 AND u.object = c.object AND u.id = c.id AND u.next_ms IS NOT NULL
         ) AS blocked
         FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (mirror, position, place)
             CROSS JOIN LATERAL (
                 SELECT * FROM mirror_changes WHERE mirror = w.mirror AND number > w.position
                 ORDER BY number LIMIT $4
             ) AS c {JOINED}
         ORDER BY w.place, c.number"
    );
    let mut place = 0;
    for row in on.rows(&sql, &[&forward, mirrors, positions, &share]).await? {
        let next: i64 = row.try_get("place")?;
        if next != place && work.pending.len() >= limit {
            break;
        }
        place = next;
        let outgoing = outgoing_of(&row)?;
        if row.try_get("blocked")? {
            let change = &outgoing.change;
            work.blocked.insert((change.connection.clone(), change.number));
        }
        work.pending.push(outgoing);
    }
    Ok(())
}

pub async fn settle(on: &Session, forward: &str, settled: &SettledWork) -> DbResult<()> {
    let forward = text(forward);
    let now_ms = signed(on.now_ms().await?);
    // Also tells whether the forward is there.
    let sql = "UPDATE forwards SET error = $1, error_ms = $2 WHERE id = $3";
    let error_ms = settled.error.as_ref().map(|_| now_ms);
    if on.run(sql, &[&texts(settled.error.as_ref()), &error_ms, &forward]).await? == 0 {
        return Ok(());
    }
    let mut positions: BTreeMap<&str, u64> = BTreeMap::new();
    for (connection, number) in &settled.positions {
        let at = positions.entry(connection).or_default();
        *at = (*at).max(*number);
    }
    if !positions.is_empty() {
        let connections: Vec<_> = positions.keys().map(|connection| text(connection)).collect();
        let numbers: Vec<i64> = positions.values().map(|number| signed(*number)).collect();
        let sql = "INSERT INTO mirror_readers AS r (kind, reader, mirror, number, moved_ms)
                   SELECT 'forward', $1, m.mirror, u.number, $4
                   FROM unnest($2::text[], $3::bigint[]) AS u (connection, number)
                       JOIN mirrors AS m ON m.connection = u.connection COLLATE \"C\"
                   ORDER BY m.mirror
                   ON CONFLICT (kind, reader, mirror) DO UPDATE
                       SET number = excluded.number, moved_ms = excluded.moved_ms
                       WHERE excluded.number > r.number";
        on.run(sql, &[&forward, &connections, &numbers, &now_ms]).await?;
    }
    undelivered(on, &forward, &settled.undelivered).await?;
    if !settled.delivered.is_empty() {
        let (connections, changes) =
            keys(settled.delivered.iter().map(|(id, change)| (id, *change)));
        let sql = "DELETE FROM forward_undelivered AS d
                   USING unnest($2::text[], $3::bigint[]) AS u (connection, change)
                       JOIN mirrors AS m ON m.connection = u.connection COLLATE \"C\"
                   WHERE d.forward = $1 AND d.mirror = m.mirror AND d.change = u.change";
        on.run(sql, &[&forward, &connections, &changes]).await?;
    }
    Ok(())
}

async fn undelivered(on: &Session, forward: &str, undelivered: &[Undelivered]) -> DbResult<()> {
    // Of two of the same change the last one counts.
    let last: BTreeMap<(&String, u64), &Undelivered> =
        undelivered.iter().map(|one| ((&one.connection, one.change), one)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let (connections, changes) = keys(last.keys().copied());
    let attempts: Vec<i64> = last.values().map(|one| i64::from(one.attempts)).collect();
    let next: Vec<_> = last.values().map(|one| one.next_ms.map(signed)).collect();
    let reasons: Vec<_> = last.values().map(|one| text(&one.reason)).collect();
    // Nobody prunes these changes meanwhile.
    let lock =
        "SELECT mirror FROM mirrors WHERE connection = ANY($1) ORDER BY mirror FOR KEY SHARE";
    on.rows(lock, &[&connections]).await?;
    let sql = "INSERT INTO forward_undelivered
                   (forward, mirror, change, object, id, attempts, next_ms, reason)
               SELECT $1, c.mirror, c.number, c.object, c.id, u.attempts, u.next_ms, u.reason
               FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
                       AS u (connection, change, attempts, next_ms, reason)
                   JOIN mirrors AS m ON m.connection = u.connection COLLATE \"C\"
                   JOIN mirror_changes AS c ON c.mirror = m.mirror AND c.number = u.change
               ON CONFLICT (forward, mirror, change) DO UPDATE SET attempts = excluded.attempts,
                   next_ms = excluded.next_ms, reason = excluded.reason";
    on.run(sql, &[&forward, &connections, &changes, &attempts, &next, &reasons]).await.map(drop)
}

fn keys<'k>(
    all: impl Iterator<Item = (&'k String, u64)>,
) -> (Vec<std::borrow::Cow<'k, str>>, Vec<i64>) {
    all.map(|(connection, change)| (text(connection), signed(change))).unzip()
}

fn outgoing_of(row: &Row) -> DbResult<Outgoing> {
    Ok(Outgoing {
        change: ChangeRow::read(row)?,
        connection: String::read(row, "connection_name")?,
        before: Option::read(row, "before")?,
        after: Option::read(row, "after")?,
    })
}
