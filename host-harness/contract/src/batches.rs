//! Several writes in one request.

use serde::{Deserialize, Serialize};

use crate::types::Attempt;

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Its identity.
    pub id: String,
    /// JSON Merge Patch (RFC 7396).
    pub patch: String,
    /// Only if the record is still of this version.
    pub expected: Option<String>,
}

/// The removal of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Its identity.
    pub id: String,
    /// Only if the record is still of this version.
    pub expected: Option<String>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Makes a record of this input.
    Create(String),
    /// Changes a record.
    Update(Patch),
    /// Removes a record.
    Delete(Removal),
}

/// As in the function of `records` of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What to do.
    pub operation: Operation,
    /// Which change this is, and whether it was tried before.
    pub attempt: Attempt,
}
