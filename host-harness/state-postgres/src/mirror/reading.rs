//! Records as they are read: those of their own, and those that others hold.

use std::collections::BTreeMap;

use connector_state::StoreError;
use connector_state::mirror::held::{Held, holders_of};
use connector_state::mirror::{MirroredRecord, RecordState};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::objects::{self, Object};
use crate::columns::{Column as _, signed, text, untext};
use crate::fault::DbResult;
use crate::session::Session;

/// Heads that are looked through at once.
const HEADS: i64 = 500;

const SELECT: &str = "SELECT h.id, h.state, h.updated_at, b.created_at, h.hash,
        coalesce(b.data, '') AS data, h.change
    FROM mirror_heads AS h LEFT JOIN mirror_bodies AS b ON b.body = h.body
    WHERE h.records = $1";

/// An object with its names.
pub struct Named<'n> {
    connection: &'n str,
    name: &'n str,
    pub(super) object: Object,
    /// The object that holds its records, where it is derived.
    holder: Option<Object>,
}

impl<'n> Named<'n> {
    /// The object, when anything is kept of it.
    pub async fn find(on: &Session, connection: &'n str, name: &'n str) -> DbResult<Option<Self>> {
        let Some(object) = objects::find(on, connection, name).await? else { return Ok(None) };
        let holder = match object.derived_from {
            Some(holder) => objects::by_key(on, holder).await?,
            None => None,
        };
        Ok(Some(Self { connection, name, object, holder }))
    }

    /// Fails for an object whose records others hold: it has no index.
    pub async fn must_be_its_own(&self, on: &Session) -> DbResult<()> {
        let Some(holder) = self.holder else { return Ok(()) };
        let sql = "SELECT name FROM mirror_objects WHERE object = $1";
        let holder = on.value(sql, &[&holder.object]).await?.unwrap_or_default();
        Err(StoreError::Derived { object: self.name.to_owned(), holder }.into())
    }

    /// One record, in whatever state.
    pub async fn record(&self, on: &Session, id: &str) -> DbResult<Option<MirroredRecord>> {
        let Some(holder) = self.holder else {
            let sql = format!("{SELECT} AND h.id = $2");
            let found = on.rows(&sql, &[&self.object.records, &text(id)]).await?;
            return found.first().map(|row| self.read(row)).transpose();
        };
        let ids: Vec<_> = holders_of(id).map(text).collect();
        let held = self.held(on, "h.id = ANY($2)", &[&holder.records, &ids, &HEADS]).await?;
        // The longest id that a holder may have comes last.
        let held = held.into_iter().rev().flat_map(|(_, held)| held);
        Ok(held.into_iter().find(|record| record.id == id))
    }

    /// Records that are there, in order, after `after`.
    pub async fn records(
        &self,
        on: &Session,
        after: &str,
        limit: u32,
    ) -> DbResult<Vec<MirroredRecord>> {
        let Some(holder) = self.holder else {
            let sql =
                format!("{SELECT} AND h.id > $2 AND h.state <> 'deleted' ORDER BY h.id LIMIT $3");
            let of = (text(after), i64::from(limit));
            let found = on.rows(&sql, &[&self.object.records, &of.0, &of.1]).await?;
            return found.iter().map(|row| self.read(row)).collect();
        };
        let limit = limit as usize;
        let first = holder_before(on, holder, after).await?;
        let (mut from, mut wanted) = (first.clone(), "h.id >= $2");
        let mut records: Vec<MirroredRecord> = Vec::new();
        loop {
            let of = text(&from).into_owned();
            let holders = self.held(on, wanted, &[&holder.records, &of, &HEADS]).await?;
            let is_last = rows(holders.len()) < HEADS;
            let Some((last, _)) = holders.last() else { return Ok(records) };
            (from, wanted) = (last.clone(), "h.id > $2");
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

    /// The records with these bodies, each with its body's key.
    pub async fn with_bodies(
        &self,
        on: &Session,
        bodies: &[i64],
    ) -> DbResult<Vec<(i64, MirroredRecord)>> {
        let sql = format!("{SELECT} AND h.body = ANY($2)");
        let sql = sql.replacen("SELECT h.id,", "SELECT h.body, h.id,", 1);
        let found = on.rows(&sql, &[&self.object.records, &bodies]).await?;
        found.iter().map(|row| Ok((row.try_get("body")?, self.read(row)?))).collect()
    }

    /// Those of these records that are kept, by their ids.
    pub async fn with_ids(
        &self,
        on: &Session,
        ids: &[&str],
    ) -> DbResult<BTreeMap<String, MirroredRecord>> {
        let sql = format!("{SELECT} AND h.id = ANY($2)");
        let ids: Vec<_> = ids.iter().map(|id| text(id)).collect();
        let found = on.rows(&sql, &[&self.object.records, &ids]).await?;
        let read = |row: &Row| self.read(row).map(|record| (record.id.clone(), record));
        found.iter().map(read).collect()
    }

    /// Live records that the full scan has not seen, in order, after `after`.
    pub async fn unseen(
        &self,
        on: &Session,
        scan: u64,
        after: &str,
        limit: u32,
    ) -> DbResult<Vec<MirroredRecord>> {
        let sql = format!(
            "{SELECT} AND h.id > $2 AND h.state = 'live' AND h.seen IS DISTINCT FROM $3
             ORDER BY h.id LIMIT $4"
        );
        let of = (text(after), signed(scan), i64::from(limit));
        let found = on.rows(&sql, &[&self.object.records, &of.0, &of.1, &of.2]).await?;
        found.iter().map(|row| self.read(row)).collect()
    }

    /// How many live records the full scan has not seen, and how many there are.
    pub async fn count_unseen(&self, on: &Session, scan: u64) -> DbResult<(u64, u64)> {
        let sql = "SELECT (SELECT count(*) FROM mirror_heads
                           WHERE records = $1 AND state = 'live' AND seen IS DISTINCT FROM $2) AS unseen,
                       (SELECT live FROM mirror_objects WHERE object = $3) AS live";
        let of = (self.object.records, signed(scan), self.object.object);
        let found = on.rows(sql, &[&of.0, &of.1, &of.2]).await?;
        let Some(row) = found.first() else { return Ok((0, 0)) };
        Ok((u64::read(row, "unseen")?, u64::read(row, "live")?))
    }

    /// What holders hold of this object: those that `wanted` says of `id`, in order, each with its id.
    async fn held(
        &self,
        on: &Session,
        wanted: &str,
        of: &[&(dyn ToSql + Sync)],
    ) -> DbResult<Vec<(String, Vec<MirroredRecord>)>> {
        let sql = format!(
            "SELECT h.id, h.state, b.held FROM mirror_heads AS h JOIN mirror_bodies AS b USING (body)
             WHERE h.records = $1 AND {wanted} ORDER BY h.id LIMIT $3"
        );
        let read = |row: &Row| {
            let (holder, state) = (String::read(row, "id")?, RecordState::read(row, "state")?);
            let held = Held::read(row, "held")?;
            let rows = held.rows(self.connection, self.name, &holder, state);
            Ok((holder, rows))
        };
        on.rows(&sql, of).await?.iter().map(read).collect()
    }

    fn read(&self, row: &Row) -> DbResult<MirroredRecord> {
        Ok(MirroredRecord {
            connection: self.connection.to_owned(),
            object: self.name.to_owned(),
            id: String::read(row, "id")?,
            holder: None,
            state: RecordState::read(row, "state")?,
            updated_at: Option::read(row, "updated_at")?,
            created_at: Option::read(row, "created_at")?,
            hash: <[u8; 32]>::read(row, "hash")?,
            data: String::read(row, "data")?,
            change: u64::read(row, "change")?,
        })
    }
}

/// The holder of a derived record that is there or was, by its id alone: the longest id that it
/// may have; else the first that it could have.
async fn holder_before(on: &Session, holder: Object, id: &str) -> DbResult<String> {
    let ids: Vec<_> = holders_of(id).map(text).collect();
    let sql = "SELECT id FROM mirror_heads WHERE records = $1 AND id = ANY($2)
               ORDER BY id DESC LIMIT 1";
    match on.value::<String>(sql, &[&holder.records, &ids]).await? {
        Some(found) => Ok(untext(found)),
        None => Ok(holders_of(id).last().unwrap_or_default().to_owned()),
    }
}

fn rows(count: usize) -> i64 {
    crate::columns::rows(count)
}
