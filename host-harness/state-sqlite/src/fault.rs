//! What SQLite says, as the store's errors.

use connector_state::StoreError;
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why a piece of work failed.
#[derive(Debug, Error)]
pub enum DbFault {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What is kept does not allow it.
    #[error(transparent)]
    Refused(#[from] StoreError),
}

/// What a piece of work comes to.
pub type DbResult<T> = Result<T, DbFault>;

impl DbFault {
    /// As error of the store in `path`.
    pub fn of(self, path: &str) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Sqlite(error) => judged(&error, path),
        }
    }
}

/// Damage is told from what may pass: a full disk, a lock, missing rights.
fn judged(error: &rusqlite::Error, path: &str) -> StoreError {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqliteFailure,
    };
    let damaged = match error {
        SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
        _ => false,
    };
    let path = path.to_owned();
    if damaged {
        return StoreError::Corrupt { path, why: error.to_string() };
    }
    let why = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has been writing to it for too long; try again".to_owned()
        }
        Some(ErrorCode::DiskFull) => "the disk is full; make room and try again".to_owned(),
        Some(ErrorCode::ReadOnly) => "it may not be written; give this user the right".to_owned(),
        _ => error.to_string(),
    };
    StoreError::Unavailable { path, why }
}

/// What a `COMMIT` that failed came to. SQLite undoes a transaction for which there was no lock or no
/// room, or that the schema does not allow. After anything else, such as a disk that failed while it
/// was flushed, the transaction may or may not be there when the file is opened the next time.
pub fn of_commit(error: &rusqlite::Error, path: &str) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::ConstraintViolation,
        ) => judged(error, path),
        _ => unknown(path, error.to_string()),
    }
}

/// A transaction was begun, and it is not known how it ended.
pub fn unknown(path: &str, why: String) -> StoreError {
    StoreError::Unknown { path: path.to_owned(), why }
}

/// A full disk can end a transaction in the middle: what else there was in it is not done.
pub fn undone(path: &str) -> StoreError {
    let why = "the disk is full or fails; nothing was changed".to_owned();
    StoreError::Unavailable { path: path.to_owned(), why }
}

/// Why a store that is going away does nothing more.
pub fn stopped(path: &str) -> StoreError {
    StoreError::Unavailable { path: path.to_owned(), why: "the program is ending".to_owned() }
}

#[cfg(test)]
mod tests {
    use connector_state::Retry;
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_commit_that_the_disk_did_not_answer_may_be_there() {
        let told = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = of_commit(&error, "state.db");
            (error.may_be_done(), error.retry())
        };
        for undone in [ffi::SQLITE_BUSY, ffi::SQLITE_FULL, ffi::SQLITE_READONLY] {
            assert_eq!(told(undone), (false, Retry::Later), "{undone}");
        }
        for lost in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT] {
            assert_eq!(told(lost), (true, Retry::Anew), "{lost}");
        }
    }
}
