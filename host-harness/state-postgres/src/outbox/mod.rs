//! [`Outbox`] in the same database.

mod forwards;
pub mod tables;
mod versions;
mod work;

use connector_state::mirror::ChangeRow;
use connector_state::outbox::{
    ForwardLag, ForwardRow, ForwardWork, Missed, Outbox, SettledWork, Undelivered, WhichParked,
};
use connector_state::{Answer, Lease};

pub use self::forwards::{begin, begin_here};
pub use self::versions::{are_kept, forget, keep};
use super::Postgres;
use super::columns::{Column as _, columns, signed, text};
use super::fault::DbResult;
use super::session::Session;

columns!(ForwardRow [] {
    id, name, connector, connection, origin, filters, template, is_signed, sealed, enabled, made_ms
});
columns!(Missed [] { connection, name, position, forgotten });
columns!(Undelivered [connection] { change, attempts, next_ms, reason });

impl Outbox for Postgres {
    fn put_forward(&self, forward: ForwardRow) -> Answer<'_, ()> {
        self.write(forward, |on, forward| Box::pin(forwards::put(on, forward)))
    }

    fn list_forwards(&self) -> Answer<'_, Vec<ForwardRow>> {
        self.read((), |on, ()| Box::pin(on.all(forwards::FORWARDS, &[])))
    }

    fn remove_forward(&self, forward: &str) -> Answer<'_, ()> {
        self.write(forward.to_owned(), |on, forward| Box::pin(forwards::remove(on, forward)))
    }

    fn lease_forward(&self, forward: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let of = (forward.to_owned(), holder.to_owned(), for_ms);
        self.write(of, |on, (forward, holder, for_ms)| {
            Box::pin(forwards::lease(on, forward, holder, *for_ms))
        })
    }

    fn measure_forward(&self, forward: &str) -> Answer<'_, ForwardLag> {
        self.look(forward.to_owned(), |on, forward| Box::pin(forwards::measure(on, forward)))
    }

    fn find_work(&self, forward: &str, limit: u32) -> Answer<'_, ForwardWork> {
        self.look((forward.to_owned(), limit), |on, (forward, limit)| {
            Box::pin(work::find(on, forward, *limit))
        })
    }

    fn settle_work(&self, forward: &str, settled: SettledWork) -> Answer<'_, ()> {
        self.write((forward.to_owned(), settled), |on, (forward, settled)| {
            Box::pin(work::settle(on, forward, settled))
        })
    }

    fn list_parked(&self, forward: &str, limit: u32) -> Answer<'_, Vec<(Undelivered, ChangeRow)>> {
        self.read((forward.to_owned(), limit), |on, (forward, limit)| {
            Box::pin(work::parked(on, forward, *limit))
        })
    }

    fn retry_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        self.write((forward.to_owned(), which), |on, (forward, which)| {
            Box::pin(async move {
                let now_ms = signed(on.now_ms().await?);
                let (mirrors, changes) = parked(on, forward, which).await?;
                let sql = "UPDATE forward_undelivered AS u SET attempts = 0, next_ms = $4
                           FROM unnest($2::bigint[], $3::bigint[]) AS p (mirror, change)
                           WHERE u.forward = $1 AND u.mirror = p.mirror AND u.change = p.change";
                on.run(sql, &[&text(forward), &mirrors, &changes, &now_ms]).await
            })
        })
    }

    fn drop_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        self.write((forward.to_owned(), which), |on, (forward, which)| {
            Box::pin(async move {
                let (mirrors, changes) = parked(on, forward, which).await?;
                let sql = "DELETE FROM forward_undelivered AS u
                           USING unnest($2::bigint[], $3::bigint[]) AS p (mirror, change)
                           WHERE u.forward = $1 AND u.mirror = p.mirror AND u.change = p.change";
                on.run(sql, &[&text(forward), &mirrors, &changes]).await
            })
        })
    }
}

/// The parked changes that are meant, by their mirrors and numbers. They are locked.
async fn parked(
    on: &Session,
    forward: &str,
    which: &WhichParked,
) -> DbResult<(Vec<i64>, Vec<i64>)> {
    let sql = "SELECT u.mirror, u.change, m.connection
               FROM forward_undelivered AS u JOIN mirrors AS m USING (mirror)
               WHERE u.forward = $1 AND u.next_ms IS NULL
               ORDER BY u.mirror, u.change FOR UPDATE OF u";
    let (mut mirrors, mut changes) = (Vec::new(), Vec::new());
    for row in on.rows(sql, &[&text(forward)]).await? {
        if which.is_meant(&String::read(&row, "connection")?, u64::read(&row, "change")?) {
            mirrors.push(row.try_get("mirror")?);
            changes.push(row.try_get("change")?);
        }
    }
    Ok((mirrors, changes))
}

/// Moves the position of a consumer in the changes of a connection.
pub async fn move_consumer(
    on: &Session,
    consumer: &str,
    connection: &str,
    number: u64,
) -> DbResult<()> {
    let now_ms = signed(on.now_ms().await?);
    let sql = "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
               SELECT 'consumer', $1, mirror, $2, $3 FROM mirrors WHERE connection = $4
               ON CONFLICT (kind, reader, mirror)
                   DO UPDATE SET number = excluded.number, moved_ms = excluded.moved_ms";
    on.run(sql, &[&text(consumer), &signed(number), &now_ms, &text(connection)]).await.map(drop)
}

/// A lease of so long from now on.
fn wanted(holder: &str, for_ms: u64, now_ms: u64) -> Lease {
    Lease { attempt: holder.to_owned(), until_ms: now_ms.saturating_add(for_ms) }
}
