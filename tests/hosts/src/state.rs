//! The state that the hosts share.

use std::path::PathBuf;
use std::sync::Arc;

use connector_state::conformance::State;
use host_harness::clock::SystemClock;
use host_harness::store::Sqlite;

/// Where it is.
pub struct Disk {
    /// A folder of this run, gone with it.
    folder: PathBuf,
}

impl Disk {
    /// An empty one.
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("hosts-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    /// What `--state` says.
    pub fn argument(&self) -> String {
        self.folder.join("state").display().to_string()
    }

    /// Whether hosts on several machines could share it.
    pub fn is_shared(&self) -> bool {
        false
    }

    /// Something goes wrong with it, in a word or two.
    pub async fn trouble(&self, _: &mut fastrand::Rng) -> &'static str {
        "nothing"
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A way to it of this program's own.
    pub async fn open(&self) -> Arc<dyn State> {
        let file = self.folder.join("state/state.db");
        Arc::new(Sqlite::open(&file, Arc::new(SystemClock)).unwrap())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
