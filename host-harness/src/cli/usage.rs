//! The user's slip: a command that was called wrongly.

use thiserror::Error;

/// The command was called wrongly.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Usage {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub next: Option<String>,
}

impl Usage {
    /// What is wrong.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), next: None }
    }

    /// And what to do about it.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}
