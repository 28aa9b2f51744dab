//! [`Intents`] in the same database. What is decided stands in [`connector_state::push::plan`].

mod conflicts;
pub mod pruning;
pub mod runs;
pub mod tables;
mod work;

use connector_state::Answer;
use connector_state::mirror::{Applied, Batch};
use connector_state::push::{
    ClaimRow, Claimed, Decided, Decision, Holder, IntentCounts, IntentEnd, IntentRow, Intents,
    PushRow, Sent,
};
use tokio_postgres::Row;

use super::Postgres;
use super::columns::{Column, Values, columns, signed, text};
use super::fault::DbResult;

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
            fn read(row: &Row, _: &str) -> DbResult<Self> {
                Ok(Self { $($field: Column::read(row, $column)?),+ })
            }

            fn write(&self, _: &str, to: &mut Values) {
                $(self.$field.write($column, to);)+
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

impl Intents for Postgres {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.write(run, |on, run| Box::pin(work::begin(on, run)))
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.write(items, |on, items| Box::pin(work::add(on, items)))
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        self.write((run.to_owned(), digest), |on, (run, digest)| {
            Box::pin(work::seal(on, run, *digest))
        })
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        self.write(run.to_owned(), |on, run| Box::pin(work::forget(on, run)))
    }

    fn discard(&self, run: &str) -> Answer<'_, bool> {
        self.write(run.to_owned(), |on, run| Box::pin(work::discard(on, run)))
    }

    fn run(&self, run: &str) -> Answer<'_, Option<PushRow>> {
        self.read(run.to_owned(), |on, run| Box::pin(work::run(on, run)))
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<PushRow>> {
        self.read(connection.map(str::to_owned), |on, connection| {
            Box::pin(async move {
                const ORDER: &str =
                    "EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                                     ORDER BY p.made_ms, p.id";
                match connection {
                    Some(connection) => {
                        let sql = format!(
                            "SELECT p.* FROM pushes AS p WHERE p.connection = $1 AND {ORDER}"
                        );
                        on.all(&sql, &[&text(connection)]).await
                    }
                    None => {
                        on.all(&format!("SELECT p.* FROM pushes AS p WHERE {ORDER}"), &[]).await
                    }
                }
            })
        })
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        self.read((run.to_owned(), signed(from), limit), |on, (run, from, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT * FROM intents WHERE push = $1 AND item >= $2 AND EXISTS ({})
                     ORDER BY item LIMIT $3",
                    work::RUN
                );
                on.all(&sql, &[&text(run), from, &i64::from(*limit)]).await
            })
        })
    }

    fn claim(&self, item: &Holder, for_ms: u64) -> Answer<'_, Claimed> {
        self.write((item.clone(), for_ms), |on, (item, for_ms)| {
            Box::pin(work::claim(on, item, *for_ms))
        })
    }

    fn hold(&self, item: &Holder, key: &str, for_ms: u64) -> Answer<'_, Option<u64>> {
        self.write((item.clone(), key.to_owned(), for_ms), |on, (item, key, for_ms)| {
            Box::pin(work::hold(on, item, key, *for_ms))
        })
    }

    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        self.write((item.clone(), sent, id.map(str::to_owned)), |on, (item, sent, id)| {
            Box::pin(work::sending(on, item, *sent, id.as_deref()))
        })
    }

    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>> {
        self.write((item.clone(), end, batch), |on, (item, end, batch)| {
            Box::pin(work::end(on, item, end, batch.as_ref()))
        })
    }

    fn conflicts(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        self.read((run.to_owned(), signed(from), limit), |on, (run, from, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT * FROM intents WHERE push = $1 AND item >= $2
                         AND conflict_ms IS NOT NULL AND EXISTS ({}) ORDER BY item LIMIT $3",
                    work::RUN
                );
                on.all(&sql, &[&text(run), from, &i64::from(*limit)]).await
            })
        })
    }

    fn decide(
        &self,
        run: &str,
        items: Vec<(u64, [u8; 32])>,
        decision: Decision,
    ) -> Answer<'_, Vec<Decided>> {
        self.write((run.to_owned(), items, decision), |on, (run, items, decision)| {
            Box::pin(conflicts::decide(on, run, items, *decision))
        })
    }

    fn renew(&self, owner: &str, for_ms: u64) -> Answer<'_, ()> {
        self.write((owner.to_owned(), for_ms), |on, (owner, for_ms)| {
            Box::pin(work::renew(on, owner, *for_ms))
        })
    }
}
