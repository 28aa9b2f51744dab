//! Records that no batch could decide on, kept until their look-up is answered, and what could not be
//! read or answered.

use connector_state::mirror::hash_of;
use connector_state::mirror::plan::{FailedLookUp, PutLetter, fail_look_ups};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::objects::{self, Key};
use crate::columns::{prepared, run, signed, value};
use crate::fault::DbResult;

/// Puts a record on the list: a look-up asked for at `since` or later answers for it.
pub fn add(on: &Connection, records: Key, id: &str, since: u64) -> Result<()> {
    let sql = "INSERT INTO mirror_look_ups (records, id, since) VALUES (?, ?, ?)
               ON CONFLICT DO UPDATE SET since = excluded.since";
    run(on, sql, (records, id, signed(since))).map(drop)
}

/// What was asked for at `asked` has been answered.
pub fn settle(on: &Connection, records: Key, id: &str, asked: u64) -> Result<()> {
    let sql = "DELETE FROM mirror_look_ups WHERE records = ? AND id = ? AND since <= ?";
    run(on, sql, (records, id, signed(asked))).map(drop)
}

/// Counts failed tries, and gives up those that had enough. Answers how many dead letters are new.
pub fn fail(
    on: &Connection,
    connection: &str,
    object: &str,
    failed: &[(String, String)],
    now_ms: u64,
) -> DbResult<u64> {
    let objects::Object { object, records, .. } = objects::make(on, connection, object)?;
    let mut dead = 0;
    for (id, reason) in failed {
        let sql = "SELECT tries FROM mirror_look_ups WHERE records = ? AND id = ?";
        let tries = value(on, sql, (records, id))?.unwrap_or_default();
        match fail_look_ups(id, reason, tries, now_ms) {
            FailedLookUp::Again { tries, due_ms } => {
                let sql = "INSERT INTO mirror_look_ups (records, id, since, tries, due_ms, reason)
                           VALUES (?1, ?2, 0, ?3, ?4, ?5)
                           ON CONFLICT DO UPDATE SET tries = ?3, due_ms = ?4, reason = ?5";
                run(on, sql, (records, id, tries, signed(due_ms), reason))?;
            }
            FailedLookUp::GivenUp(item) => {
                let sql = "DELETE FROM mirror_look_ups WHERE records = ? AND id = ?";
                run(on, sql, (records, id))?;
                let hash = hash_of(id);
                let sql = "SELECT number FROM mirror_dead_letters WHERE object = ? AND hash = ?";
                let number = |row: &Row<'_>| row.get(0);
                let number: Option<u64> =
                    prepared(on, sql)?.query_row((object, hash), number).optional()?;
                dead += u64::from(number.is_none());
                put_letter(on, object, &PutLetter { number, hash, item, scan: None }, now_ms)?;
            }
        }
    }
    Ok(dead)
}

/// Keeps an item that could not be read, or the scan that met it again.
pub fn put_letter(on: &Connection, object: Key, letter: &PutLetter, now_ms: u64) -> Result<()> {
    let PutLetter { number, hash, item, scan } = letter;
    let scan = scan.map(signed);
    match number {
        Some(number) => {
            let sql = "UPDATE mirror_dead_letters SET scan = coalesce(?, scan) WHERE number = ?";
            run(on, sql, (scan, signed(*number)))?;
        }
        None => {
            let sql = "INSERT INTO mirror_dead_letters (object, id, raw, hash, reason, at_ms, scan)
                       VALUES (?, ?, ?, ?, ?, ?, ?)";
            run(on, sql, (object, &item.id, &item.raw, hash, &item.reason, signed(now_ms), scan))?;
        }
    }
    Ok(())
}
