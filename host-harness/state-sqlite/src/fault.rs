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

/// Why a store that is going away does nothing more.
pub fn stopped(path: &str) -> StoreError {
    StoreError::Unavailable { path: path.to_owned(), why: "the program is ending".to_owned() }
}
