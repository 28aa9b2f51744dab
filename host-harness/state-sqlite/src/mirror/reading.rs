//! Records as they are read: those of their own, and those that others hold.

use connector_state::StoreError;
use connector_state::mirror::held::{Held, holders_of};
use connector_state::mirror::{LOOK_UP_FAILED, MirroredRecord, RecordState};
use rusqlite::{Connection, Result, Row};

use super::objects::{self, Object};
use super::seen;
use crate::columns::{Column, prepared, signed, value, values};
use crate::fault::DbResult;

/// Heads that are looked through at once.
const HEADS: u32 = 500;

const SELECT: &str = "SELECT h.id, h.state, h.updated_at, b.created_at, h.hash,
        coalesce(b.data, '') AS data, h.change
    FROM mirror_heads AS h LEFT JOIN mirror_bodies AS b ON b.body = h.body
    WHERE h.records = ?1";

/// An object with its names.
pub struct Named<'n> {
    connection: &'n str,
    name: &'n str,
    pub(super) object: Object,
}

impl<'n> Named<'n> {
    /// The object, when anything is kept of it.
    pub fn find(on: &Connection, connection: &'n str, name: &'n str) -> Result<Option<Self>> {
        let object = objects::find(on, connection, name)?;
        Ok(object.map(|object| Self { connection, name, object }))
    }

    /// Key of the object.
    pub fn key(&self) -> objects::Key {
        self.object.object
    }

    /// One record, in whatever state.
    pub fn record(&self, on: &Connection, id: &str) -> Result<Option<MirroredRecord>> {
        let Some(holder) = self.holder(on)? else {
            let sql = format!("{SELECT} AND h.id = ?2");
            let mut found = prepared(on, &sql)?;
            return found
                .query_map((self.object.records, id), |row| self.read(row))?
                .next()
                .transpose();
        };
        for candidate in holders_of(id) {
            let held = self.held(on, holder, candidate, "h.id = ?2", 1)?.pop();
            let held = held.into_iter().flat_map(|(_, held)| held);
            let found = held.into_iter().find(|record| record.id == id);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Records that are there, in order, after `after`.
    pub fn records(&self, on: &Connection, after: &str, limit: u32) -> Result<Vec<MirroredRecord>> {
        let Some(holder) = self.holder(on)? else {
            let sql =
                format!("{SELECT} AND h.id > ?2 AND h.state <> 'deleted' ORDER BY h.id LIMIT ?3");
            let mut found = prepared(on, &sql)?;
            let of = (self.object.records, after, limit);
            return found.query_map(of, |row| self.read(row))?.collect();
        };
        let limit = limit as usize;
        let first = self.holder_before(on, holder, after)?;
        let (mut from, mut wanted) = (first.clone(), "h.id >= ?2");
        let mut records: Vec<MirroredRecord> = Vec::new();
        loop {
            let holders = self.held(on, holder, &from, wanted, HEADS)?;
            let is_last = holders.len() < HEADS as usize;
            let Some((last, _)) = holders.last() else { return Ok(records) };
            (from, wanted) = (last.clone(), "h.id > ?2");
            for (holder, held) in holders {
                let rest =
                    held.into_iter().filter(|record| holder != first || record.id.as_str() > after);
                records.extend(rest.take(limit - records.len()));
            }
            if is_last || records.len() >= limit {
                return Ok(records);
            }
        }
    }

    /// Live records that the full scan has not seen, in order, after `after`.
    pub fn unseen(
        &self,
        on: &Connection,
        scan: u64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<MirroredRecord>> {
        let mut ids: Vec<String> = Vec::new();
        self.walk_unseen(on, scan, after, |id| {
            ids.push(id.to_owned());
            ids.len() < limit as usize
        })?;
        let records = ids.iter().map(|id| self.record(on, id));
        records.filter_map(Result::transpose).collect()
    }

    /// How many live records the full scan has not seen, and how many there are.
    pub fn count_unseen(&self, on: &Connection, scan: u64) -> Result<(u64, u64)> {
        let mut unseen = 0;
        self.walk_unseen(on, scan, "", |_| {
            unseen += 1;
            true
        })?;
        let sql = "SELECT live FROM mirror_objects WHERE object = ?";
        Ok((unseen, value(on, sql, [self.object.object])?.unwrap_or_default()))
    }

    /// Records to be looked up that are due, the longest due first.
    pub fn look_ups(&self, on: &Connection, now_ms: u64, limit: u32) -> Result<Vec<String>> {
        let due = "SELECT id FROM mirror_look_ups WHERE records = ? AND due_ms <= ?
                   ORDER BY due_ms, id LIMIT ?";
        let mut ids: Vec<String> = values(on, due, (self.object.records, signed(now_ms), limit))?;
        // One that is due later than any can be was put before the clock was set back.
        let latest_ms = signed(now_ms.saturating_add(LOOK_UP_FAILED.longest_ms()));
        let left = limit.saturating_sub(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let late = "SELECT id FROM mirror_look_ups WHERE records = ? AND due_ms > ?
                    ORDER BY due_ms, id LIMIT ?";
        ids.extend(values::<String>(on, late, (self.object.records, latest_ms, left))?);
        Ok(ids)
    }

    /// Goes through the heads alone; contents are not read.
    fn walk_unseen(
        &self,
        on: &Connection,
        scan: u64,
        after: &str,
        mut each: impl FnMut(&str) -> bool,
    ) -> Result<()> {
        let mut blocks = seen::Blocks::new(self.object.records, scan);
        let sql = "SELECT id, body FROM mirror_heads
                   WHERE records = ? AND id > ? AND state = 'live' ORDER BY id";
        let mut found = prepared(on, sql)?;
        let mut rows = found.query((self.object.records, after))?;
        while let Some(row) = rows.next()? {
            if !blocks.has(on, row.get(1)?)? && !each(row.get_ref(0)?.as_str()?) {
                break;
            }
        }
        Ok(())
    }

    /// Fails for an object whose records others hold: it has no index.
    pub fn must_be_its_own(&self, on: &Connection) -> DbResult<()> {
        let Some(holder) = self.holder(on)? else { return Ok(()) };
        let sql = "SELECT name FROM mirror_objects WHERE object = ?";
        let holder = value(on, sql, [holder.object])?.unwrap_or_default();
        Err(StoreError::Derived { object: self.name.to_owned(), holder }.into())
    }

    /// The object that holds this one's records, where it is derived.
    pub(super) fn holder(&self, on: &Connection) -> Result<Option<Object>> {
        match self.object.derived_from {
            Some(holder) => objects::by_key(on, holder),
            None => Ok(None),
        }
    }

    /// The holder of a derived record that is there or was, by its id alone: the longest id that it
    /// may have; else the first that it could have.
    fn holder_before(&self, on: &Connection, holder: Object, id: &str) -> Result<String> {
        for candidate in holders_of(id) {
            let sql = "SELECT 1 FROM mirror_heads WHERE records = ? AND id = ?";
            if value::<i64>(on, sql, (holder.records, candidate))?.is_some() {
                return Ok(candidate.to_owned());
            }
        }
        Ok(holders_of(id).last().unwrap_or_default().to_owned())
    }

    /// What holders hold of this object: those that `wanted` says of `id`, in order, each with its id.
    fn held(
        &self,
        on: &Connection,
        holder: Object,
        id: &str,
        wanted: &str,
        limit: u32,
    ) -> Result<Vec<(String, Vec<MirroredRecord>)>> {
        let sql = format!(
            "SELECT h.id, h.state, b.held FROM mirror_heads AS h JOIN mirror_bodies AS b USING (body)
             WHERE h.records = ?1 AND {wanted} ORDER BY h.id LIMIT ?3"
        );
        let read = |row: &Row<'_>| {
            let (holder, state): (String, RecordState) = (row.get(0)?, Column::read(row, "state")?);
            let held: Held = Column::read(row, "held")?;
            let rows = held.rows(self.connection, self.name, &holder, state);
            Ok((holder, rows))
        };
        let mut found = prepared(on, &sql)?;
        found.query_map((holder.records, id, limit), read)?.collect()
    }

    fn read(&self, row: &Row<'_>) -> Result<MirroredRecord> {
        Ok(MirroredRecord {
            connection: self.connection.to_owned(),
            object: self.name.to_owned(),
            id: row.get("id")?,
            holder: None,
            state: Column::read(row, "state")?,
            updated_at: row.get("updated_at")?,
            created_at: row.get("created_at")?,
            hash: row.get("hash")?,
            data: row.get("data")?,
            change: row.get("change")?,
        })
    }
}
