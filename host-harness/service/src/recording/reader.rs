//! Reads a recording call by call.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use connector_runtime::recording::{CALL_BYTES, RecordedCall};
use connector_state::Sealed;
use sha2::{Digest as _, Sha256};

use super::{Frame, MAGIC, RecordingError, RecordingHead, place};
use crate::vault::{Key, MasterKey};

/// Bytes of the recording's id, of its sealed key, and of the SHA-256 over all before it.
const ID: usize = 32;
const SEALED_KEY: usize = 1 + 24 + 32 + 16;
const DIGEST: usize = 32;
/// No frame is larger: JSON escapes a byte by six at most.
const LONGEST: u32 = 6 * CALL_BYTES as u32;

/// A recording that is being read.
pub struct RecordingReader {
    file: BufReader<File>,
    key: Key,
    id: String,
    frame: u64,
    calls: u64,
    head: RecordingHead,
    end: Option<Option<String>>,
}

impl RecordingReader {
    /// Opens the recording in `path`.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn open(path: &Path, master: &MasterKey) -> Result<Self, RecordingError> {
        let mut file = BufReader::new(File::open(path)?);
        let begin = read(&mut file, MAGIC.len() + ID + SEALED_KEY)?;
        let (form, magic) = MAGIC.split_last().ok_or(RecordingError::NotARecording)?;
        match begin.strip_prefix(magic).and_then(<[u8]>::first) {
            Some(found) if found > form => return Err(RecordingError::NewerForm(*found)),
            Some(found) if found == form => {}
            _ => return Err(RecordingError::NotARecording),
        }
        let digest = read(&mut file, DIGEST)?;
        if digest.len() < DIGEST {
            return Err(RecordingError::Cut { calls: 0 });
        }
        let altered = || RecordingError::Altered { calls: 0 };
        if Sha256::digest(&begin).as_slice() != digest {
            return Err(altered());
        }
        let rest = begin.get(MAGIC.len()..).and_then(|rest| rest.split_at_checked(ID));
        let (id, key) = rest.ok_or_else(altered)?;
        let id = String::from_utf8(id.to_vec()).map_err(|_| altered())?;
        let key = Key::opened(&master.0, &id, &Sealed(key.to_vec()));
        let key = key.map_err(|_| RecordingError::WrongKey)?;
        let head = RecordingHead::default();
        let mut reader = Self { file, key, id, frame: 0, calls: 0, head, end: None };
        match reader.next_frame()? {
            Frame::Head(head) => Ok(Self { head, ..reader }),
            _ => Err(altered()),
        }
    }

    /// What the recording is of.
    #[must_use]
    pub fn head(&self) -> &RecordingHead {
        &self.head
    }

    /// Why the recording ends before the program did, once it has been read to its end.
    #[must_use]
    pub fn ended_early(&self) -> Option<&str> {
        self.end.as_ref()?.as_deref()
    }

    /// The next call; `None` after the last one.
    ///
    /// # Errors
    /// [`RecordingError::Cut`] in the place of an end, and [`RecordingError::Altered`].
    pub fn next_call(&mut self) -> Result<Option<RecordedCall>, RecordingError> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.next_frame()? {
            Frame::Call(call) => {
                self.calls += 1;
                Ok(Some(call))
            }
            Frame::End(end) if read(&mut self.file, 1)?.is_empty() => {
                self.end = Some(end);
                Ok(None)
            }
            _ => Err(RecordingError::Altered { calls: self.calls }),
        }
    }

    fn next_frame(&mut self) -> Result<Frame, RecordingError> {
        let (cut, altered) = (
            || RecordingError::Cut { calls: self.calls },
            || RecordingError::Altered { calls: self.calls },
        );
        let lengths = read(&mut self.file, 8)?.try_into().map_err(|_| cut())?;
        let lengths = u64::from_be_bytes(lengths);
        let (length, inverse) = ((lengths >> 32) as u32, lengths as u32);
        if length != !inverse || length > LONGEST {
            return Err(altered());
        }
        let sealed = read(&mut self.file, length as usize)?;
        if sealed.len() < length as usize {
            return Err(cut());
        }
        let plain = self.key.open(place(&self.id, self.frame), &Sealed(sealed));
        self.frame += 1;
        serde_json::from_slice(plain.map_err(|_| altered())?.expose()).map_err(|_| altered())
    }
}

/// The next `bytes`; fewer at the end of the file.
fn read(file: &mut BufReader<File>, bytes: usize) -> Result<Vec<u8>, RecordingError> {
    let mut found = Vec::new();
    file.take(bytes as u64).read_to_end(&mut found)?;
    Ok(found)
}
