//! Which records a full scan has seen.

use connector_state::mirror::MirroredRecord;
use rusqlite::{Connection, OptionalExtension as _, Statement};

use super::objects;
use super::rows::RECORD;
use crate::columns::{self, signed};

/// Marks the records of one scan.
pub struct Marks<'c> {
    scan: i64,
    mark: Statement<'c>,
}

impl<'c> Marks<'c> {
    /// For the full scan of this number.
    pub fn open(on: &'c Connection, scan: u64) -> rusqlite::Result<Self> {
        let mark = on.prepare(
            "INSERT INTO mirror_seen (record, scan) VALUES (?, ?)
             ON CONFLICT (record) DO UPDATE SET scan = excluded.scan WHERE scan <> excluded.scan",
        )?;
        Ok(Self { scan: signed(scan), mark })
    }

    /// Marks a record. Answers 1 when the scan had not seen it, else 0.
    pub fn mark(&mut self, record: i64) -> rusqlite::Result<u64> {
        Ok(self.mark.execute((record, self.scan))? as u64)
    }
}

/// Live records that a scan has not seen.
pub fn unseen(
    on: &Connection,
    (connection, object): (&str, &str),
    scan: u64,
    after: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<MirroredRecord>> {
    // Records that were seen are not read.
    let sql = format!(
        "SELECT {RECORD} FROM mirror_objects AS o JOIN mirror_records AS r USING (object)
         WHERE o.connection = ?1 AND o.name = ?2 AND r.id > ?4
             AND CASE WHEN NOT EXISTS
                 (SELECT 1 FROM mirror_seen AS s WHERE s.record = r.record AND s.scan = ?3)
                 THEN r.state = 'live' END
         ORDER BY r.id LIMIT ?5"
    );
    let of = (connection, object, signed(scan), after.unwrap_or_default(), limit);
    columns::all(on, &sql, of)
}

/// How many live records a scan has not seen, and how many there are.
pub fn count(
    on: &Connection,
    connection: &str,
    object: &str,
    scan: u64,
) -> rusqlite::Result<(u64, u64)> {
    let Some(key) = objects::find(on, connection, object)? else { return Ok((0, 0)) };
    let sql = "SELECT count(*) - count(s.record), count(*)
               FROM mirror_records AS r INDEXED BY mirror_records_by_state
                   LEFT JOIN mirror_seen AS s ON s.record = r.record AND s.scan = ?
               WHERE r.object = ? AND r.state = 'live'";
    let counts = on.query_row(sql, (signed(scan), key), |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))
    });
    Ok(counts.optional()?.map_or((0, 0), |(unseen, all)| (unseen.into(), all.into())))
}
