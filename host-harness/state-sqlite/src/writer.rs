//! One writer: what waits for it is committed together.
//!
//! Work is queued, and whoever finds nobody on the way takes the next turn: it begins a
//! transaction, runs everything that has been queued by then, each piece within a savepoint of
//! its own, commits, and only then answers. So a commit is made durable once for many, a piece
//! that fails undoes itself only, and a caller that stops waiting changes nothing. All deliveries that
//! wait are one piece (`inbox/arrivals.rs`).
//!
//! A turn runs on tokio's threads for blocking work ([`Blocking`]). That holds a paused clock back, so
//! that tests in virtual time see no time pass.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_contract::clock::{Clock, unix_ms};
use connector_state::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::blocking::Blocking;
use super::checkpoints::Checkpoints;
use super::ended;
use super::fault::{DbFault, DbResult, of_commit, stopped, undone, unknown};

/// How often what ended is looked for and erased.
const FORGET_EVERY_MS: u64 = 60 * 60 * 1_000;
/// Rows that one commit erases of it at most.
const FORGET_AT_ONCE: usize = 200;
/// How often the log is tried to be emptied while somebody reads.
const EMPTY_EVERY_MS: u64 = 1_000;

/// A piece of work: runs in the transaction, or hears why there is none.
pub type Job = Box<dyn FnOnce(Result<Turn<'_>, StoreError>) -> Answering + Send>;
/// Answers a piece of work when it is known how the transaction ended.
pub type Answering = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A transaction that a piece of work runs in.
#[derive(Clone, Copy)]
pub struct Turn<'c> {
    /// Where to.
    pub on: &'c Connection,
    /// Nothing else is in the transaction.
    pub only: bool,
}

/// Answers a piece of work, once. When it goes unanswered, because the program ends or because of a
/// panic, it says what may have become of the work.
struct Reply<T> {
    to: Option<oneshot::Sender<Result<T, StoreError>>>,
    path: String,
    /// The work runs, or ran, in a transaction.
    is_begun: bool,
}

impl<T> Reply<T> {
    fn send(&mut self, answer: Result<T, StoreError>) {
        if let Some(to) = self.to.take() {
            // Nobody may wait any more, and it is done all the same.
            let _ = to.send(answer);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let ended = match self.is_begun {
            true => unknown(&self.path, "the program ended meanwhile".to_owned()),
            false => stopped(&self.path),
        };
        self.send(Err(ended));
    }
}

/// The only one who writes in this process.
pub struct Writer {
    path: String,
    clock: Arc<dyn Clock>,
    checkpoints: Arc<Checkpoints>,
    queue: Mutex<JobQueue>,
    /// `None` once it is closed.
    file: Mutex<Option<OpenFile>>,
    blocking: Blocking,
}

#[derive(Default)]
struct JobQueue {
    jobs: Vec<Job>,
    /// One of them erases.
    erase: bool,
    /// A turn is on its way that will take them.
    turn: bool,
}

struct OpenFile {
    connection: Connection,
    /// Something was erased and may still stand in the log beside the file.
    erase: bool,
    /// When somebody who reads prevented it last that the log was emptied.
    prevented_ms: Option<u64>,
    forgot_ms: Option<u64>,
    /// Transactions so far.
    #[cfg(test)]
    transactions: u32,
}

impl OpenFile {
    /// After a commit, which erased something or not: empties the log, without a wait. While
    /// somebody reads that cannot be done, and is tried again now and then.
    fn erased(&mut self, erase: bool, now_ms: u64) {
        self.erase |= erase;
        let is_due = |at: u64| now_ms.abs_diff(at) >= EMPTY_EVERY_MS;
        if !self.erase || !(erase || self.prevented_ms.is_none_or(is_due)) {
            return;
        }
        let busy = self.connection.query_row("PRAGMA busy_timeout", (), |row| row.get(0));
        let set = |ms: i64| self.connection.pragma_update(None, "busy_timeout", ms);
        let emptied = set(0).is_ok() && emptied(&self.connection);
        let _ = busy.and_then(set);
        (self.erase, self.prevented_ms) =
            if emptied { (false, None) } else { (true, Some(now_ms)) };
    }
}

impl Writer {
    /// Writes by `connection`.
    pub fn new(
        connection: Connection,
        path: String,
        clock: Arc<dyn Clock>,
        checkpoints: Arc<Checkpoints>,
        blocking: Blocking,
    ) -> Self {
        let file = OpenFile {
            connection,
            erase: false,
            prevented_ms: None,
            forgot_ms: None,
            #[cfg(test)]
            transactions: 0,
        };
        let file = Mutex::new(Some(file));
        Self { path, clock, checkpoints, queue: Mutex::default(), file, blocking }
    }

    /// Queues `work` and waits for its commit. `erases`: what it removes may not be found in the
    /// log beside the file either.
    pub async fn write<T: Send + 'static>(
        self: Arc<Self>,
        erases: bool,
        work: impl FnOnce(&Connection) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (to, answer) = oneshot::channel();
        let mut reply = Reply { to: Some(to), path: self.path.clone(), is_begun: false };
        let job: Job = Box::new(move |on| {
            reply.is_begun = on.is_ok();
            let done = on.and_then(|turn| alone(turn, work).map_err(|fault| fault.of(&reply.path)));
            Box::new(move |ended| reply.send(done.and_then(|value| ended.map(|()| value))))
        });
        Arc::clone(&self).submit(erases, job);
        answer.await.unwrap_or_else(|_| Err(stopped(&self.path)))
    }

    /// Queues a piece of work that answers by itself. Unless it runs within [`alone`], it has to undo
    /// what it did before it failed. `erases` as for [`Writer::write`].
    pub fn submit(self: Arc<Self>, erases: bool, job: Job) {
        if self.enqueue(job, erases) {
            let (blocking, turn) = (self.blocking, PendingCommit(self));
            // Unbegun, its drop commits all the same.
            blocking.begin(move || drop(turn));
        }
    }

    /// Waits for what is under way, commits what is queued, and closes the file.
    pub fn close(&self) {
        let mut file = self.file();
        self.commit_queued(&mut file);
        // The last chance: now it may take its time.
        if let Some(file) = file.as_ref().filter(|file| file.erase) {
            emptied(&file.connection);
        }
        *file = None;
    }

    fn commit_queued(&self, file: &mut Option<OpenFile>) {
        if let Some(file) = file
            && !self.queue().jobs.is_empty()
        {
            self.commit(file);
        }
    }

    /// Answers whether somebody has to take a turn.
    fn enqueue(&self, job: Job, erases: bool) -> bool {
        let mut queue = self.queue();
        queue.jobs.push(job);
        queue.erase |= erases;
        !std::mem::replace(&mut queue.turn, true)
    }

    fn commit(&self, file: &mut OpenFile) {
        let now_ms = unix_ms(self.clock.now());
        let taken = || std::mem::take(&mut *self.queue());
        let immediate = TransactionBehavior::Immediate;
        let transaction = match Transaction::new_unchecked(&file.connection, immediate) {
            Ok(transaction) => transaction,
            Err(why) => {
                let why = DbFault::from(why).of(&self.path);
                return taken().jobs.into_iter().for_each(|job| job(Err(why.clone()))(Ok(())));
            }
        };
        // Only now: what came while others held the lock is in it too.
        let JobQueue { jobs, mut erase, .. } = taken();
        let mut is_empty = jobs.len() == 1;
        if file.forgot_ms.is_none_or(|last| now_ms.abs_diff(last) >= FORGET_EVERY_MS)
            && let Ok(forgot) = alone(Turn { on: &transaction, only: false }, |on| {
                ended::forget(on, now_ms, FORGET_AT_ONCE)
            })
        {
            is_empty = false;
            // What is left of it goes with the next commit.
            file.forgot_ms = (forgot < FORGET_AT_ONCE).then_some(now_ms);
            erase |= forgot > 0;
        }
        let run = |job: Job| match transaction.is_autocommit() {
            false => job(Ok(Turn { on: &transaction, only: is_empty })),
            true => job(Err(undone(&self.path))),
        };
        let answers: Vec<Answering> = jobs.into_iter().map(run).collect();
        let ended = match transaction.is_autocommit() {
            false => transaction.commit().map_err(|why| of_commit(&why, &self.path)),
            true => {
                drop(transaction);
                Err(undone(&self.path))
            }
        };
        #[cfg(test)]
        {
            file.transactions += 1;
        }
        file.erased(erase && ended.is_ok(), now_ms);
        answers.into_iter().for_each(|answer| answer(ended.clone()));
        self.checkpoints.committed();
    }

    fn queue(&self) -> MutexGuard<'_, JobQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> MutexGuard<'_, Option<OpenFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn transactions(&self) -> u32 {
        self.file().as_ref().map_or(0, |file| file.transactions)
    }

    #[cfg(any(test, feature = "testing"))]
    #[allow(clippy::unwrap_used, reason = "a test's file is open")]
    pub fn with_connection<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(&self.file().as_ref().unwrap().connection)
    }
}

/// What is queued is committed when this goes, even if a runtime that ends drops it unrun.
struct PendingCommit(Arc<Writer>);

impl Drop for PendingCommit {
    fn drop(&mut self) {
        let mut file = self.0.file();
        self.0.commit_queued(&mut file);
    }
}

/// Runs `work` so that its failure undoes itself and nothing else. Where nothing else is in the
/// transaction that needs no savepoint, for which SQLite would copy each page before it changes.
pub fn alone<T>(
    Turn { on, only }: Turn<'_>,
    work: impl FnOnce(&Connection) -> DbResult<T>,
) -> DbResult<T> {
    if only {
        let done = work(on);
        if done.is_err() && !on.is_autocommit() {
            on.execute_batch("ROLLBACK; BEGIN IMMEDIATE")?;
        }
        return done;
    }
    on.execute_batch("SAVEPOINT piece")?;
    let done = work(on);
    if done.is_ok() {
        on.execute_batch("RELEASE piece")?;
    } else if !on.is_autocommit() {
        on.execute_batch("ROLLBACK TO piece; RELEASE piece")?;
    }
    done
}

/// Moves the log beside the file into the file and empties it, since old pages stand in it.
/// Somebody who reads just now can prevent it.
fn emptied(connection: &Connection) -> bool {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
    matches!(busy, Ok(0))
}
