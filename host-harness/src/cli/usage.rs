//! The user's slip: a command that was called wrongly, or a name that is not known.

use host_harness::nearest::nearest;
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

/// A name that is not known: says which ones are, and which one is near.
pub fn unknown(kind: &str, word: &str, known: &[&str]) -> Usage {
    let list = if known.is_empty() {
        "none is known".to_owned()
    } else {
        format!("known: {}", known.join(", "))
    };
    let usage = Usage::new(format!("unknown {kind} \"{word}\"; {list}"));
    match nearest(word, known) {
        Some(name) => usage.next(format!("did you mean \"{name}\"?")),
        None => usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_names_are_told() {
        assert_eq!(
            unknown("object", "ordes", &["orders", "carriers"]).to_string(),
            "unknown object \"ordes\"; known: orders, carriers"
        );
    }
}
