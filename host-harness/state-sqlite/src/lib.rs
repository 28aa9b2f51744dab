//! The state of one machine in one SQLite file, shared by all processes that open it.
//!
//! The file is this user's alone (0600, in a directory 0700), in WAL mode, and every commit is
//! on the disk before it is answered. What is removed is overwritten. [`schema`] documents the
//! tables, for whoever wants to read them.

mod access;
mod blocking;
mod changes;
mod checkpoints;
mod columns;
mod database;
mod ended;
mod fault;
mod hosts;
mod inbox;
mod journal;
mod limits;
mod lists;
mod maintenance;
mod mirror;
mod moving;
mod opening;
mod outbox;
#[cfg(test)]
mod plans;
mod push;
mod rates;
mod readers;
mod revisions;
mod rows;
pub mod schema;
#[cfg(test)]
mod tests;
mod views;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_contract::clock::{Clock, unix_ms};
use connector_contract::limits::slots::{self, Answer as SlotsAnswer, Reserved, SlotsError};
use connector_contract::limits::{Charge, LimitReport, SlotRequest, Slots};
use connector_state::changes::erases;
use connector_state::journal::entries;
use connector_state::rates::{Booked, minute, of_refused};
use connector_state::{
    Answer, Change, ConnectionChanges, ConnectionRow, GrantChange, GrantRow, SecretChange,
    SecretRow, SessionRow, Store, StoreError,
};
use rusqlite::{Connection, Params};

use self::blocking::Blocking;
use self::checkpoints::Checkpoints;
use self::columns::{Record, signed};
use self::fault::DbFault;
use self::readers::Readers;
use self::writer::Writer;

/// How long a commit waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// A [`Store`], a [`connector_state::mirror::Mirror`], [`connector_state::push::Intents`] and a
/// [`connector_state::inbox::Inbox`] in an SQLite file.
///
/// Dropping it waits for what is queued, and closes the file. Its futures need a tokio runtime.
pub struct Sqlite {
    clock: Arc<dyn Clock>,
    /// The file, as errors name it.
    shown: String,
    /// Who does what is done here, as the journal names them.
    actor: Option<Arc<str>>,
    arrivals: Arc<inbox::Arrivals>,
    readers: Arc<Readers>,
    checkpoints: Arc<Checkpoints>,
    writer: Arc<Writer>,
}

impl Sqlite {
    /// Opens the file; makes it, and its directory, when there is none. Blocks. `clock` tells
    /// what has ended and is erased.
    ///
    /// # Errors
    /// [`StoreError::TooNew`], [`StoreError::TooOld`] and [`StoreError::Corrupt`], all with the file as it was, and
    /// [`StoreError::Unavailable`], also when others may write to the file or its directory.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::waiting(path, clock, BUSY)
    }

    /// As [`Sqlite::open`], for simulations: every call reads and writes in the thread that makes it,
    /// so that everything happens in one order.
    ///
    /// # Errors
    /// Those of [`Sqlite::open`].
    pub fn open_inline(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::opened(path, clock, BUSY, Blocking::Here)
    }

    fn waiting(path: &Path, clock: Arc<dyn Clock>, busy: Duration) -> Result<Self, StoreError> {
        Self::opened(path, clock, busy, Blocking::Threads)
    }

    fn opened(
        path: &Path,
        clock: Arc<dyn Clock>,
        busy: Duration,
        blocking: Blocking,
    ) -> Result<Self, StoreError> {
        let mut connection = opening::for_writing(path, busy)?;
        let open = opening::for_checkpoints;
        let checkpoints = Arc::new(Checkpoints::new(path.to_owned(), open, blocking));
        let shown = path.display().to_string();
        checkpoints.watch(&mut connection).map_err(|why| DbFault::from(why).of(&shown))?;
        let kept = Arc::clone(&checkpoints);
        let writer = Writer::new(connection, shown.clone(), Arc::clone(&clock), kept, blocking);
        Ok(Self {
            clock,
            shown,
            actor: None,
            arrivals: Arc::default(),
            readers: Arc::new(Readers::new(path.to_owned(), busy, blocking)),
            writer: Arc::new(writer),
            checkpoints,
        })
    }

    /// The same, used by `actor`: the journal names them.
    #[must_use]
    pub fn used_by(mut self, actor: &str) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The limits of these scopes that are used up after `now_ms`, by whatever process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be read.
    pub fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        self.read(move |on| limits::booked(on, &scopes, now_ms))
    }

    /// Reads every page of the file and checks that they fit together; takes as long as that takes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what does not fit.
    pub fn check(&self) -> Answer<'_, ()> {
        let path = self.shown.clone();
        self.read(move |on| opening::check_pages(on, &path))
    }

    /// Copies what is kept at this moment into the file `to`, while others read and write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], when `to` is there already or cannot be written too.
    pub fn backup(&self, to: &Path) -> Answer<'_, ()> {
        let to = to.to_owned();
        Box::pin(async move {
            // What cannot be read and what cannot be written are told apart.
            self.read(move |on| Ok::<_, DbFault>(opening::copy(on, &to))).await?
        })
    }

    /// Makes the file `to` from the copy `from`, which is checked. Blocks.
    ///
    /// # Errors
    /// Those of [`Sqlite::open`] for `from`, with nothing made; [`StoreError::Unavailable`] when `to` is
    /// there already or cannot be written.
    pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
        opening::restore(from, to)
    }

    /// For what a test does to the file.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn with_connection<T>(&self, look: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        self.writer.with_connection(look)
    }

    fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now())
    }

    /// Runs `work` beside the writer.
    fn read<T: Send + 'static, E: Into<DbFault>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        let work = |on: &Connection| work(on).map_err(Into::into);
        Box::pin(Arc::clone(&self.readers).read(work))
    }

    /// Commits what `work` does at a time (milliseconds since 1970).
    fn write<T: Send + 'static, E: Into<DbFault>>(
        &self,
        work: impl FnOnce(&Connection, u64) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        self.commit_work(false, work)
    }

    /// As [`Sqlite::write`]. `erases`: what it removes may not be found on the disk any more.
    fn commit_work<T: Send + 'static, E: Into<DbFault>>(
        &self,
        erases: bool,
        work: impl FnOnce(&Connection, u64) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let work = move |on: &Connection| work(on, unix_ms(clock.now())).map_err(Into::into);
        Box::pin(Arc::clone(&self.writer).write(erases, work))
    }

    /// Reads every row that `sql` finds.
    fn all<T: Record + Send + 'static>(
        &self,
        sql: impl AsRef<str> + Send + 'static,
        of: impl Params + Send + 'static,
    ) -> Answer<'_, Vec<T>> {
        self.read(move |on| columns::all(on, sql.as_ref(), of))
    }

    /// Reads the first row that `sql` finds.
    fn one<T: Record + Send + 'static>(
        &self,
        sql: impl AsRef<str> + Send + 'static,
        of: impl Params + Send + 'static,
    ) -> Answer<'_, Option<T>> {
        self.read(move |on| columns::one(on, sql.as_ref(), of))
    }

    /// Commits what one statement changes.
    fn run(&self, sql: &'static str, of: impl Params + Send + 'static) -> Answer<'_, ()> {
        self.write(move |on, _| columns::run(on, sql, of).map(drop))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The last connection to close takes the log into the file, and readers may not write.
        self.readers.close();
        self.checkpoints.close();
        self.writer.close();
    }
}

impl Store for Sqlite {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.all("SELECT * FROM connections ORDER BY name", ())
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        self.one("SELECT * FROM connections WHERE name = ?", [name.to_owned()])
    }

    fn connections_since(&self, revision: u64) -> Answer<'_, ConnectionChanges> {
        self.read(move |on| revisions::since(on, revision))
    }

    fn secrets(&self, connection: &str) -> Answer<'_, Vec<SecretRow>> {
        let sql = "SELECT * FROM secrets WHERE connection = ? AND (ends_ms IS NULL OR ends_ms > ?)
                   ORDER BY name, version DESC";
        self.all(sql, (connection.to_owned(), signed(self.clock.now_ms())))
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        self.one(rows::GRANT, [connection.to_owned()])
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        let erases = changes.iter().any(erases);
        let by = self.actor.clone();
        self.commit_work(erases, move |on, now_ms| {
            changes::commit(on, changes, now_ms, by.as_deref())
        })
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        let (connection, by) = (connection.to_owned(), self.actor.clone());
        self.write(move |on, now_ms| {
            let now: Option<GrantRow> = columns::one(on, rows::GRANT, [&connection])?;
            let new = now.as_ref().and_then(|now| change(now, now_ms));
            new.iter().try_for_each(|new| changes::put_grant(on, new))?;
            let told = now.as_ref().zip(new.as_ref());
            if let Some(entry) = told.and_then(|(now, new)| entries::of_grant(now, new)) {
                journal::note(on, &connection, now_ms, by.as_deref(), &entry)?;
            }
            Ok::<_, rusqlite::Error>(new.or(now))
        })
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        let (connection, name) = (connection.to_owned(), name.to_owned());
        let by = self.actor.clone();
        let sql = "SELECT * FROM secrets WHERE connection = ? AND name = ? ORDER BY version DESC";
        self.write(move |on, now_ms| {
            rows::must_exist(on, &connection)?;
            let versions = || columns::all(on, sql, (&connection, &name));
            let before = versions()?;
            let changed = change(&before, now_ms).unwrap_or_default();
            if let Some(entry) = entries::of_secret(&before, &changed) {
                journal::note(on, &connection, now_ms, by.as_deref(), &entry)?;
            }
            changed.iter().try_for_each(|row| changes::put_secret(on, row))?;
            if !changed.is_empty() {
                revisions::touch(on, [&*connection])?;
            }
            Ok::<_, DbFault>(versions()?)
        })
    }

    fn maintain(&self) -> Answer<'_, bool> {
        Box::pin(async move {
            let piece = self.write(maintenance::piece).await?;
            if piece.erased {
                // Old pages stand in the log beside the file until it is emptied.
                self.commit_work(true, |_, _| Ok::<_, DbFault>(())).await?;
            }
            Ok(piece.more)
        })
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        let state = *state;
        self.commit_work(true, move |on, _| {
            let found = rows::session(on, &state)?;
            columns::run(on, "DELETE FROM sessions WHERE state = ?", [state])?;
            Ok::<_, rusqlite::Error>(found)
        })
    }
}

impl Slots for Sqlite {
    fn reserve(&self, request: SlotRequest) -> SlotsAnswer<'_, Reserved> {
        self.limits(move |on, now| limits::reserve(on, &request, now))
    }

    fn hold(&self, charge: Charge, pause: Duration) -> SlotsAnswer<'_, ()> {
        self.limits(move |on, now| {
            rates::count(on, &charge.limit, minute(now), of_refused())?;
            limits::change(on, &charge.limit, |row| slots::hold(row, charge.rate, pause, now))
        })
    }

    fn report(&self, charge: Charge, report: LimitReport) -> SlotsAnswer<'_, ()> {
        self.limits(move |on, now| {
            limits::change(on, &charge.limit, |row| slots::report(row, charge.rate, report, now))
        })
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }
}

impl Sqlite {
    fn limits<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, SystemTime) -> rusqlite::Result<T> + Send + 'static,
    ) -> SlotsAnswer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let written = self.write(move |on, _| work(on, clock.now()));
        Box::pin(async move { written.await.map_err(|why| SlotsError::new(&why)) })
    }
}
