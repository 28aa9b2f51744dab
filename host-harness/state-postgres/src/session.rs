//! Work on the database: a connection of the pool for a while, with or without a transaction.
//!
//! | what happens | what becomes of a transaction |
//! |---|---|
//! | a deadlock; a row that somebody else added or removed meanwhile; a connection that broke before `COMMIT` was sent | it was undone, and runs again, [`TRIES`] times in all |
//! | the answer to `COMMIT` is lost | the server is asked by the transaction's number what became of it ([`settled`]) |
//! | whoever waited for it has gone | it goes on to its end |
//!
//! What only reads is read again when its connection breaks.
//!
//! The time of a transaction is the database's, asked for when it holds its locks.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_contract::clock::unix_ms;
use connector_state::StoreError;
use deadpool_postgres::Object;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Row, Statement};

use super::Inner;
use super::columns::{Bound, Record, Values, text};
use super::fault::{DbFault, DbResult, explained, unknown};
use super::round::Round;

/// Runs of a transaction at most.
const TRIES: u32 = 6;
/// How long it is asked what became of a commit whose answer was lost, and how often.
const SETTLE_FOR: Duration = Duration::from_secs(20);
const SETTLE_EVERY: Duration = Duration::from_millis(200);

/// The number of a transaction, and when the server that gave it had started: a number that nothing was
/// written under is given again after a crash, and after a failover it may be another one's.
const NUMBER: &str = "SELECT pg_current_xact_id()::text,
    left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || pg_postmaster_start_time()";
/// What became of one.
const STATUS: &str = "SELECT pg_xact_status($1::text::xid8),
    left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || pg_postmaster_start_time()";

/// A step of a piece of work.
pub type Step<'w, T> = Pin<Box<dyn Future<Output = DbResult<T>> + Send + 'w>>;
/// A piece of work on what it is given. It may run several times.
pub type Work<A, T> = for<'w> fn(&'w Session, &'w A) -> Step<'w, T>;

/// A connection of the pool. One that is left in the middle of a transaction is closed.
pub struct Session {
    client: Option<Object>,
    inner: Arc<Inner>,
    is_open: bool,
    transaction: Option<(String, String)>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|_| self.is_open) {
            drop(Object::take(client));
        }
    }
}

impl Session {
    /// One without a transaction: each statement sees what is committed when it begins.
    pub async fn take(inner: &Arc<Inner>) -> DbResult<Self> {
        let client = Some(inner.pool.get().await?);
        Ok(Self { client, inner: Arc::clone(inner), is_open: false, transaction: None })
    }

    /// One with a transaction that only reads, and sees one moment.
    pub async fn snapshot(inner: &Arc<Inner>) -> DbResult<Self> {
        let mut session = Self::take(inner).await?;
        session.is_open = true;
        session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
        Ok(session)
    }

    async fn begin(inner: &Arc<Inner>) -> DbResult<Self> {
        let mut session = Self::take(inner).await?;
        session.is_open = true;
        let begin = session.batch("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE");
        let ((), number) = tokio::try_join!(begin, session.rows(NUMBER, &[]))?;
        let number = number.first().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        session.transaction = number.transpose().map_err(DbFault::Postgres)?;
        Ok(session)
    }

    /// Ends a transaction that is not to be kept, or that only read.
    pub async fn end(mut self) {
        self.is_open = self.batch("ROLLBACK").await.is_err();
    }

    fn client(&self) -> DbResult<&Object> {
        // It is there until it is dropped.
        self.client.as_ref().ok_or_else(|| DbFault::NoConnection("it is closed".to_owned()))
    }

    /// Runs statements without parameters.
    pub async fn batch(&self, sql: &str) -> DbResult<()> {
        Ok(self.client()?.batch_execute(sql).await?)
    }

    /// The first column of what one statement without parameters tells.
    #[cfg(test)]
    pub async fn simple(&self, sql: &str) -> DbResult<Vec<String>> {
        use tokio_postgres::SimpleQueryMessage::Row;
        let told = self.client()?.simple_query(sql).await?;
        let first = |message| match message {
            Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(told.into_iter().filter_map(first).collect())
    }

    async fn prepared(&self, sql: &str) -> DbResult<Statement> {
        #[cfg(test)]
        crate::plans::note(&self.inner, sql);
        Ok(self.client()?.prepare_cached(sql).await?)
    }

    /// Every row that `sql` finds.
    pub async fn rows(&self, sql: &str, of: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.client()?.query(&statement, of).await?)
    }

    /// Every row that `sql` finds, read.
    pub async fn all<T: Record>(&self, sql: &str, of: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<T>> {
        self.rows(sql, of).await?.iter().map(T::read).collect()
    }

    /// The first row that `sql` finds.
    pub async fn one<T: Record>(
        &self,
        sql: &str,
        of: &[&(dyn ToSql + Sync)],
    ) -> DbResult<Option<T>> {
        self.rows(sql, of).await?.first().map(T::read).transpose()
    }

    /// The first column of every row that `sql` finds.
    pub async fn values<T: for<'s> FromSql<'s>>(
        &self,
        sql: &str,
        of: &[&(dyn ToSql + Sync)],
    ) -> DbResult<Vec<T>> {
        self.rows(sql, of).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The first column of the first row that `sql` finds.
    pub async fn value<T: for<'s> FromSql<'s>>(
        &self,
        sql: &str,
        of: &[&(dyn ToSql + Sync)],
    ) -> DbResult<Option<T>> {
        let found = self.rows(sql, of).await?;
        found.first().map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Changes rows; answers how many.
    pub async fn run(&self, sql: &str, of: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        let statement = self.prepared(sql).await?;
        Ok(self.client()?.execute(&statement, of).await?)
    }

    /// As [`Session::run`], as a number of rows.
    pub async fn count(&self, sql: &str, of: &[&(dyn ToSql + Sync)]) -> DbResult<usize> {
        Ok(usize::try_from(self.run(sql, of).await?).unwrap_or(usize::MAX))
    }

    /// Adds a row to a table, or changes the one with these keys.
    pub async fn upsert(&self, table: &str, keys: &[&str], values: Values) -> DbResult<()> {
        let (sql, bound) = values.upsert(table, keys);
        let bound: Vec<&(dyn ToSql + Sync)> =
            bound.iter().map(|one: &Bound| &**one as &(dyn ToSql + Sync)).collect();
        self.run(&sql, &bound).await.map(drop)
    }

    /// How far maintenance is.
    pub fn round(&self) -> MutexGuard<'_, Round> {
        self.inner.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks what `name` names until the transaction ends.
    pub async fn advise(&self, name: &str) -> DbResult<()> {
        let lock =
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1, 0))";
        self.rows(lock, &[&text(name)]).await.map(drop)
    }

    /// As [`Session::advise`], without waiting; answers whether nobody else has it.
    pub async fn advise_if_free(&self, name: &str) -> DbResult<bool> {
        let lock =
            "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1, 0))";
        Ok(self.value(lock, &[&text(name)]).await?.unwrap_or_default())
    }

    /// The database's time.
    pub async fn now(&self) -> DbResult<SystemTime> {
        #[cfg(any(test, feature = "testing"))]
        if let Some(clock) = &self.inner.clock {
            return Ok(clock.now());
        }
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let us: i64 = self.value(sql, &[]).await?.unwrap_or_default();
        let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(us).unwrap_or_default());
        self.inner.noticed(now);
        Ok(now)
    }

    /// The same in milliseconds since 1970.
    pub async fn now_ms(&self) -> DbResult<u64> {
        Ok(unix_ms(self.now().await?))
    }

    /// Who does what is done here, as the journal names them.
    pub fn actor(&self) -> Option<&str> {
        self.inner.actor.as_deref()
    }

    /// The database, as errors name it.
    pub fn place(&self) -> &str {
        &self.inner.place
    }
}

/// Runs `work`, which only reads; at one moment, or each statement at its own.
pub async fn read<A, T>(
    inner: &Arc<Inner>,
    of: &A,
    work: Work<A, T>,
    at_once: bool,
) -> Result<T, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let read = async {
            if !at_once {
                return work(&Session::take(inner).await?, of).await;
            }
            let session = Session::snapshot(inner).await?;
            let found = work(&session, of).await;
            session.end().await;
            found
        };
        match read.await {
            Ok(found) => return Ok(found),
            // The server was restarted, for example.
            Err(fault) if fault.is_passing() && tries < TRIES => {}
            Err(fault) => return Err(fault.of(&inner.place)),
        }
    }
}

/// Runs `work` in a transaction, and commits it.
pub async fn transact<A, T>(inner: &Arc<Inner>, on: &A, work: Work<A, T>) -> Result<T, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(inner, on, work).await {
            Ok(done) => return done,
            Err(fault) if fault.is_passing() && tries < TRIES => {}
            Err(fault) => return Err(fault.of(&inner.place)),
        }
    }
}

/// As the outer error: it was undone.
async fn once<A, T>(
    inner: &Arc<Inner>,
    on: &A,
    work: Work<A, T>,
) -> DbResult<Result<T, StoreError>> {
    let mut session = Session::begin(inner).await?;
    let done = match work(&session, on).await {
        Ok(done) => done,
        Err(fault) => {
            session.end().await;
            return Err(fault);
        }
    };
    let why = match session.batch("COMMIT").await {
        Ok(()) => {
            session.is_open = false;
            return Ok(Ok(done));
        }
        // The server says that it did not.
        Err(DbFault::Postgres(error)) if error.code().is_some() && !error.is_closed() => {
            return Err(error.into());
        }
        Err(DbFault::Postgres(error)) => explained(&error),
        Err(other) => other.to_string(),
    };
    let number = session.transaction.take();
    drop(session);
    match settled(inner, number).await {
        Some(true) => Ok(Ok(done)),
        Some(false) => Err(DbFault::Undone(why)),
        None => Ok(Err(unknown(&inner.place, why))),
    }
}

/// Whether a transaction is there whose answer was lost; `None`: it cannot be told.
async fn settled(inner: &Arc<Inner>, number: Option<(String, String)>) -> Option<bool> {
    let (number, history) = number?;
    let status = async || -> DbResult<Option<(Option<String>, String)>> {
        let session = Session::take(inner).await?;
        let rows = session.rows(STATUS, &[&number]).await?;
        rows.first().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    };
    let until = tokio::time::Instant::now() + SETTLE_FOR;
    while tokio::time::Instant::now() < until {
        match status().await {
            Ok(Some((status, found))) if found == history => match status.as_deref() {
                Some("committed") => return Some(true),
                Some("aborted") => return Some(false),
                // Its end is on its way.
                Some(_) => {}
                None => return None,
            },
            Ok(_) => return None,
            // A server that comes back answers in a while.
            Err(_) => {}
        }
        tokio::time::sleep(SETTLE_EVERY).await;
    }
    None
}
