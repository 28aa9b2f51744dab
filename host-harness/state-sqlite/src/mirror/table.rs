//! The statements that put records and their changes, prepared once for a batch.

use connector_state::Word as _;
use connector_state::mirror::version::{Kept, is_later};
use connector_state::mirror::{ChangeKind, RecordState};
use rusqlite::{Connection, OptionalExtension as _, Row, Statement};

use super::members;
use super::objects::Key;
use crate::columns::{Record as _, columns, json, signed, unsigned};

type Result<T> = rusqlite::Result<T>;

/// What is kept of a record, without its data.
#[derive(Debug, Clone)]
pub struct KeptRecord {
    /// Key of its row.
    pub record: i64,
    /// Whether it is there.
    pub state: RecordState,
    /// Provider's time of change.
    pub updated_at: Option<String>,
    /// Hash of its content.
    pub hash: [u8; 32],
    /// The change that made it so.
    pub change: u64,
}

columns!(KeptRecord [] { record, state, updated_at, hash, change });

impl KeptRecord {
    /// As [`connector_state::mirror::version`] takes it.
    pub fn kept(&self) -> Kept<'_> {
        Kept {
            state: self.state,
            updated_at: self.updated_at.as_deref(),
            hash: &self.hash,
            change: self.change,
        }
    }
}

/// A version of a record to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// Which record.
    pub id: &'a str,
    /// Key of the row of what holds it.
    pub holder: Option<i64>,
    /// Whether lists show it.
    pub state: RecordState,
    /// Provider's time of change.
    pub updated_at: Option<&'a str>,
    /// When it was made.
    pub created_at: Option<&'a str>,
    /// Hash of `data`.
    pub hash: &'a [u8; 32],
    /// The record.
    pub data: &'a str,
}

/// Puts records and writes the log of it.
pub struct Table<'c> {
    on: &'c Connection,
    now_ms: u64,
    ours: bool,
    /// The moment before, and now.
    began: u64,
    moment: u64,
    /// Number of the newest change, or 0.
    pub newest: u64,
    find: Statement<'c>,
    data: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    change: Statement<'c>,
}

impl<'c> Table<'c> {
    /// Reads the counter. [`Table::close`] writes it.
    pub fn open(on: &'c Connection, now_ms: u64, ours: bool) -> Result<Self> {
        let moment = moment(on)?;
        Ok(Self {
            on,
            now_ms,
            ours,
            began: moment,
            moment,
            newest: 0,
            find: on.prepare(
                "SELECT record, state, updated_at, hash, change, id FROM mirror_records
                 WHERE object = ? AND id = ?",
            )?,
            data: on.prepare("SELECT coalesce(data, '') FROM mirror_records WHERE record = ?")?,
            insert: on.prepare(
                "INSERT INTO mirror_records
                     (object, id, holder, state, updated_at, created_at, hash, change, data)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?,
            update: on.prepare(
                "UPDATE mirror_records SET holder = ?, state = ?, updated_at = ?, created_at = ?,
                     hash = ?, change = ?, data = ?
                 WHERE record = ?",
            )?,
            change: on.prepare(
                "INSERT INTO mirror_changes
                     (number, object, id, kind, ours, at_ms, updated_at, previous, hash, members)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?,
        })
    }

    /// Keeps the counter.
    pub fn close(self) -> Result<()> {
        if self.moment != self.began {
            let sql = "UPDATE mirror_counter SET moment = ?";
            self.on.execute(sql, [signed(self.moment)])?;
        }
        Ok(())
    }

    /// What is kept of a record.
    pub fn find(&mut self, object: Key, id: &str) -> Result<Option<KeptRecord>> {
        self.find.query_row((object, id), KeptRecord::read).optional()
    }

    /// The next moment: what was asked for before is told from what is asked for after.
    pub fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// Keeps a version. Answers what happened, and the key of the row.
    pub fn put(
        &mut self,
        object: Key,
        version: &Version<'_>,
        found: Option<&KeptRecord>,
    ) -> Result<(ChangeKind, i64)> {
        let (number, state) = (self.tick(), version.state.word());
        let Version { id, holder, updated_at, created_at, hash, data, .. } = *version;
        let Some(found) = found else {
            let change = signed(number);
            let row = (object, id, holder, state, updated_at, created_at, hash, change, data);
            self.insert.execute(row)?;
            let record = self.on.last_insert_rowid();
            self.log(number, object, id, ChangeKind::Created, updated_at, None, Some(hash), &[])?;
            return Ok((ChangeKind::Created, record));
        };
        let (kind, names) = if found.state == RecordState::Deleted {
            (ChangeKind::Created, vec![])
        } else if found.hash == *hash {
            (ChangeKind::Updated, vec![])
        } else {
            let read = |row: &Row<'_>| Ok(members::changed(row.get_ref(0)?.as_str()?, data));
            (ChangeKind::Updated, self.data.query_row([found.record], read)?)
        };
        let (change, record) = (signed(number), found.record);
        let row = (holder, state, updated_at, created_at, hash, change, data, record);
        self.update.execute(row)?;
        let previous = Some(&found.hash);
        self.log(number, object, id, kind, updated_at, previous, Some(hash), &names)?;
        Ok((kind, found.record))
    }

    /// A record is still what it was, at a later time: what is older than that is stale. This is
    /// no change.
    pub fn confirm(&mut self, found: Option<&KeptRecord>, updated_at: Option<&str>) -> Result<()> {
        if let Some(found) = found
            && is_later(found.updated_at.as_deref(), updated_at)
        {
            let sql = "UPDATE mirror_records SET updated_at = ? WHERE record = ?";
            self.on.execute(sql, (updated_at, found.record))?;
        }
        Ok(())
    }

    /// Keeps that a record is gone, without its data.
    pub fn remove(&mut self, object: Key, id: &str, found: &KeptRecord) -> Result<()> {
        let number = self.tick();
        let sql = "UPDATE mirror_records SET state = 'deleted', data = NULL, change = ?
                   WHERE record = ?";
        self.on.execute(sql, (signed(number), found.record))?;
        let (at, previous) = (found.updated_at.as_deref(), Some(&found.hash));
        self.log(number, object, id, ChangeKind::Deleted, at, previous, None, &[])
    }

    /// Keeps that a record that was never here is gone. Nobody who reads changes misses it.
    pub fn bury(&mut self, object: Key, id: &str) -> Result<()> {
        let number = self.tick();
        let sql = "INSERT INTO mirror_records (object, id, state, hash, change)
                   VALUES (?, ?, 'deleted', zeroblob(32), ?)";
        self.on.execute(sql, (object, id, signed(number)))?;
        Ok(())
    }

    /// Keeps that lists no longer show a record.
    pub fn age_out(&mut self, object: Key, id: &str, found: &KeptRecord) -> Result<()> {
        let number = self.tick();
        let sql = "UPDATE mirror_records SET state = 'aged-out', change = ? WHERE record = ?";
        self.on.execute(sql, (signed(number), found.record))?;
        let (at, hash) = (found.updated_at.as_deref(), Some(&found.hash));
        self.log(number, object, id, ChangeKind::AgedOut, at, hash, hash, &[])
    }

    /// Tells something of the whole object.
    pub fn tell(&mut self, object: Key, kind: ChangeKind, members: &[String]) -> Result<()> {
        let number = self.tick();
        self.log(number, object, "", kind, None, None, None, members)
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a change")]
    fn log(
        &mut self,
        number: u64,
        object: Key,
        id: &str,
        kind: ChangeKind,
        updated_at: Option<&str>,
        previous: Option<&[u8; 32]>,
        hash: Option<&[u8; 32]>,
        members: &[String],
    ) -> Result<()> {
        self.newest = number;
        self.change.execute((
            signed(number),
            object,
            id,
            kind.word(),
            // What is told of a whole object is nobody's write.
            self.ours && !id.is_empty(),
            signed(self.now_ms),
            updated_at,
            previous,
            hash,
            json(&members)?,
        ))?;
        Ok(())
    }
}

/// The moment as it is kept.
pub fn moment(on: &Connection) -> Result<u64> {
    on.query_row("SELECT moment FROM mirror_counter", (), |row| unsigned(row, "moment"))
}
