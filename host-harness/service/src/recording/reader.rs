//! Reads a recording call by call.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use connector_runtime::recording::{CALL_BYTES, RecordedCall};
use connector_state::Sealed;
use sha2::{Digest as _, Sha256};

use super::{FORM, Frame, MAGIC, RecordingError, RecordingHead, place};
use crate::vault::{Key, MasterKey};

/// Bytes of the recording's id, of its sealed key, and of the SHA-256 over what stands before it.
const ID: usize = 32;
const SEALED_KEY: usize = 1 + 24 + 32 + 16;
const DIGEST: usize = 32;
/// No frame is larger: JSON escapes a byte by six at most.
const LONGEST: u32 = 6 * CALL_BYTES as u32;

/// A recording that is being read.
pub struct RecordingReader {
    file: BufReader<File>,
    path: PathBuf,
    key: Key,
    id: String,
    frame: u64,
    head: RecordingHead,
    end: Option<Option<String>>,
}

impl RecordingReader {
    /// Opens the recording in `path`.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn open(path: &Path, master: &MasterKey) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::File { path: path.to_owned(), source };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') && line.len() < 2 * MAGIC.len() {
            match read(&mut file, 1).map_err(failed)?.first() {
                Some(byte) => line.push(*byte),
                None => return Err(RecordingError::NotARecording),
            }
        }
        let form = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix(MAGIC));
        let form: Option<u32> = form.and_then(|form| form.trim_end().parse().ok());
        match form {
            Some(FORM) => {}
            Some(newer) if newer > FORM => return Err(RecordingError::NewerForm(newer)),
            _ => return Err(RecordingError::NotARecording),
        }
        let begin = read(&mut file, ID + SEALED_KEY).map_err(failed)?;
        let digest = read(&mut file, DIGEST).map_err(failed)?;
        let Some((id, sealed)) = begin.split_at_checked(ID).filter(|_| digest.len() == DIGEST)
        else {
            return Err(RecordingError::Cut { calls: 0 });
        };
        let altered = || RecordingError::Altered { calls: 0 };
        if Sha256::digest([&line[..], &begin].concat()).as_slice() != digest {
            return Err(altered());
        }
        let id = String::from_utf8(id.to_vec()).map_err(|_| altered())?;
        let key = Key::opened(&master.0, &id, &Sealed(sealed.to_vec()));
        let key = key.map_err(|_| RecordingError::WrongKey)?;
        let path = path.to_owned();
        let head = RecordingHead::default();
        let mut reader = Self { file, path, key, id, frame: 0, head, end: None };
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
            Frame::Call(call) => Ok(Some(call)),
            Frame::End(end) if self.read(1)?.is_empty() => {
                self.end = Some(end);
                Ok(None)
            }
            _ => Err(self.altered()),
        }
    }

    fn next_frame(&mut self) -> Result<Frame, RecordingError> {
        let cut = RecordingError::Cut { calls: self.frame.saturating_sub(1) };
        let bytes = self.read(8)?;
        let Ok(lengths) = <[u8; 8]>::try_from(bytes) else { return Err(cut) };
        let lengths = u64::from_be_bytes(lengths);
        let (length, inverse) = ((lengths >> 32) as u32, lengths as u32);
        if length != !inverse || length > LONGEST {
            return Err(self.altered());
        }
        let sealed = self.read(length as usize)?;
        if sealed.len() < length as usize {
            return Err(cut);
        }
        let plain = self.key.open(place(&self.id, self.frame), &Sealed(sealed));
        let plain = plain.map_err(|_| self.altered())?;
        let frame = serde_json::from_slice(plain.expose()).map_err(|_| self.altered())?;
        self.frame += 1;
        Ok(frame)
    }

    fn altered(&self) -> RecordingError {
        RecordingError::Altered { calls: self.frame.saturating_sub(1) }
    }

    fn read(&mut self, bytes: usize) -> Result<Vec<u8>, RecordingError> {
        let failed = |source| RecordingError::File { path: self.path.clone(), source };
        read(&mut self.file, bytes).map_err(failed)
    }
}

/// The next `bytes`; fewer at the end of the file.
fn read(file: &mut BufReader<File>, bytes: usize) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    file.take(bytes as u64).read_to_end(&mut found)?;
    Ok(found)
}
