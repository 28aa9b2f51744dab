//! [`Mirror`] in the same file.

mod apply;
mod counts;
pub mod erase;
pub mod index;
mod list;
pub mod log;
mod look_ups;
pub mod objects;
mod reading;
pub mod rows;
pub mod rules;
mod scan;
pub mod seen;
pub mod tables;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeMap;

use connector_contract::clock::unix_ms;
use connector_state::journal::entries;
use connector_state::mirror::{
    Analytics, Applied, Batch, ChangeRow, DeadLetterRow, FailingRow, HistoryRow, ListPage,
    ListQuery, MemberIndex, Mirror, MirroredRecord, RuleSettings, ScanChange, ScanRow, ValueCounts,
    plan,
};
use rusqlite::OptionalExtension as _;

pub use self::apply::apply;
use self::reading::Named;
use super::columns::{prepared, run, signed, value};
use super::fault::DbFault;
use super::{Answer, Sqlite, journal, outbox};

impl Sqlite {
    /// Reads from an object, when anything is kept of it.
    fn read_object<T: Default + Send + 'static>(
        &self,
        connection: &str,
        object: &str,
        read: impl FnOnce(&rusqlite::Connection, Named<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| match Named::find(on, &connection, &object)? {
            Some(named) => read(on, named),
            None => Ok(T::default()),
        })
    }

    /// Reads what the index of an object tells; derived ones have none.
    fn read_index<T: Default + Send + 'static>(
        &self,
        connection: &str,
        object: &str,
        read: fn(&rusqlite::Connection, objects::Key) -> rusqlite::Result<T>,
    ) -> Answer<'_, T> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| {
            let Some(named) = Named::find(on, &connection, &object)? else {
                return Ok(T::default());
            };
            named.must_be_its_own(on)?;
            Ok::<_, DbFault>(read(on, named.key())?)
        })
    }
}

impl Mirror for Sqlite {
    fn moment(&self, connection: &str) -> Answer<'_, u64> {
        let sql = "SELECT moment FROM mirrors WHERE connection = ?";
        let connection = connection.to_owned();
        self.read(move |on| value(on, sql, [connection]).map(Option::unwrap_or_default))
    }

    fn moments(&self) -> Answer<'_, Vec<(String, u64)>> {
        let sql = "SELECT connection, moment FROM mirrors JOIN connections ON id = connection";
        self.read(move |on| {
            prepared(on, sql)?.query_map((), |row| row.try_into())?.collect::<rusqlite::Result<_>>()
        })
    }

    fn apply(&self, mut batch: Batch) -> Answer<'_, Applied> {
        // Hashed on the caller's thread, not the writer's.
        batch.known_hashes = batch.hashes().into_owned();
        self.write(move |on, now_ms| apply::apply(on, &batch, now_ms))
    }

    fn unchanged(
        &self,
        connection: &str,
        object: &str,
        deriver: u64,
        records: Vec<(String, [u8; 32])>,
    ) -> Answer<'_, Vec<bool>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| {
            let Some(object) = objects::find(on, &connection, &object)? else {
                return Ok(vec![false; records.len()]);
            };
            let unchanged = |(id, hash): &(String, [u8; 32])| {
                let head = apply::head(on, object, id)?;
                Ok(plan::is_unchanged(head.as_ref(), hash, deriver))
            };
            records.iter().map(unchanged).collect::<rusqlite::Result<_>>()
        })
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let now_ms = unix_ms(self.clock.now());
        self.read_object(connection, object, move |on, named| named.look_ups(on, now_ms, limit))
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
                   FROM mirrors JOIN mirror_objects AS o USING (mirror)
                       JOIN mirror_look_ups AS l ON l.records = o.records AND l.tries > 0
                   WHERE connection = ? GROUP BY name ORDER BY name";
        self.all(sql, [connection.to_owned()])
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let id = id.to_owned();
        self.read_object(connection, object, move |on, named| named.record(on, &id))
    }

    fn history(
        &self,
        connection: &str,
        object: &str,
        id: &str,
        limit: u32,
    ) -> Answer<'_, Vec<HistoryRow>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let (id, path) = (id.to_owned(), self.shown.clone());
        self.read(move |on| {
            // One transaction: what the record is and what it was belong together.
            let reading = on.unchecked_transaction()?;
            let named = Named::find(&reading, &connection, &object)?;
            match named.map(|named| named.record(&reading, &id)).transpose()?.flatten() {
                Some(now) => versions::history(&reading, &path, &now, limit),
                None => Ok(vec![]),
            }
        })
    }

    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let after = after.unwrap_or_default().to_owned();
        self.read_object(connection, object, move |on, named| named.records(on, &after, limit))
    }

    fn list(&self, query: ListQuery) -> Answer<'_, ListPage> {
        self.read(move |on| {
            // One transaction: an index and what it is of belong together.
            let reading = on.unchecked_transaction()?;
            list::list(&reading, &query)
        })
    }

    fn set_indexes(&self, connector: &str, indexes: Vec<(String, MemberIndex)>) -> Answer<'_, ()> {
        let connector = connector.to_owned();
        let indexes: BTreeMap<String, MemberIndex> = indexes.into_iter().collect();
        Box::pin(async move {
            let (of, wanted) = (connector.clone(), indexes.clone());
            // Nearly always it is so already.
            let is_so = self.read(move |on| Ok::<_, DbFault>(index::wanted(on, &of)? == wanted));
            match is_so.await? {
                true => Ok(()),
                false => self.write(move |on, _| index::set(on, &connector, &indexes)).await,
            }
        })
    }

    fn value_counts(&self, connection: &str, object: &str) -> Answer<'_, ValueCounts> {
        self.read_index(connection, object, index::counts)
    }

    fn analytics(&self, connection: &str, object: &str) -> Answer<'_, Analytics> {
        self.read_index(connection, object, index::analytics)
    }

    fn wake_rules(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, u32> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.write(move |on, now_ms| rules::wake(on, &connection, &object, limit, now_ms))
    }

    fn rule_settings(&self, connection: &str) -> Answer<'_, RuleSettings> {
        let connection = connection.to_owned();
        self.read(move |on| rules::settings(on, &connection))
    }

    fn set_rule(
        &self,
        connection: &str,
        rule: &str,
        setting: Option<Option<u32>>,
    ) -> Answer<'_, ()> {
        let (connection, rule) = (connection.to_owned(), rule.to_owned());
        let by = self.actor.clone();
        self.write(move |on, now_ms| {
            rules::set(on, &connection, &rule, setting, (now_ms, by.as_deref()))
        })
    }

    fn changes(&self, connection: &str, since: u64, limit: u32) -> Answer<'_, Vec<ChangeRow>> {
        let connection = connection.to_owned();
        self.read(move |on| log::changes(on, &connection, since, limit))
    }

    fn positions(&self, consumer: &str) -> Answer<'_, Vec<(String, u64)>> {
        let consumer = consumer.to_owned();
        let sql = "SELECT connection, number FROM mirror_readers JOIN mirrors USING (mirror)
                   WHERE kind = 'consumer' AND reader = ?";
        self.read(move |on| {
            prepared(on, sql)?
                .query_map([consumer], |row| row.try_into())?
                .collect::<rusqlite::Result<_>>()
        })
    }

    fn set_position(&self, consumer: &str, connection: &str, number: u64) -> Answer<'_, ()> {
        let (consumer, connection) = (consumer.to_owned(), connection.to_owned());
        self.write(move |on, now_ms| {
            outbox::move_consumer(on, &consumer, &connection, number, now_ms)
        })
    }

    fn forget_consumer(&self, consumer: &str) -> Answer<'_, bool> {
        let consumer = consumer.to_owned();
        self.write(move |on, _| {
            let sql = "DELETE FROM mirror_readers WHERE kind = 'consumer' AND reader = ?";
            Ok::<_, rusqlite::Error>(run(on, sql, [consumer])? > 0)
        })
    }

    fn prune_changes(&self, connection: &str, age_ms: u64) -> Answer<'_, u64> {
        let connection = connection.to_owned();
        self.write(move |on, now_ms| {
            let Some(mirror) = objects::mirror(on, &connection)? else { return Ok(0) };
            let before_ms = now_ms.saturating_sub(age_ms);
            let pruned = log::prune(on, mirror, before_ms, None, log::PRUNED_AT_ONCE)?;
            Ok::<_, rusqlite::Error>(pruned as u64)
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let sql = format!("{} m.connection = ? ORDER BY o.name", scan::SELECT);
        self.all(sql, [connection.to_owned()])
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let by = self.actor.clone();
        self.write(move |on, now_ms| {
            let at = (now_ms, by.as_deref());
            scan::change(on, &connection, &object, at, |row| change(row, now_ms))
        })
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        age_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let at_ms = self.clock.now_ms().saturating_sub(age_ms);
        let of = (connection.to_owned(), object.to_owned(), signed(at_ms));
        let sql = "SELECT bookmark FROM mirrors JOIN mirror_objects USING (mirror)
                       JOIN mirror_bookmarks USING (object)
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
        self.read_object(connection, object, move |on, named| named.unseen(on, scan, &after, limit))
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        self.read_object(connection, object, move |on, named| named.count_unseen(on, scan))
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        const COLUMNS: &str =
            "d.number, m.connection, o.name AS object, d.id, d.raw, d.reason, d.at_ms";
        match connection {
            Some(connection) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM mirrors AS m CROSS JOIN mirror_objects AS o USING (mirror)
                         CROSS JOIN mirror_dead_letters AS d USING (object)
                     WHERE m.connection = ? ORDER BY d.number"
                );
                self.all(sql, [connection.to_owned()])
            }
            None => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM mirror_dead_letters AS d
                         CROSS JOIN mirror_objects AS o USING (object)
                         CROSS JOIN mirrors AS m USING (mirror)
                         CROSS JOIN connections AS c ON c.id = m.connection
                     ORDER BY d.number"
                );
                self.all(sql, ())
            }
        }
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        let sql = "DELETE FROM mirror_dead_letters WHERE number = ?";
        self.commit_work(true, move |on, _| run(on, sql, [signed(number)]).map(|count| count > 0))
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let by = self.actor.clone();
        self.commit_work(true, move |on, now_ms| {
            if apply::reset(on, &connection, &object, now_ms)? {
                let entry = entries::of_reset(&object);
                journal::note(on, &connection, now_ms, by.as_deref(), &entry)?;
            }
            Ok::<_, DbFault>(())
        })
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let of = (connection.to_owned(), object.to_owned());
        let sql = "SELECT live, aged_out, deleted FROM mirrors JOIN mirror_objects USING (mirror)
                   WHERE connection = ? AND name = ?";
        self.read(move |on| {
            prepared(on, sql)?
                .query_row(of, |row| row.try_into())
                .optional()
                .map(Option::unwrap_or_default)
        })
    }
}
