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
use super::{Answer, Sqlite};

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
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = unix_ms(self.clock.now());
        self.read(move |on| look_ups::due(on, &connection, &object, now_ms, limit))
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
        let connection = connection.to_owned();
        self.read(move |on| look_ups::failing(on, &connection))
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let (connection, object, id) = (connection.to_owned(), object.to_owned(), id.to_owned());
        self.read(move |on| records::one(on, &connection, &object, &id))
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
        self.read(move |on| records::after(on, &connection, &object, after.as_deref(), limit))
    }

    fn changes(
        &self,
        connection: Option<&str>,
        since: u64,
        limit: u32,
    ) -> Answer<'_, Vec<ChangeRow>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| log::after(on, connection.as_deref(), since, limit))
    }

    fn position(&self, consumer: &str) -> Answer<'_, u64> {
        let consumer = consumer.to_owned();
        self.read(move |on| log::position(on, &consumer))
    }

    fn set_position(&self, consumer: &str, number: u64) -> Answer<'_, ()> {
        let consumer = consumer.to_owned();
        self.write(move |on, _| log::set_position(on, &consumer, number))
    }

    fn prune_changes(&self, before_ms: u64) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut pruned = 0;
            loop {
                let (some, more) = self.write(move |on, _| log::prune(on, before_ms)).await?;
                pruned += some;
                if !more {
                    return Ok(pruned);
                }
            }
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let connection = connection.to_owned();
        self.read(move |on| scan::all(on, &connection))
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
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| scan::bookmark_before(on, &connection, &object, at_ms))
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
        self.read(move |on| seen::unseen(on, (&connection, &object), scan, after.as_deref(), limit))
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| seen::count(on, &connection, &object, scan))
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| letters::all(on, connection.as_deref()))
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        self.erase(move |on, _| letters::remove(on, number))
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.erase(move |on, now_ms| records::reset(on, &connection, &object, now_ms))
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.read(move |on| records::count(on, &connection, &object))
    }
}
