//! [`Mirror`] in the same file.

mod apply;
mod derived;
mod letters;
mod log;
pub mod look_ups;
mod members;
mod objects;
mod records;
pub mod rows;
mod scan;
mod seen;
mod table;
pub mod tables;
#[cfg(test)]
mod tests;

use connector_contract::clock::unix_ms;
use connector_state::mirror::{
    Applied, Batch, ChangeRow, DeadLetterRow, FailingRow, Mirror, MirroredRecord, ScanChange,
    ScanRow,
};

pub use self::apply::{Hashed, apply};
use super::writer::Erases;
use super::{Answer, Sqlite};

impl Mirror for Sqlite {
    fn moment(&self) -> Answer<'_, u64> {
        Box::pin(self.readers().read(|on| Ok(table::moment(on)?)))
    }

    fn apply(&self, batch: Batch) -> Answer<'_, Applied> {
        let (writer, clock) = (self.writer(), self.clock());
        Box::pin(async move {
            let batch = Hashed::new(batch);
            let work = move |on: &_| apply::apply(on, &batch, unix_ms(clock.now()));
            writer.write(Erases::No, work).await
        })
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = unix_ms(self.clock().now());
        let work = move |on: &_| Ok(look_ups::due(on, &connection, &object, now_ms, limit)?);
        Box::pin(self.readers().read(work))
    }

    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        let (connection, object, clock) = (connection.to_owned(), object.to_owned(), self.clock());
        let work =
            move |on: &_| look_ups::fail(on, &connection, &object, &failed, unix_ms(clock.now()));
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        let connection = connection.to_owned();
        Box::pin(self.readers().read(move |on| Ok(look_ups::failing(on, &connection)?)))
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let (connection, object, id) = (connection.to_owned(), object.to_owned(), id.to_owned());
        let work = move |on: &_| Ok(records::one(on, &connection, &object, &id)?);
        Box::pin(self.readers().read(work))
    }

    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.map(str::to_owned);
        let work =
            move |on: &_| Ok(records::after(on, &connection, &object, after.as_deref(), limit)?);
        Box::pin(self.readers().read(work))
    }

    fn changes(
        &self,
        connection: Option<&str>,
        since: u64,
        limit: u32,
    ) -> Answer<'_, Vec<ChangeRow>> {
        let connection = connection.map(str::to_owned);
        let work = move |on: &_| log::after(on, connection.as_deref(), since, limit);
        Box::pin(self.readers().read(work))
    }

    fn position(&self, consumer: &str) -> Answer<'_, u64> {
        let consumer = consumer.to_owned();
        Box::pin(self.readers().read(move |on| Ok(log::position(on, &consumer)?)))
    }

    fn set_position(&self, consumer: &str, number: u64) -> Answer<'_, ()> {
        let consumer = consumer.to_owned();
        let work = move |on: &_| Ok(log::set_position(on, &consumer, number)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn prune_changes(&self, before_ms: u64) -> Answer<'_, u64> {
        let writer = self.writer();
        Box::pin(async move {
            let mut pruned = 0;
            loop {
                let work = move |on: &_| Ok(log::prune(on, before_ms)?);
                let (some, more) = writer.clone().write(Erases::No, work).await?;
                pruned += some;
                if !more {
                    return Ok(pruned);
                }
            }
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let connection = connection.to_owned();
        Box::pin(self.readers().read(move |on| Ok(scan::all(on, &connection)?)))
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let work = move |on: &_| scan::change(on, &connection, &object, change);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        at_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let work = move |on: &_| Ok(scan::bookmark_before(on, &connection, &object, at_ms)?);
        Box::pin(self.readers().read(work))
    }

    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.map(str::to_owned);
        let work = move |on: &_| {
            let object = (connection.as_str(), object.as_str());
            Ok(seen::unseen(on, object, scan, after.as_deref(), limit)?)
        };
        Box::pin(self.readers().read(work))
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let work = move |on: &_| Ok(seen::count(on, &connection, &object, scan)?);
        Box::pin(self.readers().read(work))
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        let connection = connection.map(str::to_owned);
        let work = move |on: &_| Ok(letters::all(on, connection.as_deref())?);
        Box::pin(self.readers().read(work))
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        let work = move |on: &_| Ok(letters::remove(on, number)?);
        Box::pin(self.writer().write(Erases::Yes, work))
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object, clock) = (connection.to_owned(), object.to_owned(), self.clock());
        let work = move |on: &_| records::reset(on, &connection, &object, unix_ms(clock.now()));
        Box::pin(self.writer().write(Erases::Yes, work))
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let work = move |on: &_| Ok(records::count(on, &connection, &object)?);
        Box::pin(self.readers().read(work))
    }
}
