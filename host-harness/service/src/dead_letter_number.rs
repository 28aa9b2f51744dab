//! How a dead letter is called.

use std::fmt;
use std::str::FromStr;

/// The number of a dead letter: `3` came with a scan, `e3` with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterNumber {
    /// An item of a page.
    Record(u64),
    /// An event of a delivery.
    Event(u64),
}

impl FromStr for DeadLetterNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.strip_prefix('e') {
            Some(digits) => digits.parse().map(Self::Event),
            None => text.parse().map(Self::Record),
        };
        number.map_err(|_| "write a number as `dead-letters list` shows it".to_owned())
    }
}

impl fmt::Display for DeadLetterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(number) => write!(f, "{number}"),
            Self::Event(number) => write!(f, "e{number}"),
        }
    }
}
