//! Writes a recording, in a thread of its own.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use connector_runtime::recording::{CALL_BYTES, CallEnd, RecordedCall, Recorder};
use connector_state::files;
use sha2::{Digest as _, Sha256};

use super::{Frame, MAGIC, RecordingError, RecordingHead, place};
use crate::vault::{Key, MasterKey, random_id};

/// Bytes of calls that may wait to be written. With more the recording ends: one with a hole would be
/// none of what happened.
const WAITING_BYTES: usize = 256 * 1024 * 1024;

/// A call, and how many bytes it is.
type Waiting = (RecordedCall, usize);

/// What waits to be written.
#[derive(Default)]
struct Backlog {
    bytes: AtomicUsize,
    overflowed: AtomicBool,
}

/// A recording that is being written.
pub struct RecordingWriter {
    path: PathBuf,
    /// Taken when the recording ends.
    calls: Mutex<Option<Sender<Waiting>>>,
    backlog: Arc<Backlog>,
    thread: Mutex<Option<JoinHandle<()>>>,
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
        warn: impl Fn(&str) + Send + 'static,
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
        let (calls, received) = channel();
        let backlog = Arc::<Backlog>::default();
        let writing = Arc::clone(&backlog);
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(move || {
            let end = frames.write_all(&received, &writing, is_redacted);
            let end = end.err().map(|why| why.to_string());
            if let Some(why) = &end {
                warn(why);
            }
            // Without it the file is as good as cut, which its reader says.
            frames.left = u64::MAX;
            let _ = frames.write(&Frame::End(end));
        })?;
        let (calls, thread) = (Mutex::new(Some(calls)), Mutex::new(Some(thread)));
        Ok(Self { path, calls, backlog, thread })
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
    fn record(&self, call: RecordedCall, bytes: usize) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = calls.as_ref() else { return };
        // Small calls, too, are bounded in number.
        let bytes = bytes.saturating_add(size_of::<Waiting>());
        let waiting = self.backlog.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let is_full = waiting > WAITING_BYTES;
        self.backlog.overflowed.fetch_or(is_full, Ordering::Relaxed);
        // The thread that writes says why the recording ends; it has ended where nobody receives.
        if is_full || open.send((call, bytes)).is_err() {
            *calls = None;
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
    fn write_all(
        &mut self,
        calls: &Receiver<Waiting>,
        backlog: &Backlog,
        redact: bool,
    ) -> io::Result<()> {
        for (mut call, bytes) in calls {
            if call.end == CallEnd::TooLarge {
                let text = format!("a call of {} is larger than {CALL_BYTES} bytes", call.export);
                return Err(io::Error::other(text));
            }
            if redact {
                call.redact();
            }
            self.write(&Frame::Call(call))?;
            backlog.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        match backlog.overflowed.load(Ordering::Relaxed) {
            true => Err(io::Error::other("calls come faster than they can be written")),
            false => Ok(()),
        }
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
