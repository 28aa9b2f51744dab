//! [`Outbox`] in the same file.

pub mod tables;

use connector_contract::clock::unix_ms;
use connector_state::mirror::ChangeRow;
use connector_state::mirror::plan::{ChangedVersions, FORWARD_BEHIND};
use connector_state::outbox::{Missed, Outbox, Outgoing, Parked};
use rusqlite::{Connection, Result, Row};

use super::columns::{Record as _, columns, prepared, run, signed, value, values};
use super::fault::DbResult;
use super::{Answer, Sqlite};

/// Entries of the log with what they are between. (The object's name comes before its key.)
const COLUMNS: &str =
    "m.connection, o.name AS object, n.name AS connection_name, v.before, v.after,
    c.number, c.id, c.kind, c.ours, c.source, c.at_ms, c.updated_at, c.previous, c.hash,
    coalesce(c.members, '[]') AS members";
const TABLES: &str = "mirror_changes AS c
    CROSS JOIN mirror_objects AS o USING (object)
    CROSS JOIN mirrors AS m ON m.mirror = c.mirror
    CROSS JOIN connections AS n ON n.id = m.connection
    LEFT JOIN forward_versions AS v ON v.mirror = c.mirror AND v.change = c.number";

columns!(Missed [] { connection, name, position, forgotten });
columns!(Parked [connection] { change, since_ms, attempts, next_ms, reason });

impl Outbox for Sqlite {
    fn begin_target(&self, target: &str) -> Answer<'_, ()> {
        let target = target.to_owned();
        self.write(move |on, now_ms| {
            let sql = "INSERT INTO forwards (target) VALUES (?) ON CONFLICT DO NOTHING";
            if run(on, sql, [&target])? > 0 {
                let sql =
                    "INSERT OR IGNORE INTO mirror_readers (kind, reader, mirror, number, moved_ms)
                           SELECT 'forward', ?, mirror, moment, ? FROM mirrors";
                run(on, sql, (&target, signed(now_ms)))?;
            }
            Ok::<_, rusqlite::Error>(())
        })
    }

    fn outgoing(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>> {
        let target = target.to_owned();
        self.read(move |on| {
            let behind = "SELECT m.mirror, coalesce(r.number, 0)
                FROM mirrors AS m JOIN connections AS n ON n.id = m.connection
                    LEFT JOIN mirror_readers AS r
                        ON r.kind = 'forward' AND r.reader = ? AND r.mirror = m.mirror
                WHERE m.moment > coalesce(r.number, 0)";
            let behind: Vec<(i64, i64)> = prepared(on, behind)?
                .query_map([target], |row| row.try_into())?
                .collect::<Result<_>>()?;
            // Each has its share, so that none waits for another.
            let share = usize::try_from(limit).unwrap_or(usize::MAX).div_ceil(behind.len().max(1));
            let sql = format!(
                "SELECT {COLUMNS} FROM {TABLES} WHERE c.mirror = ? AND c.number > ?
                 ORDER BY c.number LIMIT ?"
            );
            let mut find = prepared(on, &sql)?;
            let mut outgoing: Vec<Outgoing> = Vec::new();
            for (mirror, number) in behind {
                let share = i64::try_from(share).unwrap_or(i64::MAX);
                let some = find.query_map((mirror, number, share), outgoing_of)?;
                outgoing.extend(some.collect::<Result<Vec<_>>>()?);
                if outgoing.len() >= limit as usize {
                    break;
                }
            }
            Ok::<_, rusqlite::Error>(outgoing)
        })
    }

    fn missed(&self, target: &str) -> Answer<'_, Vec<Missed>> {
        let sql = "SELECT m.connection, n.name, coalesce(r.number, 0) AS position, m.forgotten
                   FROM mirrors AS m CROSS JOIN connections AS n ON n.id = m.connection
                       LEFT JOIN mirror_readers AS r
                           ON r.kind = 'forward' AND r.reader = ? AND r.mirror = m.mirror
                   WHERE m.forgotten > coalesce(r.number, 0)";
        self.all(sql, [target.to_owned()])
    }

    fn taken(
        &self,
        target: &str,
        positions: Vec<(String, u64)>,
        parked: Vec<Parked>,
    ) -> Answer<'_, ()> {
        let target = target.to_owned();
        self.write(move |on, now_ms| {
            for (connection, number) in &positions {
                move_reader(on, "forward", &target, connection, *number, now_ms)?;
            }
            parked.iter().try_for_each(|one| park(on, &target, one))
        })
    }

    fn due_parked(&self, target: &str, limit: u32) -> Answer<'_, Vec<(Parked, Outgoing)>> {
        let (target, now_ms) = (target.to_owned(), signed(unix_ms(self.clock.now())));
        let sql = format!(
            "SELECT p.change, p.since_ms, p.attempts, p.next_ms, p.reason, {COLUMNS}
             FROM forward_parked AS p CROSS JOIN {TABLES}
             WHERE p.target = ?1 AND p.next_ms <= ?2 AND c.mirror = p.mirror AND c.number = p.change
                 AND NOT EXISTS (
                     SELECT 1 FROM forward_parked AS q WHERE q.target = p.target
                         AND q.object = p.object AND q.id = p.id AND q.change < p.change)
             ORDER BY p.next_ms LIMIT ?3"
        );
        self.read(move |on| {
            let both = |row: &Row<'_>| Ok((Parked::read(row)?, outgoing_of(row)?));
            let of = (target, now_ms, limit);
            prepared(on, &sql)?.query_map(of, both)?.collect::<Result<_>>()
        })
    }

    fn tried(
        &self,
        target: &str,
        connection: &str,
        change: u64,
        again: Option<Parked>,
    ) -> Answer<'_, ()> {
        let (target, connection) = (target.to_owned(), connection.to_owned());
        self.write(move |on, _| {
            if let Some(parked) = again {
                return park(on, &target, &parked);
            }
            let sql = "DELETE FROM forward_parked WHERE target = ? AND change = ?
                           AND mirror = (SELECT mirror FROM mirrors WHERE connection = ?)";
            run(on, sql, (&target, signed(change), &connection)).map(drop)
        })
    }

    fn behind_parked(
        &self,
        target: &str,
        changes: Vec<(String, u64)>,
    ) -> Answer<'_, Vec<(String, u64)>> {
        let target = target.to_owned();
        self.read(move |on| {
            let mut parked = prepared(
                on,
                "SELECT 1 FROM mirrors AS m
                     CROSS JOIN mirror_changes AS c ON c.mirror = m.mirror AND c.number = ?3
                     CROSS JOIN forward_parked AS p
                         ON p.target = ?1 AND p.object = c.object AND p.id = c.id
                 WHERE m.connection = ?2 LIMIT 1",
            )?;
            let mut behind = Vec::new();
            for (connection, change) in changes {
                if parked.exists((&target, &connection, signed(change)))? {
                    behind.push((connection, change));
                }
            }
            Ok::<_, rusqlite::Error>(behind)
        })
    }
}

/// Moves the position of a reader forward in the changes of a connection.
pub fn move_reader(
    on: &Connection,
    kind: &str,
    reader: &str,
    connection: &str,
    number: u64,
    now_ms: u64,
) -> Result<()> {
    let sql = "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
               SELECT ?, ?, mirror, ?, ? FROM mirrors WHERE connection = ?
               ON CONFLICT DO UPDATE SET number = excluded.number, moved_ms = excluded.moved_ms";
    run(on, sql, (kind, reader, signed(number), signed(now_ms), connection)).map(drop)
}

/// Whether changes after `moment` are forwarded to somebody who is not too far behind.
pub fn keeps_versions(on: &Connection, mirror: i64, moment: u64) -> Result<bool> {
    let sql = "SELECT 1 FROM forwards AS f LEFT JOIN mirror_readers AS r
                   ON r.kind = 'forward' AND r.reader = f.target AND r.mirror = ?
               WHERE ? - coalesce(r.number, 0) < ? LIMIT 1";
    let found: Option<i64> = value(on, sql, (mirror, signed(moment), signed(FORWARD_BEHIND)))?;
    Ok(found.is_some())
}

/// Keeps what changes are between.
pub fn keep_versions(on: &Connection, mirror: i64, versions: &[ChangedVersions]) -> Result<()> {
    let sql = "INSERT INTO forward_versions (mirror, change, before, after) VALUES (?, ?, ?, ?)";
    versions.iter().try_for_each(|ChangedVersions { change, before, after }| {
        run(on, sql, (mirror, signed(*change), before, after)).map(drop)
    })
}

/// Forgets versions that every target has had.
pub fn forget(on: &Connection, _: u64, limit: usize) -> DbResult<usize> {
    let mut forgotten = 0;
    let mut last = i64::MIN;
    let next = "SELECT mirror FROM forward_versions WHERE mirror > ? ORDER BY mirror LIMIT 1";
    while let Some(mirror) = value::<i64>(on, next, [last])? {
        last = mirror;
        let sql =
            "SELECT coalesce(min(coalesce(r.number, 0)), 9223372036854775807) FROM forwards AS f
                   LEFT JOIN mirror_readers AS r
                       ON r.kind = 'forward' AND r.reader = f.target AND r.mirror = ?";
        let until: i64 = value(on, sql, [mirror])?.unwrap_or(i64::MAX);
        let sql = "SELECT change FROM forward_versions AS v WHERE mirror = ?1 AND change <= ?2
                       AND NOT EXISTS (SELECT 1 FROM forward_parked AS p
                                       WHERE p.mirror = ?1 AND p.change = v.change)
                   ORDER BY change LIMIT ?3";
        let left = i64::try_from(limit - forgotten).unwrap_or(i64::MAX);
        for change in values::<i64>(on, sql, (mirror, until, left))? {
            run(
                on,
                "DELETE FROM forward_versions WHERE mirror = ? AND change = ?",
                (mirror, change),
            )?;
            forgotten += 1;
        }
        if forgotten >= limit {
            break;
        }
    }
    Ok(forgotten)
}

fn park(on: &Connection, target: &str, parked: &Parked) -> Result<()> {
    let sql = "REPLACE INTO forward_parked
                   (target, mirror, change, object, id, since_ms, attempts, next_ms, reason)
               SELECT ?, c.mirror, c.number, c.object, c.id, ?, ?, ?, ?
               FROM mirrors AS m JOIN mirror_changes AS c USING (mirror)
               WHERE m.connection = ? AND c.number = ?";
    let Parked { connection, change, since_ms, attempts, next_ms, reason } = parked;
    let (change, since, next) = (signed(*change), signed(*since_ms), signed(*next_ms));
    run(on, sql, (target, since, attempts, next, reason, connection, change)).map(drop)
}

fn outgoing_of(row: &Row<'_>) -> Result<Outgoing> {
    Ok(Outgoing {
        change: ChangeRow::read(row)?,
        connection: row.get("connection_name")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
