//! Calls of a connector as they may be kept and made again: what was asked of it, what it asked of
//! the host and was answered, and what it answered.
//!
//! The runtime keeps nothing: each call is handed to a [`Recorder`].

mod difference;
mod redaction;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::difference::Difference;
pub(crate) use self::difference::difference;
pub(crate) use self::redaction::Redaction;

/// Largest call that is kept, in bytes of JSON.
pub const CALL_BYTES: usize = 16 * 1024 * 1024;

/// Keeps calls.
pub trait Recorder: Send + Sync {
    /// Takes a call that has ended or was cut, and how many bytes of JSON it is, about. It must not wait:
    /// it is called where calls are dropped, too.
    fn record(&self, call: RecordedCall, bytes: usize);
}

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Interface and function, e.g. `records.list`.
    pub export: String,
    /// By their names.
    pub arguments: Value,
    /// What it asked of the host, in order.
    pub imports: Vec<RecordedImport>,
    /// How it ended.
    pub end: CallEnd,
    /// How often it was begun before, each time suspended until the provider's limits let it
    /// go. What it asked then is not kept: it asks the same again.
    pub suspended: u32,
}

/// One import that a call used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedImport {
    /// Interface and function, e.g. `http.send`.
    pub import: String,
    /// Its arguments, by their names.
    pub asked: Value,
    /// What the host answered; `null` while [`RecordedImport::is_answered`] is false.
    pub answer: Value,
    /// False where the call was cut meanwhile.
    pub is_answered: bool,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CallEnd {
    /// With this answer.
    Answered(Value),
    /// By a fault or a bound that stops it each time.
    Stopped(String),
    /// From outside: dropped, or out of time.
    Cut(String),
    /// It is larger than [`CALL_BYTES`], so that nothing of it was kept.
    TooLarge,
}

impl Default for CallEnd {
    fn default() -> Self {
        Self::Cut("it was dropped before its end".to_owned())
    }
}
