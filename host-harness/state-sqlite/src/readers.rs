//! Reads beside the writer: WAL lets them see the last commit and wait for nobody.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_state::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::blocking::Blocking;
use super::fault::{DbResult, stopped};
use super::opening::for_reading;

/// Reads at the same time.
const READS: usize = 4;

/// Connections for reading, opened when they are needed.
pub struct Readers {
    path: PathBuf,
    busy: Duration,
    idle: Mutex<Vec<Connection>>,
    room: Semaphore,
    blocking: Blocking,
}

impl Readers {
    /// None is open yet.
    pub fn new(path: PathBuf, busy: Duration, blocking: Blocking) -> Self {
        Self { path, busy, idle: Mutex::default(), room: Semaphore::new(READS), blocking }
    }

    /// Runs `work` where it may block.
    pub async fn read<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.display().to_string();
        // Never closed, so a failure to acquire cannot come.
        let _room = self.room.acquire().await;
        let readers = Arc::clone(&self);
        let read = self.blocking.run(move || readers.run(work)).await;
        read.ok_or_else(|| stopped(&path))?.map_err(|fault| fault.of(&path))
    }

    /// Closes those that nobody uses.
    pub fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> DbResult<T>) -> DbResult<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => for_reading(&self.path, self.busy)?,
        };
        // One that failed is not used again.
        let value = work(&connection)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(value)
    }
}
