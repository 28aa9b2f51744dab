//! Secrets of the connection as keys: used by the connector, never read.

use serde::{Deserialize, Serialize};

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretError {
    /// The connection has no such secret.
    NotFound,
    /// The manifest does not declare this use, or the host withholds it.
    Denied,
    /// The store cannot answer now.
    Unavailable,
    /// The host does not know the algorithm.
    Unsupported,
}

/// A piece of a message to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Part {
    /// These bytes.
    Bytes(#[serde(with = "crate::bytes")] Vec<u8>),
    /// The value of this secret.
    Secret(String),
}
