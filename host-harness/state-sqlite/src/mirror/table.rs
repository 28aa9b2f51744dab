//! The statements that put records and their changes.

use connector_contract::types::DataRecord;
use connector_state::Word as _;
use connector_state::mirror::version::{KeptVersion, is_later};
use connector_state::mirror::{ChangeKind, RecordState};
use rusqlite::{Connection, Row};

use super::members;
use super::objects::Key;
use crate::columns::{columns, json, one, run, signed, value};

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
    pub fn kept(&self) -> KeptVersion<'_> {
        KeptVersion {
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
    /// The record.
    pub record: &'a DataRecord,
    /// Hash of its text.
    pub hash: &'a [u8; 32],
    /// Key of the row of what holds it.
    pub holder: Option<i64>,
    /// Whether lists show it.
    pub state: RecordState,
}

/// Puts records and writes the log of it.
pub struct Table<'c> {
    /// Where to.
    pub on: &'c Connection,
    now_ms: u64,
    ours: bool,
    /// The moment before, and now.
    began: u64,
    moment: u64,
    /// Number of the newest change, or 0.
    pub newest: u64,
}

impl<'c> Table<'c> {
    /// Takes the moment; `ours`: what is put was written by us.
    pub fn open(on: &'c Connection, now_ms: u64, ours: bool) -> Result<Self> {
        let moment = moment(on)?;
        Ok(Self { on, now_ms, ours, began: moment, moment, newest: 0 })
    }

    /// Notes the moment that was reached.
    pub fn close(self) -> Result<()> {
        if self.moment != self.began {
            run(self.on, "UPDATE mirror_counter SET moment = ?", [signed(self.moment)])?;
        }
        Ok(())
    }

    /// The record as it is kept.
    pub fn find(&self, object: Key, id: &str) -> Result<Option<KeptRecord>> {
        let sql = "SELECT record, state, updated_at, hash, change FROM mirror_records
                   WHERE object = ? AND id = ?";
        one(self.on, sql, (object, id))
    }

    /// Counts the moment up: the number of the next change.
    pub fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// Puts a version in the place of the one that was `found`. Answers what that is, and the key
    /// of its row.
    pub fn put(
        &mut self,
        object: Key,
        version: &Version<'_>,
        found: Option<&KeptRecord>,
    ) -> Result<(ChangeKind, i64)> {
        let number = self.tick();
        let Version { record, hash, holder, state } = *version;
        let DataRecord { id, updated_at, created_at, data, .. } = record;
        let (change, state, at) = (signed(number), state.word(), updated_at.as_deref());
        let Some(found) = found else {
            let sql = "INSERT INTO mirror_records
                           (object, id, holder, state, updated_at, created_at, hash, change, data)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
            let row = (object, id, holder, state, at, created_at, hash, change, data);
            run(self.on, sql, row)?;
            let record = self.on.last_insert_rowid();
            self.log(number, object, id, ChangeKind::Created, at, None, Some(hash), &[])?;
            return Ok((ChangeKind::Created, record));
        };
        let (kind, names) = if found.state == RecordState::Deleted {
            (ChangeKind::Created, vec![])
        } else if found.hash == *hash {
            (ChangeKind::Updated, vec![])
        } else {
            let sql = "SELECT coalesce(data, '') FROM mirror_records WHERE record = ?";
            let read = |row: &Row<'_>| Ok(members::changed(row.get_ref(0)?.as_str()?, data));
            let names = self.on.prepare_cached(sql)?.query_row([found.record], read)?;
            (ChangeKind::Updated, names)
        };
        let sql = "UPDATE mirror_records SET holder = ?, state = ?, updated_at = ?, created_at = ?,
                       hash = ?, change = ?, data = ?
                   WHERE record = ?";
        run(self.on, sql, (holder, state, at, created_at, hash, change, data, found.record))?;
        self.log(number, object, id, kind, at, Some(&found.hash), Some(hash), &names)?;
        Ok((kind, found.record))
    }

    /// What is kept is the same content, and may be of a later time.
    pub fn confirm(&self, found: Option<&KeptRecord>, updated_at: Option<&str>) -> Result<()> {
        if let Some(found) = found
            && is_later(found.updated_at.as_deref(), updated_at)
        {
            let sql = "UPDATE mirror_records SET updated_at = ? WHERE record = ?";
            run(self.on, sql, (updated_at, found.record))?;
        }
        Ok(())
    }

    /// The record is gone.
    pub fn remove(&mut self, object: Key, id: &str, found: &KeptRecord) -> Result<()> {
        let number = self.tick();
        let sql = "UPDATE mirror_records SET state = 'deleted', data = NULL, change = ?
                   WHERE record = ?";
        run(self.on, sql, (signed(number), found.record))?;
        let (at, previous) = (found.updated_at.as_deref(), Some(&found.hash));
        self.log(number, object, id, ChangeKind::Deleted, at, previous, None, &[])
    }

    /// Notes that a record is gone that was never known, so that a late word of it does not bring
    /// it back.
    pub fn bury(&mut self, object: Key, id: &str) -> Result<()> {
        let number = self.tick();
        let sql = "INSERT INTO mirror_records (object, id, state, hash, change)
                   VALUES (?, ?, 'deleted', zeroblob(32), ?)";
        run(self.on, sql, (object, id, signed(number))).map(drop)
    }

    /// Lists no longer show the record because of its age.
    pub fn age_out(&mut self, object: Key, id: &str, found: &KeptRecord) -> Result<()> {
        let number = self.tick();
        let sql = "UPDATE mirror_records SET state = 'aged-out', change = ? WHERE record = ?";
        run(self.on, sql, (signed(number), found.record))?;
        let (at, hash) = (found.updated_at.as_deref(), Some(&found.hash));
        self.log(number, object, id, ChangeKind::AgedOut, at, hash, hash, &[])
    }

    /// Logs what is about a whole object.
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
        // What is told of a whole object is nobody's write.
        let ours = self.ours && !id.is_empty();
        let (number, kind, at_ms) = (signed(number), kind.word(), signed(self.now_ms));
        let sql = "INSERT INTO mirror_changes
                       (number, object, id, kind, ours, at_ms, updated_at, previous, hash, members)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let members = json(&members)?;
        let row = (number, object, id, kind, ours, at_ms, updated_at, previous, hash, members);
        run(self.on, sql, row).map(drop)
    }
}

/// How often anything has changed so far.
pub fn moment(on: &Connection) -> Result<u64> {
    Ok(value(on, "SELECT moment FROM mirror_counter", ())?.unwrap_or_default())
}
