//! Secrets, tokens and sessions whose time is over.

use rusqlite::Connection;

use super::columns::{run, signed};
use super::fault::DbResult;

/// Erases secrets, replaced tokens and sessions that ended: at most so many rows of each. Answers
/// how many there were of the kind of which there were most.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let mut most = 0;
    for sql in [
        "DELETE FROM secrets WHERE rowid IN
             (SELECT rowid FROM secrets WHERE ends_ms <= ? LIMIT ?)",
        "DELETE FROM sessions WHERE rowid IN
             (SELECT rowid FROM sessions WHERE ends_ms <= ? LIMIT ?)",
        "UPDATE grants SET sealed_previous = NULL, previous_until_ms = NULL WHERE rowid IN
             (SELECT rowid FROM grants WHERE previous_until_ms <= ? LIMIT ?)",
    ] {
        most = most.max(run(on, sql, (signed(now_ms), signed(limit as u64)))?);
    }
    Ok(most)
}
