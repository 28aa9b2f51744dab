//! The state of one machine in one SQLite file, shared by all processes that open it.
//!
//! The file is this user's alone (0600, in a directory 0700), in WAL mode, and every commit is
//! on the disk before it is answered. What is removed is overwritten. [`schema`] documents the
//! tables, for whoever wants to read them.

mod changes;
mod columns;
mod fault;
mod inbox;
mod limits;
mod mirror;
mod opening;
mod outbox;
mod push;
mod readers;
mod rows;
pub mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_contract::clock::{Clock, unix_ms};
use connector_contract::limits::slots::{Answer as SlotsAnswer, Reserved, SlotsError};
use connector_contract::limits::{Charge, LimitReport, SlotRequest, Slots};
use connector_state::{
    Answer, Change, ConnectionRow, GrantChange, GrantRow, SecretChange, SecretRow, SessionRow,
    Store, StoreError,
};
use rusqlite::Connection;

use self::fault::Fault;
pub use self::limits::Booked;
use self::readers::Readers;
use self::writer::Writer;

/// How a file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long a commit waits for another process that writes.
    pub busy: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy: Duration::from_secs(5) }
    }
}

/// A [`Store`], a [`connector_state::mirror::Mirror`], [`connector_state::push::Intents`] and a
/// [`connector_state::inbox::Inbox`] in an SQLite file.
///
/// Dropping it waits for what is queued, and closes the file. Its futures need a tokio runtime.
pub struct Sqlite {
    clock: Arc<dyn Clock>,
    readers: Arc<Readers>,
    writer: Arc<Writer>,
}

impl Sqlite {
    /// Opens the file; makes it, and its directory, when there is none. Blocks. `clock` tells
    /// what has ended and is erased.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] and [`StoreError::Corrupt`], both with the file as it was, and
    /// [`StoreError::Unavailable`], also when others may write to the file or its directory.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(path, clock, Options::default())
    }

    /// As [`Sqlite::open`], otherwise used.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_with(
        path: &Path,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let connection = opening::for_writing(path, options.busy)?;
        let shown = path.display().to_string();
        Ok(Self {
            clock: Arc::clone(&clock),
            readers: Arc::new(Readers::new(path.to_owned(), options.busy)),
            writer: Arc::new(Writer::new(connection, shown, clock)),
        })
    }

    /// The limits of these scopes that are used up after `now_ms`, by whatever process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be read.
    pub async fn booked(
        &self,
        scopes: Vec<String>,
        now_ms: u64,
    ) -> Result<Vec<Booked>, StoreError> {
        self.read(move |on| limits::booked(on, &scopes, now_ms)).await
    }

    /// For what a test does to the file.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn with_connection<T>(&self, look: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        self.writer.with_connection(look)
    }

    /// Runs `work` beside the writer.
    fn read<T: Send + 'static, E: Into<Fault>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        let work = |on: &Connection| work(on).map_err(Into::into);
        Box::pin(Arc::clone(&self.readers).read(work))
    }

    /// Commits what `work` does at a time (milliseconds since 1970).
    fn write<T: Send + 'static, E: Into<Fault>>(
        &self,
        work: impl FnOnce(&Connection, u64) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        self.commit_work(false, work)
    }

    /// As [`Sqlite::write`], of what may not be found on the disk any more.
    fn erase<T: Send + 'static, E: Into<Fault>>(
        &self,
        work: impl FnOnce(&Connection, u64) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        self.commit_work(true, work)
    }

    fn commit_work<T: Send + 'static, E: Into<Fault>>(
        &self,
        erases: bool,
        work: impl FnOnce(&Connection, u64) -> Result<T, E> + Send + 'static,
    ) -> Answer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let work = move |on: &Connection| work(on, unix_ms(clock.now())).map_err(Into::into);
        Box::pin(Arc::clone(&self.writer).write(erases, work))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The last connection to close takes the log into the file, and readers may not write.
        self.readers.close();
        self.writer.close();
    }
}

impl Store for Sqlite {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.read(rows::connections)
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        let name = name.to_owned();
        self.read(move |on| rows::connection(on, &name))
    }

    fn secrets(&self, connection: &str, now_ms: u64) -> Answer<'_, Vec<SecretRow>> {
        let connection = connection.to_owned();
        self.read(move |on| rows::secrets(on, &connection, now_ms))
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.read(move |on| rows::grant(on, &connection))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        let erases = changes.iter().any(changes::erases);
        self.commit_work(erases, move |on, _| {
            changes.iter().try_for_each(|change| changes::apply(on, change))
        })
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.write(move |on, _| changes::change_grant(on, &connection, change))
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        let (connection, name) = (connection.to_owned(), name.to_owned());
        self.write(move |on, _| changes::change_secret(on, &connection, &name, change))
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        let state = *state;
        self.erase(move |on, _| changes::take_session(on, &state))
    }
}

impl Slots for Sqlite {
    fn reserve(&self, request: SlotRequest) -> SlotsAnswer<'_, Reserved> {
        self.limits(move |on, now| limits::reserve(on, &request, now))
    }

    fn hold(&self, charge: Charge, pause: Duration) -> SlotsAnswer<'_, ()> {
        self.limits(move |on, now| limits::hold(on, &charge, pause, now))
    }

    fn report(&self, charge: Charge, report: LimitReport) -> SlotsAnswer<'_, ()> {
        self.limits(move |on, now| limits::report(on, &charge, report, now))
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }
}

impl Sqlite {
    fn limits<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, SystemTime) -> Result<T, Fault> + Send + 'static,
    ) -> SlotsAnswer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let written = self.write(move |on, _| work(on, clock.now()));
        Box::pin(async move { written.await.map_err(|why| SlotsError::new(&why)) })
    }
}
