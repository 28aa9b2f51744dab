//! Recordings: files of calls, sealed as secrets at rest are, that can be made again.
//!
//! A file is a mark and its form, the recording's id, its key under the master key, the SHA-256 of
//! all this, and then sealed frames: first what the recording is of, then one for
//! each call, last how it ended. Each frame is written at once, so a file that is cut anywhere can
//! be read up to the cut; and each is sealed for its number, so none can be changed, left out or
//! moved.

mod reader;
mod writer;

use connector_runtime::recording::RecordedCall;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::reader::RecordingReader;
pub use self::writer::RecordingWriter;
use crate::vault::{SealContext, SealError};

/// How a file begins. Its last byte is the number of the form, and the only one that is read.
const MAGIC: &[u8] = b"connector recording \x01";

/// What a recording is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingHead {
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// Name and version of the connector.
    pub connector: String,
    /// Whether values were replaced.
    pub is_redacted: bool,
    /// When it began, in milliseconds since 1970.
    pub made_ms: u64,
}

#[derive(Serialize, Deserialize)]
enum Frame {
    Head(RecordingHead),
    Call(RecordedCall),
    /// The last one; why it ends before the program did.
    End(Option<String>),
}

/// Why a recording cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The system's reason.
    #[error("the file of the recording cannot be used: {0}")]
    File(#[from] std::io::Error),
    /// Another file.
    #[error("this is no recording: it does not begin as one")]
    NotARecording,
    /// Made by a newer program.
    #[error(
        "the recording has form {0}, and this program reads older ones only; use a newer program"
    )]
    NewerForm(u8),
    /// Sealed under another master key.
    #[error("the recording does not open with this master key; use the key with which it was made")]
    WrongKey,
    /// Bytes were changed, left out or added.
    #[error(
        "the recording was changed after it was made: what stands after {calls} calls does not open"
    )]
    Altered {
        /// The calls before it.
        calls: u64,
    },
    /// It has no end: the program that wrote it was killed, or the file was cut.
    #[error("the recording is cut after {calls} whole calls")]
    Cut {
        /// The calls before the cut.
        calls: u64,
    },
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Where a frame is sealed.
fn place(id: &str, frame: u64) -> SealContext<'_> {
    SealContext { connection: id, kind: "recording", name: "", version: frame }
}

#[cfg(test)]
mod tests;
