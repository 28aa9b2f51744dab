//! [`Intents`] in the same file.

mod rows;
pub mod tables;
mod work;

use connector_contract::clock::unix_ms;
use connector_state::mirror::{Applied, Batch};
use connector_state::push::{Claimed, Counts, End, Holder, IntentRow, Intents, PushRow, Sent};

use super::mirror::Hashed;
use super::rows::signed;
use super::writer::Erases;
use super::{Answer, Sqlite};

impl Intents for Sqlite {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        let work = move |on: &_| Ok(rows::put_push(on, &run)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        let work = move |on: &_| Ok(rows::put_intents(on, &items)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        let (run, clock) = (run.to_owned(), self.clock());
        let work = move |on: &_| work::seal(on, &run, &digest, unix_ms(clock.now()));
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        let run = run.to_owned();
        let work = move |on: &rusqlite::Connection| {
            on.execute("DELETE FROM pushes WHERE id = ? AND digest IS NULL", [run])?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<(PushRow, Counts)>> {
        let connection = connection.map(str::to_owned);
        let work = move |on: &_| Ok(rows::pushes(on, connection.as_deref())?);
        Box::pin(self.readers().read(work))
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let run = run.to_owned();
        Box::pin(self.readers().read(move |on| Ok(rows::intents(on, &run, from, limit)?)))
    }

    fn claim(&self, item: &Holder, until_ms: u64) -> Answer<'_, Claimed> {
        let (item, clock) = (item.clone(), self.clock());
        let work = move |on: &_| work::claim(on, &item, until_ms, unix_ms(clock.now()));
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn hold(&self, item: &Holder, key: &str, until_ms: u64) -> Answer<'_, Option<u64>> {
        let (item, key, clock) = (item.clone(), key.to_owned(), self.clock());
        let work = move |on: &_| work::hold(on, &item, &key, until_ms, unix_ms(clock.now()));
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        let (item, id) = (item.clone(), id.map(str::to_owned));
        let work = move |on: &_| work::sending(on, &item, sent, id.as_deref());
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn end(&self, item: &Holder, end: End, batch: Option<Batch>) -> Answer<'_, Option<Applied>> {
        let (item, writer, clock) = (item.clone(), self.writer(), self.clock());
        Box::pin(async move {
            let batch = batch.map(Hashed::new);
            let work =
                move |on: &_| work::end(on, &item, &end, batch.as_ref(), unix_ms(clock.now()));
            writer.write(Erases::No, work).await
        })
    }

    fn renew(&self, owner: &str, until_ms: u64) -> Answer<'_, ()> {
        let owner = owner.to_owned();
        let work = move |on: &rusqlite::Connection| {
            let sql = "UPDATE push_claims SET until_ms = ? WHERE owner = ?";
            on.execute(sql, (signed(until_ms), owner))?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn prune(&self, before_ms: u64) -> Answer<'_, ()> {
        let work = move |on: &rusqlite::Connection| {
            let sql = "DELETE FROM pushes
                       WHERE ended_ms < ?1 OR (digest IS NULL AND made_ms < ?1)";
            on.execute(sql, [signed(before_ms)])?;
            Ok(())
        };
        Box::pin(self.writer().write(Erases::No, work))
    }
}
