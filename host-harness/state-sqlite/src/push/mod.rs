//! [`Intents`] in the same file.

pub mod tables;
mod work;

use connector_state::mirror::{Applied, Batch};
use connector_state::push::{
    Claimed, Holder, IntentCounts, IntentEnd, IntentRow, IntentState, Intents, PushRow, Sent,
};
use rusqlite::{Connection, Result};

use super::columns::{Column, all, columns, put_one, run, signed};
use super::{Answer, Sqlite};

columns!(PushRow [] { id, connection, object, mode, header, digest, made_ms, ended_ms });
columns!(IntentRow [] {
    run "push", index "item", line, key "record_key", input, raw "sealed_raw", state, sent, outcome,
    id, error, attempts
});

impl Intents for Sqlite {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.write(move |on, _| put_one(on, "INSERT INTO pushes", &run))
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.write(move |on, _| {
            items.iter().try_for_each(|row| put_one(on, "INSERT INTO intents", row))?;
            // A run that had come to its end goes on.
            if let Some(row) = items.iter().find(|row| row.state == IntentState::Pending) {
                run(on, "UPDATE pushes SET ended_ms = NULL WHERE id = ?", [&row.run])?;
            }
            Ok::<_, rusqlite::Error>(())
        })
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        let run = run.to_owned();
        self.write(move |on, now_ms| work::seal(on, &run, &digest, now_ms))
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        self.run("DELETE FROM pushes WHERE id = ? AND digest IS NULL", [run.to_owned()])
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<(PushRow, IntentCounts)>> {
        let connection = connection.map(str::to_owned);
        let sql = "SELECT * FROM pushes WHERE ?1 IS NULL OR connection = ?1 ORDER BY made_ms, id";
        self.read(move |on| {
            let counted = |row: PushRow| counts(on, &row.id).map(|counts| (row, counts));
            all(on, sql, [connection])?.into_iter().map(counted).collect::<Result<_>>()
        })
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let sql = "SELECT * FROM intents WHERE push = ? AND item >= ? ORDER BY item LIMIT ?";
        self.all(sql, (run.to_owned(), signed(from), limit))
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

    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>> {
        let item = item.clone();
        self.write(move |on, now_ms| work::end(on, &item, &end, batch.as_ref(), now_ms))
    }

    fn renew(&self, owner: &str, until_ms: u64) -> Answer<'_, ()> {
        let sql = "UPDATE push_claims SET until_ms = ? WHERE owner = ?";
        self.run(sql, (signed(until_ms), owner.to_owned()))
    }

    fn prune(&self, before_ms: u64) -> Answer<'_, ()> {
        let sql = "DELETE FROM pushes WHERE ended_ms < ?1 OR (digest IS NULL AND made_ms < ?1)";
        self.run(sql, [signed(before_ms)])
    }
}

/// How many items of a run are in each state.
fn counts(on: &Connection, run: &str) -> Result<IntentCounts> {
    let mut found = on.prepare_cached(
        "SELECT state, count(*) AS count FROM intents WHERE push = ? GROUP BY state",
    )?;
    let mut counts = IntentCounts::default();
    let mut rows = found.query([run])?;
    while let Some(row) = rows.next()? {
        let count = match Column::read(row, "state")? {
            IntentState::Pending => &mut counts.pending,
            IntentState::Sending => &mut counts.sending,
            IntentState::Done => &mut counts.done,
            IntentState::Parked => &mut counts.parked,
            IntentState::Failed => &mut counts.failed,
        };
        *count = row.get("count")?;
    }
    Ok(counts)
}
