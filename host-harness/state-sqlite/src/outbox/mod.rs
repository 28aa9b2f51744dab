//! [`Outbox`] in the same file.

mod forwards;
pub mod tables;
mod versions;
mod work;

use connector_state::Lease;
use connector_state::mirror::ChangeRow;
use connector_state::outbox::{
    ForwardLag, ForwardRow, ForwardWork, Missed, Outbox, SettledWork, Undelivered, WhichParked,
};
use rusqlite::{Connection, Result, Row};

use self::forwards::FORWARDS;
pub use self::forwards::{begin, begin_here};
pub use self::versions::{are_kept, forget, keep};
use super::columns::{Record as _, columns, prepared, run, signed};
use super::{Answer, Sqlite};

columns!(ForwardRow [] {
    id, name, connector, connection, origin, filters, template, is_signed, sealed, enabled, made_ms
});
columns!(Missed [] { connection, name, position, forgotten });
columns!(Undelivered [connection] { change, attempts, next_ms, reason });

impl Outbox for Sqlite {
    fn put_forward(&self, forward: ForwardRow) -> Answer<'_, ()> {
        // A secret that is replaced is erased on the disk.
        self.commit_work(true, move |on, now_ms| forwards::put(on, &forward, now_ms))
    }

    fn list_forwards(&self) -> Answer<'_, Vec<ForwardRow>> {
        self.all(FORWARDS, ())
    }

    fn remove_forward(&self, forward: &str) -> Answer<'_, ()> {
        let forward = forward.to_owned();
        self.commit_work(true, move |on, _| forwards::remove(on, &forward))
    }

    fn lease_forward(&self, forward: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let (forward, attempt) = (forward.to_owned(), holder.to_owned());
        self.write(move |on, now_ms| {
            let wanted = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
            forwards::lease(on, &forward, &wanted, now_ms)
        })
    }

    fn measure_forward(&self, forward: &str) -> Answer<'_, ForwardLag> {
        let forward = forward.to_owned();
        self.read(move |on| forwards::measure(on, &forward))
    }

    fn find_work(&self, forward: &str, limit: u32) -> Answer<'_, ForwardWork> {
        let (forward, now_ms) = (forward.to_owned(), self.clock.now_ms());
        self.read(move |on| work::find(on, &forward, limit, now_ms))
    }

    fn settle_work(&self, forward: &str, settled: SettledWork) -> Answer<'_, ()> {
        let forward = forward.to_owned();
        self.write(move |on, now_ms| work::settle(on, &forward, &settled, now_ms))
    }

    fn list_parked(&self, forward: &str, limit: u32) -> Answer<'_, Vec<(Undelivered, ChangeRow)>> {
        let (sql, of) = (work::parked(), (forward.to_owned(), limit));
        self.read(move |on| {
            let both = |row: &Row<'_>| Ok((Undelivered::read(row)?, ChangeRow::read(row)?));
            prepared(on, &sql)?.query_map(of, both)?.collect::<Result<_>>()
        })
    }

    fn retry_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        let forward = forward.to_owned();
        self.write(move |on, now_ms| {
            let sql = "UPDATE forward_undelivered SET attempts = 0, next_ms = ?4
                       WHERE forward = ?1 AND mirror = ?2 AND change = ?3";
            each_parked(on, &forward, &which, |mirror, change| {
                run(on, sql, (&forward, mirror, change, signed(now_ms))).map(drop)
            })
        })
    }

    fn drop_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        let forward = forward.to_owned();
        self.write(move |on, _| {
            let sql = "DELETE FROM forward_undelivered
                       WHERE forward = ?1 AND mirror = ?2 AND change = ?3";
            each_parked(on, &forward, &which, |mirror, change| {
                run(on, sql, (&forward, mirror, change)).map(drop)
            })
        })
    }
}

/// Does something with the parked changes that are meant; answers how many there were.
fn each_parked(
    on: &Connection,
    forward: &str,
    which: &WhichParked,
    act: impl Fn(i64, i64) -> Result<()>,
) -> Result<u64, rusqlite::Error> {
    let sql = "SELECT u.mirror, u.change, m.connection
               FROM forward_undelivered AS u CROSS JOIN mirrors AS m USING (mirror)
               WHERE u.forward = ? AND u.next_ms IS NULL";
    let parked: Vec<(i64, i64, String)> = {
        let mut parked = prepared(on, sql)?;
        parked.query_map([forward], |row| row.try_into())?.collect::<Result<_>>()?
    };
    let mut count = 0;
    for (mirror, change, connection) in parked {
        if which.is_meant(&connection, u64::try_from(change).unwrap_or_default()) {
            act(mirror, change)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Moves the position of a consumer in the changes of a connection.
pub fn move_consumer(
    on: &Connection,
    consumer: &str,
    connection: &str,
    number: u64,
    now_ms: u64,
) -> Result<()> {
    let sql = "INSERT INTO mirror_readers (kind, reader, mirror, number, moved_ms)
               SELECT 'consumer', ?, mirror, ?, ? FROM mirrors WHERE connection = ?
               ON CONFLICT DO UPDATE SET number = excluded.number, moved_ms = excluded.moved_ms";
    run(on, sql, (consumer, signed(number), signed(now_ms), connection)).map(drop)
}
