//! The state of many hosts in one PostgreSQL database (15 or newer).
//!
//! Hosts are equal: each opens the same schema, and what one commits the others see. A commit is on
//! the server's disk before it is answered; where its answer is lost, the server is asked what became
//! of it ([`session`]). Time is the database's. [`schema`] documents the tables, for whoever wants to
//! read them.
//!
//! Whoever writes what belongs to a connection locks its row first (of `mirrors` for records, of
//! `inboxes` for deliveries, of `pushes` for items), so that all decisions of one connection are made
//! one after the other, and numbers of changes are given away in the order of commits. Connections do
//! not wait for each other.

mod access;
mod changes;
mod columns;
mod database;
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
mod options;
mod outbox;
#[cfg(test)]
mod plans;
mod push;
mod rates;
mod revisions;
mod round;
mod rows;
pub mod schema;
mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod views;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

#[cfg(any(test, feature = "testing"))]
use connector_contract::clock::Clock;
use connector_contract::limits::slots::{Answer as SlotsAnswer, Reserved, SlotsError};
use connector_contract::limits::{Charge, LimitReport, SlotRequest, Slots};
use connector_state::rates::Booked;
use connector_state::{
    Answer, Change, ConnectionChanges, ConnectionRow, GrantChange, GrantRow, Sealed, SecretChange,
    SecretRow, SessionRow, Store, StoreError,
};
use deadpool_postgres::Pool;
use tokio::time::Instant;

pub use self::options::{Address, AddressError};
use self::session::Work;

/// A [`Store`], a [`connector_state::mirror::Mirror`], [`connector_state::push::Intents`], a
/// [`connector_state::inbox::Inbox`] and all else that a host keeps, in a PostgreSQL database.
///
/// Its futures need a tokio runtime. A write goes on to its end when its future is dropped.
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

/// What every piece of work needs.
#[derive(Clone)]
struct Inner {
    pool: Pool,
    /// The database, as errors name it.
    place: String,
    schema: String,
    /// Who does what is done here, as the journal names them.
    actor: Option<Arc<str>>,
    arrivals: Arc<inbox::Arrivals>,
    /// How far maintenance is.
    round: Arc<Mutex<round::Round>>,
    /// What the database's clock said last, and when that was.
    time: Arc<Mutex<(SystemTime, Instant)>>,
    /// Instead of the database's clock.
    #[cfg(any(test, feature = "testing"))]
    clock: Option<Arc<dyn Clock>>,
}

impl Inner {
    /// Keeps what the database's clock says.
    fn noticed(&self, now: SystemTime) {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }

    /// While this lives, a paused clock of a test stands still: the answer of a database takes no
    /// time.
    fn hold_time(&self) -> Option<std::sync::mpsc::Sender<()>> {
        #[cfg(any(test, feature = "testing"))]
        if self.clock.is_some() {
            let (held, until) = std::sync::mpsc::channel();
            drop(tokio::task::spawn_blocking(move || until.recv()));
            return Some(held);
        }
        None
    }
}

impl Postgres {
    /// Opens the database; makes its tables where there are none, and brings those of an earlier version
    /// to this one.
    ///
    /// # Errors
    /// [`StoreError::TooNew`]; [`StoreError::Corrupt`] when the schema is another program's; and
    /// [`StoreError::Unavailable`], also for a server that does not keep what it confirmed, and for a replica.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        let postgres = Self::unchecked(address)?;
        opening::prepare(&postgres.0).await?;
        Ok(postgres)
    }

    /// Without a look at the server.
    fn unchecked(address: &Address) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner {
            pool: opening::pool(address)?,
            place: address.place.clone(),
            schema: address.schema.clone(),
            actor: None,
            arrivals: Arc::default(),
            round: Arc::default(),
            time: Arc::new(Mutex::new((SystemTime::UNIX_EPOCH, Instant::now()))),
            #[cfg(any(test, feature = "testing"))]
            clock: None,
        })))
    }

    /// As [`Postgres::open`], with the time of a test.
    ///
    /// # Errors
    /// Those of [`Postgres::open`].
    #[cfg(any(test, feature = "testing"))]
    pub fn open_at(address: &Address, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let Self(inner) = Self::unchecked(address)?;
        Ok(Self(Arc::new(Inner { clock: Some(clock), ..(*inner).clone() })))
    }

    /// The same, used by `actor`: the journal names them.
    #[must_use]
    pub fn used_by(self, actor: &str) -> Self {
        Self(Arc::new(Inner { actor: Some(actor.into()), ..(*self.0).clone() }))
    }

    /// The limits of these scopes that are used up after `now_ms`, by whatever process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        self.read((scopes, now_ms), |on, (scopes, now_ms)| {
            Box::pin(limits::booked(on, scopes, *now_ms))
        })
    }

    /// What was sealed by the master key of the hosts that use this database; where nothing was,
    /// `new` is kept from now on. Answers what is kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn master_proof(&self, new: Option<Sealed>) -> Answer<'_, Option<Sealed>> {
        self.write(new, |on, new| Box::pin(rows::master_proof(on, new.as_ref())))
    }

    /// Reads every table, so that what cannot be read any more is found.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what cannot be read.
    pub fn check(&self) -> Answer<'_, ()> {
        self.look((), |on, ()| Box::pin(opening::check(on)))
    }

    /// Reads, each statement at its own moment.
    fn read<A: Send + Sync + 'static, T: Send + 'static>(
        &self,
        of: A,
        work: Work<A, T>,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let _still = self.0.hold_time();
            session::read(&self.0, &of, work, false).await
        })
    }

    /// Reads at one moment.
    fn look<A: Send + Sync + 'static, T: Send + 'static>(
        &self,
        of: A,
        work: Work<A, T>,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let _still = self.0.hold_time();
            session::read(&self.0, &of, work, true).await
        })
    }

    /// Commits what `work` does.
    fn write<A: Send + Sync + 'static, T: Send + 'static>(
        &self,
        of: A,
        work: Work<A, T>,
    ) -> Answer<'_, T> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let _still = inner.hold_time();
            let place = inner.place.clone();
            let task = async move { session::transact(&inner, &of, work).await };
            // Whoever waits for it may go: it runs to its end.
            let ended = tokio::spawn(task).await;
            ended.unwrap_or_else(|why| {
                let why = match why.is_panic() {
                    true => "a fault of this program, please report it",
                    false => "the program ended meanwhile",
                };
                Err(fault::unknown(&place, why.to_owned()))
            })
        })
    }
}

impl Store for Postgres {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        let sql = "SELECT * FROM connections ORDER BY name";
        self.read(sql, |on, sql| Box::pin(on.all(sql, &[])))
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        self.read(name.to_owned(), |on, name| Box::pin(rows::connection(on, name)))
    }

    fn connections_since(&self, revision: u64) -> Answer<'_, ConnectionChanges> {
        self.look(revision, |on, revision| Box::pin(revisions::since(on, *revision)))
    }

    fn secrets(&self, connection: &str) -> Answer<'_, Vec<SecretRow>> {
        self.read(connection.to_owned(), |on, of| Box::pin(rows::secrets(on, of)))
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        self.read(connection.to_owned(), |on, of| Box::pin(rows::grant(on, of)))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        self.write(changes, |on, changes| Box::pin(changes::commit(on, changes)))
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        self.write((connection.to_owned(), change), |on, (of, change)| {
            Box::pin(changes::change_grant(on, of, change))
        })
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        let of = (connection.to_owned(), name.to_owned(), change);
        self.write(of, |on, (of, name, change)| {
            Box::pin(changes::change_secret(on, of, name, change))
        })
    }

    fn maintain(&self) -> Answer<'_, bool> {
        self.write((), |on, ()| Box::pin(maintenance::piece(on)))
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        self.write(*state, |on, state| Box::pin(rows::take_session(on, state)))
    }
}

impl Slots for Postgres {
    fn reserve(&self, request: SlotRequest) -> SlotsAnswer<'_, Reserved> {
        let done = self.write(request, |on, request| Box::pin(limits::reserve(on, request)));
        Box::pin(async move { done.await.map_err(|why| SlotsError::new(&why)) })
    }

    fn hold(&self, charge: Charge, pause: Duration) -> SlotsAnswer<'_, ()> {
        let done = self.write((charge, pause), |on, (charge, pause)| {
            Box::pin(limits::hold(on, charge, *pause))
        });
        Box::pin(async move { done.await.map_err(|why| SlotsError::new(&why)) })
    }

    fn report(&self, charge: Charge, report: LimitReport) -> SlotsAnswer<'_, ()> {
        let done = self.write((charge, report), |on, (charge, report)| {
            Box::pin(limits::report(on, charge, *report))
        });
        Box::pin(async move { done.await.map_err(|why| SlotsError::new(&why)) })
    }

    /// What the database's clock says now, as far as it was heard. It is asked whenever something is
    /// written.
    fn time(&self) -> SystemTime {
        #[cfg(any(test, feature = "testing"))]
        if let Some(clock) = &self.0.clock {
            return clock.now();
        }
        let (said, at) = *self.0.time.lock().unwrap_or_else(PoisonError::into_inner);
        said + at.elapsed()
    }
}
