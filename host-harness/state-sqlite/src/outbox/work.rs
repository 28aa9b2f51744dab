//! What a forward is to hand on, and what came of it.

use connector_state::mirror::ChangeRow;
use connector_state::outbox::{
    ForwardWork, Missed, Outgoing, SettledWork, Undelivered, plan::missed_until,
};
use rusqlite::{Connection, Result, Row};

use super::forwards::{COVERED, FIRST_AFTER};
use crate::columns::{Record as _, prepared, run, signed, value};

/// Entries of the log. (The object's name comes before its key.)
const CHANGE: &str =
    "m.connection, o.name AS object, c.number, c.id, c.kind, c.ours, c.source, c.delivery, c.at_ms,
    c.updated_at, c.previous, c.hash, coalesce(c.members, '[]') AS members, c.rule";
/// And what they are between; of a rule, the record as it is.
const BETWEEN: &str = "n.name AS connection_name, v.before, CASE WHEN c.kind = 'rule' THEN
        (SELECT b.data FROM mirror_heads AS h CROSS JOIN mirror_bodies AS b USING (body)
         WHERE h.records = o.records AND h.id = c.id) ELSE v.after END AS after";
const TABLES: &str = "mirror_changes AS c
    CROSS JOIN mirror_objects AS o USING (object)
    CROSS JOIN mirrors AS m ON m.mirror = c.mirror
    CROSS JOIN connections AS n ON n.id = m.connection
    LEFT JOIN forward_versions AS v ON v.mirror = c.mirror AND v.change = c.number";
const UNDELIVERED: &str = "u.change, u.attempts, u.next_ms, u.reason";

/// Parked changes of a forward, at most so many.
pub fn parked() -> String {
    format!(
        "SELECT {UNDELIVERED}, {CHANGE} FROM forward_undelivered AS u CROSS JOIN {TABLES}
         WHERE u.forward = ?1 AND u.next_ms IS NULL AND c.mirror = u.mirror AND c.number = u.change
         ORDER BY u.mirror, u.change LIMIT ?2"
    )
}

pub fn find(on: &Connection, forward: &str, limit: u32, now_ms: u64) -> Result<ForwardWork> {
    let on = on.unchecked_transaction()?;
    let mut work = ForwardWork::default();
    let sql = format!(
        "SELECT n.id AS connection, n.name, coalesce(r.number, 0) AS position, m.forgotten, m.moment,
            m.mirror, {FIRST_AFTER}
         FROM {COVERED} AND max(m.forgotten, m.moment) > coalesce(r.number, 0) ORDER BY r.moved_ms"
    );
    let mut behind: Vec<(i64, i64)> = Vec::new();
    let mut find = prepared(&on, &sql)?;
    let mut found = find.query([forward])?;
    while let Some(row) = found.next()? {
        let missed = Missed::read(row)?;
        let until = missed_until(missed.forgotten, row.get("moment")?, missed.position);
        if let Some(forgotten) = until {
            work.missed.push(Missed { forgotten, ..missed });
        } else if row.get::<_, Option<u64>>("first_ms")?.is_some() {
            behind.push((row.get("mirror")?, signed(missed.position)));
        }
    }
    // Each has its share, so that none waits for another.
    let share = usize::try_from(limit).unwrap_or(usize::MAX).div_ceil(behind.len().max(1));
    let sql = format!(
        "SELECT {CHANGE}, {BETWEEN} FROM {TABLES} WHERE c.mirror = ? AND c.number > ?
         ORDER BY c.number LIMIT ?"
    );
    let mut after = prepared(&on, &sql)?;
    let mut waiting = prepared(
        &on,
        "SELECT 1 FROM mirror_changes AS c
             CROSS JOIN forward_undelivered AS u INDEXED BY forward_waiting_of_record
         WHERE c.mirror = ?2 AND c.number = ?3 AND u.forward = ?1 AND u.object = c.object
             AND u.id = c.id AND u.next_ms IS NOT NULL LIMIT 1",
    )?;
    for (mirror, number) in behind {
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        for outgoing in after.query_map((mirror, number, share), outgoing_of)? {
            let outgoing = outgoing?;
            let number = outgoing.change.number;
            if waiting.exists((forward, mirror, signed(number)))? {
                work.blocked.insert((outgoing.change.connection.clone(), number));
            }
            work.pending.push(outgoing);
        }
        if work.pending.len() >= limit as usize {
            break;
        }
    }
    let sql = format!(
        "SELECT {UNDELIVERED}, {CHANGE}, {BETWEEN}
         FROM forward_undelivered AS u CROSS JOIN {TABLES}
         WHERE u.forward = ?1 AND u.next_ms <= ?2 AND c.mirror = u.mirror AND c.number = u.change
             AND NOT EXISTS (
                 SELECT 1 FROM forward_undelivered AS q
                 WHERE q.forward = u.forward AND q.object = u.object AND q.id = u.id
                     AND q.change < u.change AND q.next_ms IS NOT NULL)
         ORDER BY u.next_ms LIMIT ?3"
    );
    let both = |row: &Row<'_>| Ok((Undelivered::read(row)?, outgoing_of(row)?));
    work.due = prepared(&on, &sql)?
        .query_map((forward, signed(now_ms), limit), both)?
        .collect::<Result<_>>()?;
    let sql = "SELECT count(*) FROM forward_undelivered WHERE forward = ?";
    work.undelivered = value(&on, sql, [forward])?.unwrap_or_default();
    Ok(work)
}

pub fn settle(on: &Connection, forward: &str, settled: &SettledWork, now_ms: u64) -> Result<()> {
    // Also tells whether the forward is there.
    let sql = "UPDATE forwards SET error = ?, error_ms = ? WHERE id = ?";
    let error_ms = settled.error.as_ref().map(|_| signed(now_ms));
    if run(on, sql, (&settled.error, error_ms, forward))? == 0 {
        return Ok(());
    }
    for (connection, number) in &settled.positions {
        let sql = "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
                   SELECT 'forward', ?, mirror, ?, ? FROM mirrors WHERE connection = ?
                   ON CONFLICT DO UPDATE
                       SET number = excluded.number, moved_ms = excluded.moved_ms
                       WHERE excluded.number > number";
        run(on, sql, (forward, signed(*number), signed(now_ms), connection))?;
    }
    for Undelivered { connection, change, attempts, next_ms, reason } in &settled.undelivered {
        let sql = "REPLACE INTO forward_undelivered
                       (forward, mirror, change, object, id, attempts, next_ms, reason)
                   SELECT ?, c.mirror, c.number, c.object, c.id, ?, ?, ?
                   FROM mirrors AS m JOIN mirror_changes AS c USING (mirror)
                   WHERE m.connection = ? AND c.number = ?";
        let (next_ms, change) = (next_ms.map(signed), signed(*change));
        run(on, sql, (forward, attempts, next_ms, reason, connection, change))?;
    }
    for (connection, change) in &settled.delivered {
        let sql = "DELETE FROM forward_undelivered WHERE forward = ? AND change = ?
                       AND mirror = (SELECT mirror FROM mirrors WHERE connection = ?)";
        run(on, sql, (forward, signed(*change), connection))?;
    }
    Ok(())
}

fn outgoing_of(row: &Row<'_>) -> Result<Outgoing> {
    Ok(Outgoing {
        change: ChangeRow::read(row)?,
        connection: row.get("connection_name")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
