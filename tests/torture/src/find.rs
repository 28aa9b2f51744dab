//! What went against a rule.

use std::fmt;

/// A rule that was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which rule; README.md lists them.
    rule: &'static str,
    what: String,
}

impl Violation {
    /// Of this rule.
    pub fn new(rule: &'static str, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.rule, self.what)
    }
}
