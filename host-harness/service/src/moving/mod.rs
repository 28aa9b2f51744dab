//! Connections in a file, on their way from one state to another.
//!
//! A file is a mark and its form, an id, the file's key sealed by a one-time key, the SHA-256 of all this,
//! and then sealed frames: each is sealed for its number and tells whether it is the last one, so none can be
//! changed, left out, repeated or moved, and a file that is cut has no end. In the frames are lines of JSON: a
//! head, then of each connection its rows ([`connector_state::moving::tables`]) and their number.
//!
//! What is sealed in a row is sealed by the connection's own key, and that by a master key: it goes into the
//! file sealed by the one-time key, and into the other state sealed by that one's master key. Nothing else is
//! opened.

mod export;
mod file;
mod import;
mod reseal;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use connector_state::StoreError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::export::{Export, export};
pub use self::import::{Import, import, inspect};
use crate::vault::SealError;

/// What a file holds, before all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileHead {
    /// Version of the rows.
    form: u32,
    /// When it was made, in milliseconds since 1970.
    made_ms: u64,
}

/// After the rows of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileEnd {
    /// Its id.
    end: String,
    /// How many rows it has.
    rows: u64,
}

/// A connection in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedConnection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
}

/// Why connections cannot be moved.
#[derive(Debug, Error)]
pub enum MoveError {
    /// The file cannot be written or read.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// Another file.
    #[error("{0} holds no connections: it does not begin as a file of `connections export` does")]
    NotOurs(PathBuf),
    /// Made by a newer program.
    #[error(
        "{path} was made by a newer version (form {found}, this one reads {known}); import it with that \
         version, or export it again with this one"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// Sealed by another one-time key.
    #[error("{0} does not open with this key file; give the one with which it was exported")]
    WrongKey(PathBuf),
    /// Bytes were changed, left out or added.
    #[error(
        "{0} was changed after it was made, or is damaged; nothing of it was imported. Copy it again"
    )]
    Altered(PathBuf),
    /// It has no end.
    #[error("{0} is cut: its end is missing; nothing of it was imported. Copy it again")]
    Cut(PathBuf),
    /// It cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The state could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
