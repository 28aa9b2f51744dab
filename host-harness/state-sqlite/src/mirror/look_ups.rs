//! Records that no batch could decide on, kept until their look-up is answered.

use connector_state::mirror::{FailingRow, LOOK_UP_FAILED, LOOK_UP_TRIES, Unreadable};
use rusqlite::{Connection, OptionalExtension as _, Statement};

use super::letters;
use super::objects::{self, Key};
use crate::columns::{self, signed};
use crate::fault::Fault;

/// What a later version of the schema adds.
pub const STEP: &str = "
-- Look-ups that failed: how often, when the next one is due, and why the last one did.
ALTER TABLE mirror_look_ups ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror_look_ups ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror_look_ups ADD COLUMN reason TEXT;
";

/// The list of one object.
pub struct LookUpList<'c> {
    object: Key,
    add: Statement<'c>,
    settle: Statement<'c>,
}

impl<'c> LookUpList<'c> {
    /// Of this object.
    pub fn open(on: &'c Connection, object: Key) -> rusqlite::Result<Self> {
        let add = on.prepare(
            "INSERT INTO mirror_look_ups (object, id, since) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET since = excluded.since",
        )?;
        let settle =
            on.prepare("DELETE FROM mirror_look_ups WHERE object = ? AND id = ? AND since <= ?")?;
        Ok(Self { object, add, settle })
    }

    /// Only what is asked for at the moment `since` or later settles it.
    pub fn add(&mut self, id: &str, since: u64) -> rusqlite::Result<()> {
        self.add.execute((self.object, id, signed(since)))?;
        Ok(())
    }

    /// An answer to what was asked at this moment came.
    pub fn settle(&mut self, id: &str, asked: u64) -> rusqlite::Result<()> {
        self.settle.execute((self.object, id, signed(asked)))?;
        Ok(())
    }
}

/// Ids of the list that are due.
pub fn due(
    on: &Connection,
    connection: &str,
    object: &str,
    now_ms: u64,
    limit: u32,
) -> rusqlite::Result<Vec<String>> {
    let mut found = on.prepare(
        "SELECT id FROM mirror_objects JOIN mirror_look_ups USING (object)
         WHERE connection = ?1 AND name = ?2 AND due_ms NOT BETWEEN ?3 + 1 AND ?3 + ?4
         ORDER BY id LIMIT ?5",
    )?;
    // One that is due later than any can be was put before the clock was set back.
    let longest = signed(LOOK_UP_FAILED.longest_ms());
    let of = (connection, object, signed(now_ms), longest, limit);
    found.query_map(of, |row| row.get(0))?.collect()
}

/// Counts failed tries, and gives up those that had enough. Answers how many dead letters are new.
pub fn fail(
    on: &Connection,
    connection: &str,
    object: &str,
    failed: &[(String, String)],
    now_ms: u64,
) -> Result<u64, Fault> {
    let key = objects::make(on, connection, object)?;
    let mut dead = 0;
    for (id, reason) in failed {
        let sql = "SELECT tries FROM mirror_look_ups WHERE object = ? AND id = ?";
        let tries: Option<u32> = on.query_row(sql, (key, id), |row| row.get(0)).optional()?;
        let tries = tries.unwrap_or(0).saturating_add(1);
        if tries < LOOK_UP_TRIES {
            let due_ms = signed(now_ms.saturating_add(LOOK_UP_FAILED.pause_ms(tries)));
            on.execute(
                "INSERT INTO mirror_look_ups (object, id, since, tries, due_ms, reason)
                 VALUES (?1, ?2, 0, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET tries = ?3, due_ms = ?4, reason = ?5",
                (key, id, tries, due_ms, reason),
            )?;
            continue;
        }
        on.execute("DELETE FROM mirror_look_ups WHERE object = ? AND id = ?", (key, id))?;
        let letter = Unreadable {
            id: Some(id.clone()),
            raw: String::new(),
            reason: format!("asked for {tries} times, and never answered: {reason}"),
        };
        dead += u64::from(letters::put(on, key, &letter, None, now_ms)?.is_new);
    }
    Ok(dead)
}

/// Failing ones, one row for each object: SQLite takes the other columns from the row of `min`.
pub fn failing(on: &Connection, connection: &str) -> rusqlite::Result<Vec<FailingRow>> {
    let sql = "SELECT name AS object, count(*) AS records, id, tries, min(due_ms) AS due_ms,
                   coalesce(reason, '') AS reason
               FROM mirror_objects JOIN mirror_look_ups USING (object)
               WHERE connection = ? AND tries > 0 GROUP BY name ORDER BY name";
    columns::all(on, sql, [connection])
}
