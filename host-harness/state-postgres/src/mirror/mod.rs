//! [`Mirror`] in the same database.

mod apply;
pub mod erase;
pub mod index;
mod list;
pub mod log;
mod look_ups;
pub mod objects;
mod put;
mod reading;
pub mod rows;
pub mod rules;
mod scan;
pub mod tables;
mod versions;

use std::collections::BTreeMap;

use connector_state::Answer;
use connector_state::mirror::{
    Analytics, Applied, Batch, ChangeRow, DeadLetterRow, FailingRow, HistoryRow, ListPage,
    ListQuery, MemberIndex, Mirror, MirroredRecord, RuleSettings, ScanChange, ScanRow, ValueCounts,
};
use tokio_postgres::Row;

pub use self::apply::apply;
use self::reading::Named;
use super::Postgres;
use super::columns::{Column, signed, text};
use super::fault::DbResult;
use super::outbox;

/// A name and a number of each row.
pub fn pair(row: &Row) -> DbResult<(String, u64)> {
    Ok((String::read(row, "connection")?, u64::read(row, "number")?))
}

impl Mirror for Postgres {
    fn moment(&self, connection: &str) -> Answer<'_, u64> {
        self.read(connection.to_owned(), |on, connection| {
            Box::pin(async move {
                let sql = "SELECT moment FROM mirrors WHERE connection = $1";
                let moment: Option<i64> = on.value(sql, &[&text(connection)]).await?;
                Ok(moment.and_then(|moment| u64::try_from(moment).ok()).unwrap_or_default())
            })
        })
    }

    fn moments(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.read((), |on, ()| {
            Box::pin(async move {
                let sql = "SELECT connection, moment AS number
                           FROM mirrors JOIN connections ON id = connection ORDER BY mirror";
                on.rows(sql, &[]).await?.iter().map(pair).collect()
            })
        })
    }

    fn apply(&self, mut batch: Batch) -> Answer<'_, Applied> {
        // Hashed before the connection's row is locked.
        batch.known_hashes = batch.hashes().into_owned();
        self.write(batch, |on, batch| Box::pin(apply::apply(on, batch)))
    }

    fn unchanged(
        &self,
        connection: &str,
        object: &str,
        deriver: u64,
        records: Vec<(String, [u8; 32])>,
    ) -> Answer<'_, Vec<bool>> {
        let of = (connection.to_owned(), object.to_owned(), deriver, records);
        self.read(of, |on, (connection, object, deriver, records)| {
            Box::pin(async move {
                match objects::find(on, connection, object).await? {
                    Some(object) => apply::unchanged(on, object, *deriver, records).await,
                    None => Ok(vec![false; records.len()]),
                }
            })
        })
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let of = (connection.to_owned(), object.to_owned(), limit);
        self.read(of, |on, (connection, object, limit)| {
            Box::pin(async move {
                match objects::find(on, connection, object).await? {
                    Some(object) => look_ups::due(on, object.records, *limit).await,
                    None => Ok(vec![]),
                }
            })
        })
    }

    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        let of = (connection.to_owned(), object.to_owned(), failed);
        self.write(of, |on, (connection, object, failed)| {
            Box::pin(look_ups::fail(on, connection, object, failed))
        })
    }

    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        self.read(connection.to_owned(), |on, connection| {
            Box::pin(async move {
                let sql = "SELECT DISTINCT ON (o.name) o.name AS object,
                               count(*) OVER (PARTITION BY o.name) AS records, l.id, l.tries, l.due_ms,
                               coalesce(l.reason, '') AS reason
                           FROM mirrors JOIN mirror_objects AS o USING (mirror)
                               JOIN mirror_look_ups AS l ON l.records = o.records AND l.tries > 0
                           WHERE connection = $1 ORDER BY o.name, l.due_ms, l.id";
                on.all(sql, &[&text(connection)]).await
            })
        })
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let of = (connection.to_owned(), object.to_owned(), id.to_owned());
        self.read(of, |on, (connection, object, id)| {
            Box::pin(async move {
                match Named::find(on, connection, object).await? {
                    Some(named) => named.record(on, id).await,
                    None => Ok(None),
                }
            })
        })
    }

    fn history(
        &self,
        connection: &str,
        object: &str,
        id: &str,
        limit: u32,
    ) -> Answer<'_, Vec<HistoryRow>> {
        let of = (connection.to_owned(), object.to_owned(), id.to_owned(), limit);
        // What the record is and what it was belong together.
        self.look(of, |on, (connection, object, id, limit)| {
            Box::pin(async move {
                let Some(named) = Named::find(on, connection, object).await? else {
                    return Ok(vec![]);
                };
                match named.record(on, id).await? {
                    Some(now) => versions::history(on, &now, *limit).await,
                    None => Ok(vec![]),
                }
            })
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
        let of = (connection.to_owned(), object.to_owned(), after, limit);
        self.read(of, |on, (connection, object, after, limit)| {
            Box::pin(async move {
                match Named::find(on, connection, object).await? {
                    Some(named) => named.records(on, after, *limit).await,
                    None => Ok(vec![]),
                }
            })
        })
    }

    fn list(&self, query: ListQuery) -> Answer<'_, ListPage> {
        // At one moment: an index and what it is of belong together.
        self.look(query, |on, query| Box::pin(list::list(on, query)))
    }

    fn set_indexes(&self, connector: &str, indexes: Vec<(String, MemberIndex)>) -> Answer<'_, ()> {
        let indexes: BTreeMap<String, MemberIndex> = indexes.into_iter().collect();
        let connector = connector.to_owned();
        Box::pin(async move {
            // Nearly always it is so already.
            let of = (connector.clone(), indexes.clone());
            let is_so = self.read(of, |on, (connector, wanted)| {
                Box::pin(async move { Ok(index::wanted(on, connector).await? == *wanted) })
            });
            if is_so.await? {
                return Ok(());
            }
            self.write((connector, indexes), |on, (connector, indexes)| {
                Box::pin(index::set(on, connector, indexes))
            })
            .await
        })
    }

    fn value_counts(&self, connection: &str, object: &str) -> Answer<'_, ValueCounts> {
        self.look((connection.to_owned(), object.to_owned()), |on, (connection, object)| {
            Box::pin(async move {
                let Some(named) = Named::find(on, connection, object).await? else {
                    return Ok(ValueCounts::default());
                };
                named.must_be_its_own(on).await?;
                index::counts(on, named.object.object).await
            })
        })
    }

    fn analytics(&self, connection: &str, object: &str) -> Answer<'_, Analytics> {
        self.look((connection.to_owned(), object.to_owned()), |on, (connection, object)| {
            Box::pin(async move {
                let Some(named) = Named::find(on, connection, object).await? else {
                    return Ok(Analytics::default());
                };
                named.must_be_its_own(on).await?;
                index::analytics(on, named.object.object).await
            })
        })
    }

    fn wake_rules(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, u32> {
        let of = (connection.to_owned(), object.to_owned(), limit);
        self.write(of, |on, (connection, object, limit)| {
            Box::pin(rules::wake(on, connection, object, *limit))
        })
    }

    fn rule_settings(&self, connection: &str) -> Answer<'_, RuleSettings> {
        self.read(connection.to_owned(), |on, connection| {
            Box::pin(async move {
                Ok(rules::settings(on, connection, false).await?.unwrap_or_default())
            })
        })
    }

    fn set_rule(
        &self,
        connection: &str,
        rule: &str,
        setting: Option<Option<u32>>,
    ) -> Answer<'_, ()> {
        let of = (connection.to_owned(), rule.to_owned(), setting);
        self.write(of, |on, (connection, rule, setting)| {
            Box::pin(rules::set(on, connection, rule, *setting))
        })
    }

    fn changes(&self, connection: &str, since: u64, limit: u32) -> Answer<'_, Vec<ChangeRow>> {
        // Nothing is pruned between the two looks.
        self.look((connection.to_owned(), since, limit), |on, (connection, since, limit)| {
            Box::pin(log::changes(on, connection, *since, *limit))
        })
    }

    fn positions(&self, consumer: &str) -> Answer<'_, Vec<(String, u64)>> {
        self.read(consumer.to_owned(), |on, consumer| {
            Box::pin(async move {
                let sql =
                    "SELECT connection, number FROM mirror_readers JOIN mirrors USING (mirror)
                           WHERE kind = 'consumer' AND reader = $1 ORDER BY mirror";
                on.rows(sql, &[&text(consumer)]).await?.iter().map(pair).collect()
            })
        })
    }

    fn set_position(&self, consumer: &str, connection: &str, number: u64) -> Answer<'_, ()> {
        let of = (consumer.to_owned(), connection.to_owned(), number);
        self.write(of, |on, (consumer, connection, number)| {
            Box::pin(outbox::move_consumer(on, consumer, connection, *number))
        })
    }

    fn forget_consumer(&self, consumer: &str) -> Answer<'_, bool> {
        self.write(consumer.to_owned(), |on, consumer| {
            Box::pin(async move {
                let sql = "DELETE FROM mirror_readers WHERE kind = 'consumer' AND reader = $1";
                Ok(on.run(sql, &[&text(consumer)]).await? > 0)
            })
        })
    }

    fn prune_changes(&self, connection: &str, age_ms: u64) -> Answer<'_, u64> {
        self.write((connection.to_owned(), age_ms), |on, (connection, age_ms)| {
            Box::pin(async move {
                let Some(locked) = objects::lock(on, connection).await? else { return Ok(0) };
                let before_ms = on.now_ms().await?.saturating_sub(*age_ms);
                let limit = log::PRUNED_AT_ONCE;
                Ok(log::prune(on, locked.mirror, before_ms, None, limit).await? as u64)
            })
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        self.read(connection.to_owned(), |on, of| Box::pin(scan::of_connection(on, of)))
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let of = (connection.to_owned(), object.to_owned(), change);
        self.write(of, |on, (connection, object, change)| {
            Box::pin(scan::change(on, connection, object, change))
        })
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        age_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let of = (connection.to_owned(), object.to_owned(), age_ms);
        self.read(of, |on, (connection, object, age_ms)| {
            Box::pin(async move {
                let at_ms = on.now_ms().await?.saturating_sub(*age_ms);
                scan::bookmark_before(on, connection, object, at_ms).await
            })
        })
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
        let of = (connection.to_owned(), object.to_owned(), scan, after, limit);
        self.read(of, |on, (connection, object, scan, after, limit)| {
            Box::pin(async move {
                match Named::find(on, connection, object).await? {
                    Some(named) => named.unseen(on, *scan, after, *limit).await,
                    None => Ok(vec![]),
                }
            })
        })
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let of = (connection.to_owned(), object.to_owned(), scan);
        self.look(of, |on, (connection, object, scan)| {
            Box::pin(async move {
                match Named::find(on, connection, object).await? {
                    Some(named) => named.count_unseen(on, *scan).await,
                    None => Ok((0, 0)),
                }
            })
        })
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        self.read(connection.map(str::to_owned), |on, connection| {
            Box::pin(async move {
                const COLUMNS: &str =
                    "SELECT d.number, m.connection, o.name AS object, d.id, d.raw,
                        d.reason, d.at_ms
                    FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
                        JOIN mirror_dead_letters AS d USING (object)";
                match connection {
                    Some(connection) => {
                        let sql = format!("{COLUMNS} WHERE m.connection = $1 ORDER BY d.number");
                        on.all(&sql, &[&text(connection)]).await
                    }
                    None => {
                        let is_there = "JOIN connections AS c ON c.id = m.connection";
                        on.all(&format!("{COLUMNS} {is_there} ORDER BY d.number"), &[]).await
                    }
                }
            })
        })
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        self.write(signed(number), |on, number| {
            Box::pin(async move {
                let sql = "DELETE FROM mirror_dead_letters WHERE number = $1";
                Ok(on.run(sql, &[number]).await? > 0)
            })
        })
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        self.write((connection.to_owned(), object.to_owned()), |on, (connection, object)| {
            Box::pin(apply::reset(on, connection, object))
        })
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        self.read((connection.to_owned(), object.to_owned()), |on, (connection, object)| {
            Box::pin(async move {
                let sql = "SELECT live, aged_out, deleted
                           FROM mirrors JOIN mirror_objects USING (mirror)
                           WHERE connection = $1 AND name = $2";
                let found = on.rows(sql, &[&text(connection), &text(object)]).await?;
                let Some(row) = found.first() else { return Ok((0, 0, 0)) };
                let count = |name| u64::read(row, name);
                Ok((count("live")?, count("aged_out")?, count("deleted")?))
            })
        })
    }
}
