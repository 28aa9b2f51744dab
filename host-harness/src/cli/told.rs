//! Lines for stderr, written by a thread of their own.
//!
//! Whoever reads stderr may stop to read: a pipe that is full, a log driver that blocks. A write
//! then waits, and most of what is said is said while a request is answered. So lines wait in a
//! queue, in their order:
//!
//! | a line of | waits to be written |
//! |---|---|
//! | a command ([`LineQueue::say`]) | for [`PATIENCE`] at most |
//! | something that must go on ([`LineQueue::tell`]) | never |
//!
//! When [`QUEUED`] lines wait, further ones are left out and counted, and as soon as there is room
//! the count is written in their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that wait.
const QUEUED: usize = 1_024;
/// How long a command waits until its line is written.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes lines. Whatever it was given is written, or waits for a reader, when it is dropped.
pub struct LineQueue {
    queue: SyncSender<QueuedLine>,
    left_out: Arc<AtomicU64>,
}

struct QueuedLine {
    text: Option<String>,
    /// Hears that all lines up to this one are written.
    written: Option<SyncSender<()>>,
}

impl LineQueue {
    /// Has `write` called for each line, on a thread of its own.
    pub fn new(write: impl FnMut(&str) + Send + 'static) -> Self {
        let (queue, lines) = sync_channel(QUEUED);
        let left_out = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&left_out);
        let thread = std::thread::Builder::new().name("stderr".to_owned());
        // Without it the command is as good, only silent.
        let _ = thread.spawn(move || write_all(&lines, &counted, write));
        Self { queue, left_out }
    }

    /// Has a line written, and waits for it, though not for ever.
    pub fn say(&self, line: &str) {
        self.put(Some(line), true);
    }

    /// Has a line written, and does not wait for it.
    pub fn tell(&self, line: &str) {
        self.put(Some(line), false);
    }

    /// Waits for the lines so far, though not for ever.
    pub fn flush(&self) {
        self.put(None, true);
    }

    fn put(&self, text: Option<&str>, waits: bool) {
        let (written, hears) = sync_channel(1);
        let text = text.map(str::to_owned);
        let is_line = text.is_some();
        let line = QueuedLine { text, written: waits.then_some(written) };
        if self.queue.try_send(line).is_err() {
            self.left_out.fetch_add(u64::from(is_line), Ordering::Relaxed);
        } else if waits {
            let wait = || hears.recv_timeout(PATIENCE);
            let _ = match tokio::runtime::Handle::try_current() {
                // Other tasks of this thread go on meanwhile.
                Ok(_) => tokio::task::block_in_place(wait),
                Err(_) => wait(),
            };
        }
    }
}

fn write_all(lines: &Receiver<QueuedLine>, left_out: &AtomicU64, mut write: impl FnMut(&str)) {
    for QueuedLine { text, written } in lines {
        if let Some(text) = text {
            write(&text);
        }
        let count = left_out.swap(0, Ordering::Relaxed);
        if count > 0 {
            write(&format!("{count} lines are left out here: stderr was not read in time"));
        }
        if let Some(written) = written {
            let _ = written.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_tells_never_waits_for_a_reader_and_what_is_left_out_is_counted() {
        let written = Arc::<Mutex<Vec<String>>>::default();
        let (unblock, blocked) = channel::<()>();
        let (began, begins) = channel::<()>();
        let told = LineQueue::new({
            let written = Arc::clone(&written);
            move |line| {
                // The first line finds nobody who reads, until the test has told all.
                if line == "0" {
                    began.send(()).unwrap();
                    blocked.recv().unwrap();
                }
                written.lock().unwrap().push(line.to_owned());
            }
        });
        told.tell("0");
        begins.recv().unwrap();
        for number in 1..=QUEUED + 7 {
            told.tell(&number.to_string());
        }
        assert!(written.lock().unwrap().is_empty());
        unblock.send(()).unwrap();
        while written.lock().unwrap().len() < QUEUED {
            std::thread::yield_now();
        }
        told.say("last");
        let lines = written.lock().unwrap();
        // It is told as soon as there is room.
        assert!(lines[1].starts_with("7 lines are left out"), "{}", lines[1]);
        let numbers = (0..=QUEUED).map(|number| number.to_string());
        let expected: Vec<String> = numbers.chain(["last".to_owned()]).collect();
        assert_eq!([&lines[..1], &lines[2..]].concat(), expected);
    }
}
