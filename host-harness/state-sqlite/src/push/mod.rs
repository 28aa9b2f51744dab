//! [`Intents`] in the same file.

mod rows;
pub mod tables;
mod work;

use connector_state::mirror::{Applied, Batch};
use connector_state::push::{Claimed, Counts, End, Holder, IntentRow, Intents, PushRow, Sent};

use super::columns::{put_one, signed};
use super::mirror::Hashed;
use super::{Answer, Sqlite};

impl Intents for Sqlite {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.write(move |on, _| put_one(on, "INSERT INTO pushes", &run))
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.write(move |on, _| rows::put_intents(on, &items))
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        let run = run.to_owned();
        self.write(move |on, now_ms| work::seal(on, &run, &digest, now_ms))
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        let run = run.to_owned();
        let sql = "DELETE FROM pushes WHERE id = ? AND digest IS NULL";
        self.write(move |on, _| on.execute(sql, [run]).map(drop))
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<(PushRow, Counts)>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| rows::pushes(on, connection.as_deref()))
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let run = run.to_owned();
        self.read(move |on| rows::intents(on, &run, from, limit))
    }

    fn claim(&self, item: &Holder, until_ms: u64) -> Answer<'_, Claimed> {
        let item = item.clone();
        self.write(move |on, now_ms| work::claim(on, &item, until_ms, now_ms))
    }

    fn hold(&self, item: &Holder, key: &str, until_ms: u64) -> Answer<'_, Option<u64>> {
        let (item, key) = (item.clone(), key.to_owned());
        self.write(move |on, now_ms| work::hold(on, &item, &key, until_ms, now_ms))
    }

    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        let (item, id) = (item.clone(), id.map(str::to_owned));
        self.write(move |on, _| work::sending(on, &item, sent, id.as_deref()))
    }

    fn end(&self, item: &Holder, end: End, batch: Option<Batch>) -> Answer<'_, Option<Applied>> {
        let (item, batch) = (item.clone(), batch.map(Hashed::new));
        self.write(move |on, now_ms| work::end(on, &item, &end, batch.as_ref(), now_ms))
    }

    fn renew(&self, owner: &str, until_ms: u64) -> Answer<'_, ()> {
        let owner = owner.to_owned();
        let sql = "UPDATE push_claims SET until_ms = ? WHERE owner = ?";
        self.write(move |on, _| on.execute(sql, (signed(until_ms), owner)).map(drop))
    }

    fn prune(&self, before_ms: u64) -> Answer<'_, ()> {
        let sql = "DELETE FROM pushes WHERE ended_ms < ?1 OR (digest IS NULL AND made_ms < ?1)";
        self.write(move |on, _| on.execute(sql, [signed(before_ms)]).map(drop))
    }
}
