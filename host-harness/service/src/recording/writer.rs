//! Writes a recording, in a thread of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use connector_runtime::recording::{CALL_BYTES, End, RecordedCall, Recorder};
use connector_state::files;
use sha2::{Digest as _, Sha256};

use super::{FORM, Frame, MAGIC, RecordingError, RecordingHead, place};
use crate::vault::{Key, MasterKey, random_id};

/// How much is recorded at most. What does not fit ends the recording; the calls go on.
#[derive(Debug, Clone, Copy)]
pub struct RecordingBounds {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Calls that wait to be written.
    pub waiting: usize,
}

impl Default for RecordingBounds {
    fn default() -> Self {
        Self { file_bytes: 1024 * 1024 * 1024, waiting: 16 }
    }
}

/// A recording that is being written.
pub struct RecordingWriter {
    path: PathBuf,
    /// Taken when the recording ends.
    calls: Mutex<Option<SyncSender<RecordedCall>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    warn: Box<dyn Fn(&str) + Send + Sync>,
}

impl RecordingWriter {
    /// Begins a file of its own in `directory`, sealed under `master`. `warn` is told why the
    /// recording ends early, if it does.
    ///
    /// # Errors
    /// [`RecordingError`] when the file cannot be made.
    pub fn begin(
        directory: &Path,
        master: &MasterKey,
        head: RecordingHead,
        bounds: RecordingBounds,
        warn: impl Fn(&str) + Clone + Send + Sync + 'static,
    ) -> Result<Self, RecordingError> {
        let id = random_id()?;
        let key = Key::random()?;
        let directory = files::directory(directory).map_err(failed(directory))?;
        let path = directory.join(format!("{}-{}.recording", head.made_ms, id.split_at(8).0));
        let mut begin = format!("{MAGIC}{FORM}\n{id}").into_bytes();
        begin.extend(key.sealed_under(&master.0, &id)?.0);
        begin.extend(Sha256::digest(&begin));
        let mut file = files::open(&path).map_err(failed(&path))?;
        file.write_all(&begin).map_err(failed(&path))?;
        let (calls, received) = sync_channel(bounds.waiting);
        let mut frames = FrameWriter { file, key, id, next: 0, left: bounds.file_bytes };
        let is_redacted = head.is_redacted;
        frames
            .write(&Frame::Head(head))
            .map_err(|why| failed(&path)(std::io::Error::other(why)))?;
        let (told, begin) =
            (warn.clone(), std::thread::Builder::new().name("recording".to_owned()));
        let thread = begin.spawn(move || {
            let end = frames.write_all(&received, is_redacted);
            if let Some(why) = &end {
                told(why);
            }
            // Without it the file is as good as cut, which its reader says.
            let _ = frames.write(&Frame::End(end));
        });
        let thread = Mutex::new(Some(thread.map_err(failed(&path))?));
        Ok(Self { path, calls: Mutex::new(Some(calls)), thread, warn: Box::new(warn) })
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
    /// Writes calls until there are no more; answers why it ended before.
    fn write_all(&mut self, calls: &Receiver<RecordedCall>, redact: bool) -> Option<String> {
        for mut call in calls {
            if call.end == End::TooLarge {
                return Some(format!(
                    "a call of {} is larger than {CALL_BYTES} bytes",
                    call.export
                ));
            }
            if redact {
                call.redact();
            }
            if let Err(why) = self.write(&Frame::Call(call)) {
                return Some(why);
            }
        }
        None
    }

    /// Writes a frame at once.
    fn write(&mut self, frame: &Frame) -> Result<(), String> {
        let plain = serde_json::to_vec(frame).map_err(|why| why.to_string())?;
        let sealed = self.key.seal(place(&self.id, self.next), &plain);
        let sealed = sealed.map_err(|why| why.to_string())?.0;
        let length = u32::try_from(sealed.len()).map_err(|why| why.to_string())?;
        let left = self.left.checked_sub(sealed.len() as u64 + 8);
        match left {
            Some(left) => self.left = left,
            None if matches!(frame, Frame::End(_)) => {}
            None => return Err("it has as many bytes as it may".to_owned()),
        }
        // The length twice, so that a changed one is no cut.
        let bytes = [&length.to_be_bytes()[..], &(!length).to_be_bytes(), &sealed].concat();
        self.file.write_all(&bytes).map_err(|why| why.to_string())?;
        self.next += 1;
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> RecordingError {
    let path = path.to_owned();
    move |source| RecordingError::File { path: path.clone(), source }
}
