//! Takes the log beside the file into the file, on a thread of its own and by a connection of its own:
//! whoever commits does not wait for it.
//!
//! A checkpoint goes on as far as readers let it (`PASSIVE`), and writers begin the log anew when all of
//! it has been taken. Where commits come faster than that for long, the commit that finds the log at its
//! bound takes what is left itself ([`super::opening`]).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::runtime::Handle;

use super::fault::DbResult;

/// From this size of the log on it is taken into the file.
const BYTES: u64 = 8 << 20;

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

/// Opens the file for checkpoints.
pub type Open = fn(&Path) -> DbResult<Connection>;

/// Takes the log into the file.
pub struct Checkpoints {
    path: PathBuf,
    log: PathBuf,
    open: Open,
    connection: Mutex<Checkpointer>,
    /// One is under way.
    running: AtomicBool,
}

impl Checkpoints {
    /// Of this file, which `open` opens when it is time.
    pub fn new(path: PathBuf, open: Open) -> Self {
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let (connection, running) = (Mutex::default(), AtomicBool::default());
        Self { path, log: log.into(), open, connection, running }
    }

    /// Something was committed: begins a checkpoint when the log is large and none is under way.
    pub fn committed(self: &Arc<Self>) {
        let is_large = std::fs::metadata(&self.log).is_ok_and(|log| log.len() >= BYTES);
        if !is_large || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let checkpoints = Arc::clone(self);
        let run = move || {
            checkpoints.run();
            checkpoints.running.store(false, Ordering::Release);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(run)),
            // The program ends: the last to close the file takes the log into it.
            Err(_) => self.running.store(false, Ordering::Release),
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
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
        }
    }
}
