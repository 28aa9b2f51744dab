//! [`Outbox`] in the same file.

pub mod tables;

use connector_state::mirror::ChangeRow;
use connector_state::outbox::{Outbox, Outgoing, Parked};
use rusqlite::{Connection, Result, Row};

use super::columns::{Record as _, columns, run, signed};
use super::{Answer, Sqlite};

/// Entries of the log with what they are between. (The object's name comes before its key.)
const COLUMNS: &str = "o.connection, o.name AS object, n.name AS connection_name, v.before,
    v.after, c.*";
const TABLES: &str = "mirror_changes AS c
    JOIN mirror_objects AS o USING (object)
    JOIN connections AS n ON n.id = o.connection
    LEFT JOIN forward_versions AS v ON v.change = c.number";

columns!(Parked [] { change, since_ms, attempts, next_ms, reason });

impl Outbox for Sqlite {
    fn open(&self, target: &str) -> Answer<'_, ()> {
        let sql = "INSERT INTO forwards (target, position)
                   SELECT ?, moment FROM mirror_counter WHERE true ON CONFLICT DO NOTHING";
        self.run(sql, [target.to_owned()])
    }

    fn unseen(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>> {
        let target = target.to_owned();
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES}
             WHERE c.number > (SELECT position FROM forwards WHERE target = ?)
             ORDER BY c.number LIMIT ?"
        );
        self.read(move |on| {
            on.prepare(&sql)?.query_map((target, limit), outgoing_of)?.collect::<Result<_>>()
        })
    }

    fn seen(&self, target: &str, position: u64, parked: Vec<Parked>) -> Answer<'_, ()> {
        let target = target.to_owned();
        self.write(move |on, _| {
            let sql = "UPDATE forwards SET position = max(position, ?) WHERE target = ?";
            run(on, sql, (signed(position), &target))?;
            parked.iter().try_for_each(|one| park(on, &target, one))
        })
    }

    fn due_parked(
        &self,
        target: &str,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(Parked, Outgoing)>> {
        let target = target.to_owned();
        let sql = format!(
            "SELECT p.change, p.since_ms, p.attempts, p.next_ms, p.reason, {COLUMNS}
             FROM {TABLES} JOIN forward_parked AS p ON p.change = c.number
             WHERE p.target = ?1 AND p.next_ms <= ?2 AND NOT EXISTS (
                 SELECT 1 FROM forward_parked AS q WHERE q.target = p.target
                     AND q.object = p.object AND q.id = p.id AND q.change < p.change)
             ORDER BY p.change LIMIT ?3"
        );
        self.read(move |on| {
            let both = |row: &Row<'_>| Ok((Parked::read(row)?, outgoing_of(row)?));
            let of = (target, signed(now_ms), limit);
            on.prepare(&sql)?.query_map(of, both)?.collect::<Result<_>>()
        })
    }

    fn tried(&self, target: &str, change: u64, again: Option<Parked>) -> Answer<'_, ()> {
        let target = target.to_owned();
        self.write(move |on, _| {
            if let Some(parked) = again {
                return park(on, &target, &parked);
            }
            let sql = "DELETE FROM forward_parked WHERE target = ? AND change = ?";
            run(on, sql, (&target, signed(change))).map(drop)
        })
    }

    fn behind_parked(&self, target: &str, changes: Vec<u64>) -> Answer<'_, Vec<u64>> {
        let target = target.to_owned();
        self.read(move |on| {
            let mut parked = on.prepare(
                "SELECT 1 FROM mirror_changes AS c JOIN forward_parked AS p
                     ON p.target = ? AND p.object = c.object AND p.id = c.id
                 WHERE c.number = ? LIMIT 1",
            )?;
            let mut behind = Vec::new();
            for change in changes {
                if parked.exists((&target, signed(change)))? {
                    behind.push(change);
                }
            }
            Ok::<_, rusqlite::Error>(behind)
        })
    }

    fn forget_seen(&self) -> Answer<'_, ()> {
        // Entries of the log that are gone cannot be handed on any more.
        self.write(|on, _| {
            on.execute_batch(
                "DELETE FROM forward_versions
                 WHERE change <= coalesce((SELECT min(position) FROM forwards), 9223372036854775807)
                     AND NOT EXISTS (SELECT 1 FROM forward_parked AS p
                                     WHERE p.change = forward_versions.change);
                 DELETE FROM forward_parked
                 WHERE change NOT IN (SELECT number FROM mirror_changes);",
            )
        })
    }
}

fn park(on: &Connection, target: &str, parked: &Parked) -> Result<()> {
    let sql = "REPLACE INTO forward_parked
                   (target, change, object, id, since_ms, attempts, next_ms, reason)
               SELECT ?, number, object, id, ?, ?, ?, ? FROM mirror_changes WHERE number = ?";
    let Parked { change, since_ms, attempts, next_ms, reason } = parked;
    let (change, since, next) = (signed(*change), signed(*since_ms), signed(*next_ms));
    run(on, sql, (target, since, attempts, next, reason, change)).map(drop)
}

fn outgoing_of(row: &Row<'_>) -> Result<Outgoing> {
    Ok(Outgoing {
        change: ChangeRow::read(row)?,
        connection: row.get("connection_name")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
