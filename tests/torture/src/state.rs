//! What outlives the hosts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use host_harness::clock::Clock;
use host_harness::contract::limits::Slots;
use host_harness::mirror::Mirror;
use host_harness::push::Intents;
use host_harness::store::memory::{Halt, Memory, Rows};
use host_harness::store::{Sqlite, Store};
use host_harness::webhooks::Inbox;

/// The rows in memory, or a file.
pub enum Disk {
    Rows(Arc<Mutex<Rows>>),
    File(PathBuf),
}

/// A host's way to the disk.
#[derive(Clone)]
pub struct State {
    pub store: Arc<dyn Store>,
    pub mirror: Arc<dyn Mirror>,
    pub inbox: Arc<dyn Inbox>,
    pub intents: Arc<dyn Intents>,
    pub slots: Arc<dyn Slots>,
    /// Where it can be told to fail.
    pub process: Process,
}

/// A host's way to the disk, by the kind of disk.
#[derive(Clone)]
pub enum Process {
    Memory(Arc<Memory>),
    File(Arc<Sqlite>),
}

impl Process {
    /// Whether the file may grow by further pages.
    pub fn grow(&self, may: bool) {
        let Self::File(sqlite) = self else { return };
        // It is never less than what there is.
        let most = if may { u32::MAX - 1 } else { 1 };
        sqlite.with_connection(|on| {
            on.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
        });
    }
}

impl Disk {
    /// An empty one, for the day of this seed.
    pub fn new(seed: u64, sqlite: bool) -> Self {
        if !sqlite {
            return Self::Rows(Arc::default());
        }
        // Commits that wait for a real disk would take longer than the day.
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let number = std::thread::current().id();
        let folder = base.join(format!("torture-{}-{seed}-{number:?}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Self::File(folder)
    }

    /// Opens it, as a process does that `halt` stops.
    pub fn open(&self, halt: &Arc<Halt>, clock: Arc<dyn Clock>) -> State {
        match self {
            Self::Rows(rows) => {
                let memory = Memory::open(rows, halt, clock);
                State::of(Arc::clone(&memory), Process::Memory(memory))
            }
            Self::File(folder) => {
                let sqlite = Sqlite::open_inline(&folder.join("state/state.db"), clock);
                let sqlite = Arc::new(sqlite.unwrap());
                State::of(Arc::clone(&sqlite), Process::File(sqlite))
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::File(folder) = self {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl State {
    fn of<T: Store + Mirror + Inbox + Intents + Slots + 'static>(
        all: Arc<T>,
        process: Process,
    ) -> Self {
        Self {
            store: Arc::clone(&all) as _,
            mirror: Arc::clone(&all) as _,
            inbox: Arc::clone(&all) as _,
            intents: Arc::clone(&all) as _,
            slots: all,
            process,
        }
    }
}
