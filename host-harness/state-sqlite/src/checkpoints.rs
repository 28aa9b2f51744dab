//! Takes the log beside the file into the file, on a thread of its own and by a connection of its own:
//! whoever commits does not wait for it.
//!
//! A checkpoint goes on as far as readers let it (`PASSIVE`), and writers begin the log anew when all of
//! it has been taken. Where commits come faster than that for long, the commit that finds the log at its
//! bound takes what is left itself.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::blocking::Blocking;
use super::fault::DbResult;

/// After so many more pages (of 4 KiB) in the log it is taken into the file. More of them save writing
/// pages that change often; fewer hold up the commits beside it for less time.
const EVERY: u32 = 4_096;
/// At so many, whoever commits takes it in.
const MOST: u32 = 16_384;

/// Opens the file for checkpoints.
pub type Open = fn(&Path) -> DbResult<Connection>;

/// The connection that takes the log into the file.
#[derive(Default)]
enum Checkpointer {
    /// None is open yet.
    #[default]
    None,
    Open(Connection),
    /// None is opened any more.
    Closed,
}

/// Takes the log into the file.
pub struct Checkpoints {
    path: PathBuf,
    open: Open,
    connection: Mutex<Checkpointer>,
    /// One is under way.
    running: AtomicBool,
    /// Pages in the log after the last commit of this process.
    pages: AtomicU32,
    /// Those of them that are in the file.
    taken: AtomicU32,
    blocking: Blocking,
}

impl Checkpoints {
    /// Of this file, which `open` opens when it is time.
    pub fn new(path: PathBuf, open: Open, blocking: Blocking) -> Self {
        let (connection, running) = (Mutex::default(), AtomicBool::default());
        let (pages, taken) = (AtomicU32::default(), AtomicU32::default());
        Self { path, open, connection, running, pages, taken, blocking }
    }

    /// Sees what `connection` commits.
    ///
    /// # Errors
    /// When SQLite cannot.
    pub fn watch(self: &Arc<Self>, connection: &mut Connection) -> rusqlite::Result<()> {
        let checkpoints = Arc::clone(self);
        connection.wal_hook(Some(move |log: &mut Wal, pages| {
            let pages = u32::try_from(pages).unwrap_or_default();
            checkpoints.pages.store(pages, Ordering::Release);
            if pages >= MOST {
                // The commit is done whatever comes of this.
                let _ = log.checkpoint();
            }
            Ok(())
        }))
    }

    /// Something was committed: begins a checkpoint when the log has grown and none is under way.
    pub fn committed(self: &Arc<Self>) {
        let (pages, taken) =
            (self.pages.load(Ordering::Acquire), self.taken.load(Ordering::Acquire));
        if pages < taken {
            // The log has begun anew.
            self.taken.store(0, Ordering::Release);
        }
        let new = pages.checked_sub(taken).unwrap_or(pages);
        if new < EVERY || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let checkpoints = Arc::clone(self);
        let run = move || {
            checkpoints.run();
            checkpoints.running.store(false, Ordering::Release);
        };
        if !self.blocking.begin(run) {
            // The program ends: the last to close the file takes the log into it.
            self.running.store(false, Ordering::Release);
        }
    }

    /// Waits for the one that is under way, and closes the file.
    pub fn close(&self) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = Checkpointer::Closed;
    }

    /// One that fails is made up for by the next one, at the latest by the commit at the bound.
    fn run(&self) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*connection, Checkpointer::None)
            && let Ok(opened) = (self.open)(&self.path)
        {
            *connection = Checkpointer::Open(opened);
        }
        if let Checkpointer::Open(connection) = &*connection {
            let taken = |row: &rusqlite::Row<'_>| row.get::<_, i64>("checkpointed");
            let taken = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), taken);
            if let Ok(taken) = taken.map(|taken| u32::try_from(taken).unwrap_or_default()) {
                self.taken.store(taken, Ordering::Release);
            }
        }
    }
}
