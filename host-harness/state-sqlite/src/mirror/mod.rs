//! [`Mirror`] in the same file.

mod apply;
mod derived;
mod letters;
pub mod look_ups;
mod members;
mod objects;
pub mod rows;
mod scan;
mod table;
pub mod tables;
#[cfg(test)]
mod tests;

use connector_contract::clock::unix_ms;
use connector_state::StoreError;
use connector_state::mirror::{
    Applied, Batch, ChangeRow, DeadLetterRow, FailingRow, LOOK_UP_FAILED, Mirror, MirroredRecord,
    ScanChange, ScanRow,
};
use rusqlite::Connection;

pub use self::apply::{Hashed, apply};
use self::rows::RECORD;
use super::columns::{all, run, signed, value, values};
use super::fault::DbResult;
use super::{Answer, Sqlite};

/// So many changes are pruned in one transaction: others write in between.
const PRUNED_AT_ONCE: u32 = 10_000;

impl Mirror for Sqlite {
    fn moment(&self) -> Answer<'_, u64> {
        self.read(table::moment)
    }

    fn apply(&self, batch: Batch) -> Answer<'_, Applied> {
        // Hashed on the caller's thread, not the writer's.
        let batch = Hashed::new(batch);
        self.write(move |on, now_ms| apply::apply(on, &batch, now_ms))
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let now = signed(unix_ms(self.clock.now()));
        let sql = "SELECT id FROM mirror_objects JOIN mirror_look_ups USING (object)
                   WHERE connection = ?1 AND name = ?2 AND due_ms NOT BETWEEN ?3 + 1 AND ?3 + ?4
                   ORDER BY id LIMIT ?5";
        // One that is due later than any can be was put before the clock was set back.
        let longest = signed(LOOK_UP_FAILED.longest_ms());
        let of = (connection.to_owned(), object.to_owned(), now, longest, limit);
        self.read(move |on| values(on, sql, of))
    }

    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.write(move |on, now_ms| look_ups::fail(on, &connection, &object, &failed, now_ms))
    }

    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        let sql = "SELECT name AS object, count(*) AS records, id, tries, min(due_ms) AS due_ms,
                       coalesce(reason, '') AS reason
                   FROM mirror_objects JOIN mirror_look_ups USING (object)
                   WHERE connection = ? AND tries > 0 GROUP BY name ORDER BY name";
        self.all(sql, [connection.to_owned()])
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let of = (connection.to_owned(), object.to_owned(), id.to_owned());
        self.one(format!("{RECORD} AND r.id = ?3"), of)
    }

    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let after = after.unwrap_or_default().to_owned();
        let of = (connection.to_owned(), object.to_owned(), after, limit);
        let some = "r.id > ?3 AND r.state <> 'deleted' ORDER BY r.id LIMIT ?4";
        self.all(format!("{RECORD} AND {some}"), of)
    }

    fn changes(
        &self,
        connection: Option<&str>,
        since: u64,
        limit: u32,
    ) -> Answer<'_, Vec<ChangeRow>> {
        let of = (signed(since), connection.map(str::to_owned), limit);
        // From the log's order alone, so that the limit ends it.
        let sql = "SELECT o.connection, o.name AS object, c.*
                   FROM mirror_changes AS c CROSS JOIN mirror_objects AS o USING (object)
                   WHERE c.number > ?1 AND (?2 IS NULL OR o.connection = ?2)
                   ORDER BY c.number LIMIT ?3";
        self.read(move |on| {
            // One transaction: nothing is pruned between the two looks.
            let reading = on.unchecked_transaction()?;
            let until = value(&reading, "SELECT forgotten FROM mirror_counter", ())?.unwrap_or(0);
            if 0 < since && since < until {
                return Err(StoreError::Forgotten { since, until }.into());
            }
            DbResult::Ok(all(&reading, sql, of)?)
        })
    }

    fn position(&self, consumer: &str) -> Answer<'_, u64> {
        let consumer = consumer.to_owned();
        let sql = "SELECT position FROM mirror_consumers WHERE name = ?";
        self.read(move |on| value(on, sql, [consumer]).map(Option::unwrap_or_default))
    }

    fn set_position(&self, consumer: &str, number: u64) -> Answer<'_, ()> {
        let sql = "REPLACE INTO mirror_consumers (name, position) VALUES (?, ?)";
        self.run(sql, (consumer.to_owned(), signed(number)))
    }

    fn prune_changes(&self, before_ms: u64) -> Answer<'_, u64> {
        let sql = "SELECT max(number) FROM (
                       SELECT number FROM mirror_changes WHERE number < coalesce(
                           (SELECT number FROM mirror_changes WHERE at_ms >= ?
                            ORDER BY number LIMIT 1), 9223372036854775807)
                       ORDER BY number LIMIT ?)";
        let some = move |on: &Connection, _| {
            let until = value(on, sql, (signed(before_ms), PRUNED_AT_ONCE))?.flatten();
            let Some(until): Option<i64> = until else { return Ok(0) };
            run(on, "UPDATE mirror_counter SET forgotten = ?", [until])?;
            run(on, "DELETE FROM mirror_changes WHERE number <= ?", [until])
        };
        Box::pin(async move {
            let mut pruned = 0;
            loop {
                let count = self.write(some).await?;
                pruned += count as u64;
                if count < PRUNED_AT_ONCE as usize {
                    return Ok(pruned);
                }
            }
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let sql = format!("{} connection = ? ORDER BY name", scan::SELECT);
        self.all(sql, [connection.to_owned()])
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.write(move |on, _| scan::change(on, &connection, &object, change))
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        at_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let of = (connection.to_owned(), object.to_owned(), signed(at_ms));
        let sql = "SELECT bookmark FROM mirror_objects JOIN mirror_bookmarks USING (object)
                   WHERE connection = ? AND name = ? AND at_ms <= ? ORDER BY at_ms DESC LIMIT 1";
        self.read(move |on| value(on, sql, of))
    }

    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let after = after.unwrap_or_default().to_owned();
        let of = (connection.to_owned(), object.to_owned(), after, signed(scan), limit);
        // Records that were seen are not read.
        let sql = "r.id > ?3 AND CASE WHEN NOT EXISTS
                 (SELECT 1 FROM mirror_seen AS s WHERE s.record = r.record AND s.scan = ?4)
             THEN r.state = 'live' END ORDER BY r.id LIMIT ?5";
        self.all(format!("{RECORD} AND {sql}"), of)
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let of = (connection.to_owned(), object.to_owned(), signed(scan));
        let sql = "SELECT count(*) - count(s.record), count(*)
                   FROM mirror_objects CROSS JOIN mirror_records AS r
                           INDEXED BY mirror_records_by_state USING (object)
                       LEFT JOIN mirror_seen AS s ON s.record = r.record AND s.scan = ?3
                   WHERE connection = ?1 AND name = ?2 AND state = 'live'";
        self.read(move |on| on.query_row(sql, of, |row| row.try_into()))
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        let sql = "SELECT number, connection, name AS object, id, raw, reason, at_ms
                   FROM mirror_dead_letters JOIN mirror_objects USING (object)
                   WHERE ?1 IS NULL OR connection = ?1 ORDER BY number";
        self.all(sql, [connection.map(str::to_owned)])
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        let sql = "DELETE FROM mirror_dead_letters WHERE number = ?";
        self.commit_work(true, move |on, _| run(on, sql, [signed(number)]).map(|count| count > 0))
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.commit_work(true, move |on, now_ms| scan::reset(on, &connection, &object, now_ms))
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let of = (connection.to_owned(), object.to_owned());
        let sql = "SELECT count(*) FILTER (WHERE state = 'live'),
                       count(*) FILTER (WHERE state = 'aged-out'),
                       count(*) FILTER (WHERE state = 'deleted')
                   FROM mirror_objects CROSS JOIN mirror_records
                       INDEXED BY mirror_records_by_state USING (object)
                   WHERE connection = ? AND name = ?";
        self.read(move |on| on.query_row(sql, of, |row| row.try_into()))
    }
}
