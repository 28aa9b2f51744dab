//! [`Outbox`] in the same file.

pub mod tables;

use connector_state::outbox::{Outbox, Outgoing, Parked};
use rusqlite::{Connection, Row, params};

use super::mirror::rows::change_of;
use super::rows::{signed, unsigned};
use super::writer::Erases;
use super::{Answer, Sqlite};

/// Entries of the log with what they are between. (The object's name comes before its key.)
const COLUMNS: &str = "o.connection, o.name AS object, n.name AS connection_name, v.before,
    v.after, c.*";
const TABLES: &str = "mirror_changes AS c
    JOIN mirror_objects AS o USING (object)
    JOIN connections AS n ON n.id = o.connection
    LEFT JOIN forward_versions AS v ON v.change = c.number";

impl Outbox for Sqlite {
    fn open(&self, target: &str) -> Answer<'_, ()> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
            on.execute(
                "INSERT INTO forwards (target, position)
                 SELECT ?, moment FROM mirror_counter WHERE true ON CONFLICT DO NOTHING",
                [target],
            )?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn unseen(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM {TABLES} WHERE c.number > (SELECT position FROM forwards WHERE target = ?)
                 ORDER BY c.number LIMIT ?"
            );
            let mut found = on.prepare(&sql)?;
            let rows = found.query_map((target, limit), outgoing_of)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        Box::pin(self.readers().read(work))
    }

    fn seen(&self, target: &str, position: u64, parked: Vec<Parked>) -> Answer<'_, ()> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
            let sql = "UPDATE forwards SET position = max(position, ?) WHERE target = ?";
            on.execute(sql, (signed(position), &target))?;
            parked.iter().try_for_each(|one| park(on, &target, one))?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn due_parked(
        &self,
        target: &str,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(Parked, Outgoing)>> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
            let sql = format!(
                "SELECT p.change, p.since_ms, p.attempts, p.next_ms, p.reason, {COLUMNS}
                 FROM {TABLES} JOIN forward_parked AS p ON p.change = c.number
                 WHERE p.target = ?1 AND p.next_ms <= ?2 AND NOT EXISTS (
                     SELECT 1 FROM forward_parked AS q WHERE q.target = p.target
                         AND q.object = p.object AND q.id = p.id AND q.change < p.change)
                 ORDER BY p.change LIMIT ?3"
            );
            let mut found = on.prepare(&sql)?;
            let both = |row: &Row<'_>| Ok((parked_of(row)?, outgoing_of(row)?));
            let rows = found.query_map((target, signed(now_ms), limit), both)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        Box::pin(self.readers().read(work))
    }

    fn tried(&self, target: &str, change: u64, again: Option<Parked>) -> Answer<'_, ()> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
            match again {
                Some(parked) => park(on, &target, &parked)?,
                None => {
                    let sql = "DELETE FROM forward_parked WHERE target = ? AND change = ?";
                    on.execute(sql, (&target, signed(change)))?;
                }
            }
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn behind_parked(&self, target: &str, changes: Vec<u64>) -> Answer<'_, Vec<u64>> {
        let target = target.to_owned();
        let work = move |on: &Connection| {
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
            Ok(behind)
        };
        Box::pin(self.readers().read(work))
    }

    fn forget_seen(&self) -> Answer<'_, ()> {
        let work = |on: &Connection| {
            on.execute(
                "DELETE FROM forward_versions
                 WHERE change <= coalesce((SELECT min(position) FROM forwards), 9223372036854775807)
                     AND NOT EXISTS (SELECT 1 FROM forward_parked AS p
                                     WHERE p.change = forward_versions.change)",
                (),
            )?;
            // Entries of the log that are gone cannot be handed on any more.
            on.execute(
                "DELETE FROM forward_parked
                 WHERE change NOT IN (SELECT number FROM mirror_changes)",
                (),
            )?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }
}

fn park(on: &Connection, target: &str, parked: &Parked) -> rusqlite::Result<()> {
    on.execute(
        "REPLACE INTO forward_parked
             (target, change, object, id, since_ms, attempts, next_ms, reason)
         SELECT ?, number, object, id, ?, ?, ?, ? FROM mirror_changes WHERE number = ?",
        params![
            target,
            signed(parked.since_ms),
            parked.attempts,
            signed(parked.next_ms),
            parked.reason,
            signed(parked.change),
        ],
    )?;
    Ok(())
}

fn parked_of(row: &Row<'_>) -> rusqlite::Result<Parked> {
    Ok(Parked {
        change: unsigned(row, "change")?,
        since_ms: unsigned(row, "since_ms")?,
        attempts: row.get("attempts")?,
        next_ms: unsigned(row, "next_ms")?,
        reason: row.get("reason")?,
    })
}

fn outgoing_of(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    Ok(Outgoing {
        change: change_of(row)?,
        connection: row.get("connection_name")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
