//! Records that no batch could decide on, kept until their look-up is answered.

use connector_state::mirror::{LOOK_UP_FAILED, LOOK_UP_TRIES, Unreadable};
use rusqlite::Connection;

use super::letters;
use super::objects::{self, Key};
use crate::columns::{run, signed, value};
use crate::fault::DbResult;

/// Puts a record on the list: a look-up asked for at `since` or later answers for it.
pub fn add(on: &Connection, object: Key, id: &str, since: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO mirror_look_ups (object, id, since) VALUES (?, ?, ?)
               ON CONFLICT DO UPDATE SET since = excluded.since";
    run(on, sql, (object, id, signed(since))).map(drop)
}

/// What was asked for at `asked` has been answered.
pub fn settle(on: &Connection, object: Key, id: &str, asked: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM mirror_look_ups WHERE object = ? AND id = ? AND since <= ?";
    run(on, sql, (object, id, signed(asked))).map(drop)
}

/// Counts failed tries, and gives up those that had enough. Answers how many dead letters are new.
pub fn fail(
    on: &Connection,
    connection: &str,
    object: &str,
    failed: &[(String, String)],
    now_ms: u64,
) -> DbResult<u64> {
    let key = objects::make(on, connection, object)?;
    let mut dead = 0;
    for (id, reason) in failed {
        let sql = "SELECT tries FROM mirror_look_ups WHERE object = ? AND id = ?";
        let tries = value(on, sql, (key, id))?.unwrap_or(0_u32).saturating_add(1);
        if tries < LOOK_UP_TRIES {
            let due_ms = signed(now_ms.saturating_add(LOOK_UP_FAILED.pause_ms(tries)));
            let sql = "INSERT INTO mirror_look_ups (object, id, since, tries, due_ms, reason)
                       VALUES (?1, ?2, 0, ?3, ?4, ?5)
                       ON CONFLICT DO UPDATE SET tries = ?3, due_ms = ?4, reason = ?5";
            run(on, sql, (key, id, tries, due_ms, reason))?;
            continue;
        }
        run(on, "DELETE FROM mirror_look_ups WHERE object = ? AND id = ?", (key, id))?;
        let letter = Unreadable {
            id: Some(id.clone()),
            raw: String::new(),
            reason: format!("asked for {tries} times, and never answered: {reason}"),
        };
        dead += u64::from(letters::put(on, key, &letter, None, now_ms)?.is_new);
    }
    Ok(dead)
}
