//! Records that no batch could decide on, kept until their look-up is answered.

use rusqlite::{Connection, Statement};

use super::objects::Key;
use crate::store::sqlite::rows::signed;

/// The list of one object.
pub struct List<'c> {
    object: Key,
    add: Statement<'c>,
    settle: Statement<'c>,
}

impl<'c> List<'c> {
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

/// Ids of the list.
pub fn all(
    on: &Connection,
    connection: &str,
    object: &str,
    limit: u32,
) -> rusqlite::Result<Vec<String>> {
    let mut found = on.prepare(
        "SELECT id FROM mirror_objects JOIN mirror_look_ups USING (object)
         WHERE connection = ? AND name = ? ORDER BY id LIMIT ?",
    )?;
    found.query_map((connection, object, limit), |row| row.get(0))?.collect()
}
