//! Writes a recording, in a thread of its own.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use connector_runtime::recording::{CALL_BYTES, CallEnd, RecordedCall, Recorder};
use connector_state::files;
use sha2::{Digest as _, Sha256};

use super::{Frame, MAGIC, RecordingError, RecordingHead, place};
use crate::vault::{Key, MasterKey, random_id};

/// Calls that wait to be written. With more the recording ends.
const WAITING: usize = 16;

/// A recording that is being written.
pub struct RecordingWriter {
    path: PathBuf,
    /// Taken when the recording ends.
    calls: Mutex<Option<SyncSender<RecordedCall>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    warn: Box<dyn Fn(&str) + Send + Sync>,
}

impl RecordingWriter {
    /// Begins a file of its own in `directory`, sealed under `master`, of `file_bytes` at most.
    /// What does not fit ends the recording, and the calls go on: then `warn` is told why.
    ///
    /// # Errors
    /// [`RecordingError`] when the file cannot be made.
    pub fn begin(
        directory: &Path,
        master: &MasterKey,
        head: RecordingHead,
        file_bytes: u64,
        warn: impl Fn(&str) + Clone + Send + Sync + 'static,
    ) -> Result<Self, RecordingError> {
        let (id, key) = (random_id()?, Key::random()?);
        let name = format!("{}-{}.recording", head.made_ms, id.split_at(8).0);
        let path = files::directory(directory)?.join(name);
        let mut begin = [MAGIC, id.as_bytes(), &key.sealed_under(&master.0, &id)?.0].concat();
        begin.extend(Sha256::digest(&begin));
        let mut file = files::open(&path)?;
        file.write_all(&begin)?;
        let mut frames = FrameWriter { file, key, id, next: 0, left: file_bytes };
        let is_redacted = head.is_redacted;
        frames.write(&Frame::Head(head))?;
        let (calls, received) = sync_channel(WAITING);
        let told = warn.clone();
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(move || {
            let end = frames.write_all(&received, is_redacted).err().map(|why| why.to_string());
            if let Some(why) = &end {
                told(why);
            }
            // Without it the file is as good as cut, which its reader says.
            frames.left = u64::MAX;
            let _ = frames.write(&Frame::End(end));
        })?;
        let (calls, thread) = (Mutex::new(Some(calls)), Mutex::new(Some(thread)));
        Ok(Self { path, calls, thread, warn: Box::new(warn) })
    }

    /// Ends the recording and waits until it is written. Answers its file.
    pub fn finish(&self) -> &Path {
        drop(self.calls.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that failed has left a file that is cut.
        thread.map(JoinHandle::join);
        &self.path
    }
}

impl Recorder for RecordingWriter {
    fn record(&self, call: RecordedCall) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = calls.as_ref() else { return };
        if let Err(TrySendError::Full(_)) = open.try_send(call) {
            // A recording with a hole would be none of what happened.
            *calls = None;
            (self.warn)("calls come faster than they can be written");
        }
    }
}

struct FrameWriter {
    file: File,
    key: Key,
    id: String,
    next: u64,
    left: u64,
}

impl FrameWriter {
    /// Writes calls until there are no more, or one cannot be written.
    fn write_all(&mut self, calls: &Receiver<RecordedCall>, redact: bool) -> io::Result<()> {
        for mut call in calls {
            if call.end == CallEnd::TooLarge {
                let text = format!("a call of {} is larger than {CALL_BYTES} bytes", call.export);
                return Err(io::Error::other(text));
            }
            if redact {
                call.redact();
            }
            self.write(&Frame::Call(call))?;
        }
        Ok(())
    }

    /// Writes a frame at once.
    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        let sealed = self.key.seal(place(&self.id, self.next), &serde_json::to_vec(frame)?);
        let sealed = sealed.map_err(io::Error::other)?.0;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        let left = self.left.checked_sub(u64::from(length));
        self.left = left.ok_or_else(|| io::Error::other("it has as many bytes as it may"))?;
        // The length twice, so that a changed one is no cut.
        let bytes = [&length.to_be_bytes()[..], &(!length).to_be_bytes(), &sealed].concat();
        self.next += 1;
        self.file.write_all(&bytes)
    }
}
