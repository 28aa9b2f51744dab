//! [`Intents`] in the same file. What is decided stands in [`connector_state::push::plan`].

mod conflicts;
pub mod pruning;
pub mod runs;
pub mod tables;
mod work;

use connector_state::mirror::{Applied, Batch};
use connector_state::push::{
    ClaimRow, Claimed, Decided, Decision, Holder, IntentCounts, IntentEnd, IntentRow, Intents,
    PushRow, Sent,
};
use rusqlite::{Result, Row};

use super::columns::{Column, Values, columns, run, signed};
use super::{Answer, Sqlite};

columns!(PushRow [] { id, connection, object, mode, header, digest, made_ms, ended_ms, counts });
columns!(IntentRow [] {
    run "push", index "item", line, key "record_key", input, raw "sealed_raw", state, sent, outcome,
    id, error, attempts, conflict, conflict_ms, decision
});
columns!(ClaimRow [] { connection, object, key "record_key", holder, until_ms });

/// Types that stand in several columns whose names are their fields'.
macro_rules! spread {
    ($($of:ident { $($field:ident $column:literal),+ })+) => { $(
        impl Column for $of {
            fn read(row: &Row<'_>, _: &str) -> Result<Self> {
                Ok(Self { $($field: Column::read(row, $column)?),+ })
            }

            fn write(&self, _: &str, to: &mut Values) -> Result<()> {
                $(self.$field.write($column, to)?;)+
                Ok(())
            }
        }
    )+ };
}
spread! {
    IntentCounts {
        pending "pending", sending "sending", done "done", parked "parked", failed "failed"
    }
    Holder { run "push", index "item", owner "owner" }
}

impl Intents for Sqlite {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.write(move |on, _| work::begin(on, run))
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.write(move |on, _| work::add(on, &items))
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        let run = run.to_owned();
        let by = self.actor.clone();
        self.write(move |on, now_ms| work::seal(on, &run, digest, now_ms, by.as_deref()))
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        let run = run.to_owned();
        self.write(move |on, _| work::forget(on, &run))
    }

    fn discard(&self, run: &str) -> Answer<'_, bool> {
        let run = run.to_owned();
        self.write(move |on, _| work::discard(on, &run))
    }

    fn run(&self, run: &str) -> Answer<'_, Option<PushRow>> {
        self.one(work::RUN, [run.to_owned()])
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<PushRow>> {
        let order = "EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                     ORDER BY p.made_ms, p.id";
        match connection {
            Some(connection) => {
                let sql = format!("SELECT p.* FROM pushes AS p WHERE p.connection = ? AND {order}");
                self.all(sql, [connection.to_owned()])
            }
            None => self.all(format!("SELECT p.* FROM pushes AS p WHERE {order}"), ()),
        }
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let sql = format!(
            "SELECT * FROM intents WHERE push = ?1 AND item >= ?2 AND EXISTS ({})
             ORDER BY item LIMIT ?3",
            work::RUN
        );
        self.all(sql, (run.to_owned(), signed(from), limit))
    }

    fn claim(&self, item: &Holder, for_ms: u64) -> Answer<'_, Claimed> {
        let item = item.clone();
        self.write(move |on, now_ms| work::claim(on, &item, for_ms, now_ms))
    }

    fn hold(&self, item: &Holder, key: &str, for_ms: u64) -> Answer<'_, Option<u64>> {
        let (item, key) = (item.clone(), key.to_owned());
        self.write(move |on, now_ms| work::hold(on, &item, &key, for_ms, now_ms))
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
        self.write(move |on, now_ms| work::end(on, &item, end, batch.as_ref(), now_ms))
    }

    fn conflicts(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let sql = format!(
            "SELECT * FROM intents WHERE push = ?1 AND item >= ?2 AND conflict_ms IS NOT NULL
             AND EXISTS ({}) ORDER BY item LIMIT ?3",
            work::RUN
        );
        self.all(sql, (run.to_owned(), signed(from), limit))
    }

    fn decide(
        &self,
        run: &str,
        items: Vec<(u64, [u8; 32])>,
        decision: Decision,
    ) -> Answer<'_, Vec<Decided>> {
        let run = run.to_owned();
        let by = self.actor.clone();
        self.write(move |on, now_ms| {
            conflicts::decide(on, &run, &items, decision, now_ms, by.as_deref())
        })
    }

    fn renew(&self, owner: &str, for_ms: u64) -> Answer<'_, ()> {
        let owner = owner.to_owned();
        let sql = "UPDATE push_claims SET until_ms = ? WHERE owner = ?";
        self.write(move |on, now_ms| {
            run(on, sql, (signed(now_ms.saturating_add(for_ms)), owner)).map(drop)
        })
    }
}
