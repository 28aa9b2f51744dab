//! Verbs that are not create, read, update or delete.

use serde::{Deserialize, Serialize};

use crate::types::{Attempt, ObjectRecord};

/// A call of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Name of the object.
    pub object: String,
    /// Name of the action.
    pub action: String,
    /// Present exactly when the action is `on-record`.
    pub id: Option<String>,
    /// Valid against the action's `input-schema`.
    pub input: String,
    /// Which change this is, and whether it was tried before.
    pub attempt: Attempt,
}

/// What an action answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Valid against the action's `output-schema`.
    pub output: String,
    /// Records that the action changed, as they are now.
    pub written: Vec<ObjectRecord>,
}
