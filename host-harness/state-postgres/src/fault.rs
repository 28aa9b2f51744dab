//! What PostgreSQL says, as the store's errors.

use std::error::Error as _;
use std::fmt::Write as _;

use connector_state::StoreError;
use deadpool_postgres::PoolError;
use thiserror::Error;
use tokio_postgres::error::SqlState;

/// Why a piece of work failed.
#[derive(Debug, Error)]
pub enum DbFault {
    /// PostgreSQL failed, or cannot be reached.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// There is no connection to it.
    #[error("{0}")]
    NoConnection(String),
    /// Its connection broke, and the transaction was undone.
    #[error("{0}")]
    Undone(String),
    /// A column holds what it may not.
    #[error("{0}")]
    Odd(String),
    /// What is kept does not allow it.
    #[error(transparent)]
    Refused(#[from] StoreError),
}

/// What a piece of work comes to.
pub type DbResult<T> = Result<T, DbFault>;

impl From<PoolError> for DbFault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Postgres(error),
            PoolError::Timeout(_) => Self::NoConnection(
                "no connection to it came free or could be made in time; it is overloaded, or \
                 `connections` in --state is too small"
                    .to_owned(),
            ),
            other => Self::NoConnection(other.to_string()),
        }
    }
}

impl DbFault {
    /// As error of the store at `place`.
    pub fn of(self, place: &str) -> StoreError {
        let path = place.to_owned();
        match self {
            Self::Refused(error) => error,
            Self::Odd(why) => StoreError::Corrupt { path, why },
            Self::NoConnection(why) | Self::Undone(why) => StoreError::Unavailable { path, why },
            Self::Postgres(error) => judged(&error, path),
        }
    }

    /// Whether the transaction was undone by what may be otherwise the next time: by a deadlock,
    /// by somebody who added or removed the same row meanwhile, or with its connection.
    pub fn is_passing(&self) -> bool {
        let error = match self {
            Self::Undone(_) => return true,
            Self::Postgres(error) => error,
            _ => return false,
        };
        match error.code() {
            Some(code) => [
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::UNIQUE_VIOLATION,
                SqlState::FOREIGN_KEY_VIOLATION,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
            ]
            .contains(code),
            None => error.is_closed(),
        }
    }
}

/// Damage is told from what may pass: a full disk, a lock, missing rights.
fn judged(error: &tokio_postgres::Error, path: String) -> StoreError {
    let Some(code) = error.code() else {
        let mut why = explained(error);
        // What the library says of a server that was asked for one to write to.
        if why.ends_with("database does not allow writes") {
            why.push_str("; it is a replica, which lags behind: name the primary");
        }
        return StoreError::Unavailable { path, why };
    };
    if [&SqlState::DATA_CORRUPTED, &SqlState::INDEX_CORRUPTED].contains(&code) {
        return StoreError::Corrupt { path, why: explained(error) };
    }
    let next = match code.code() {
        "55P03" => "another one has been writing to it for too long; try again",
        "57014" => "it took longer than 60 s, the server is overloaded; try again",
        "53100" => "its disk is full; make room and try again",
        "53300" => {
            "it has too many connections; lower `connections` in --state, or raise its max_connections"
        }
        "25006" => "it may not be written: name the primary, not a replica",
        "28P01" | "28000" => "check user and password (PGPASSWORD, or passfile=FILE in --state)",
        "3D000" => "make the database (createdb), or name another one",
        "42501" => "give this user the right",
        "42P01" | "3F000" => "somebody removed tables of it; restore them from a copy",
        _ => return StoreError::Unavailable { path, why: explained(error) },
    };
    StoreError::Unavailable { path, why: format!("{}; {next}", explained(error)) }
}

/// The error with all that led to it: on its own it says "db error".
pub fn explained(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a text cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// A transaction was begun, and it is not known how it ended.
pub fn unknown(place: &str, why: String) -> StoreError {
    StoreError::Unknown { path: place.to_owned(), why }
}
