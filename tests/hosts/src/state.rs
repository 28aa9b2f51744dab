//! The state that the hosts share: in PostgreSQL where that is installed, or in SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use connector_state::conformance::State;
use connector_state_postgres::testing::CuttingProxy;
pub use connector_state_postgres::testing::{PROGRAMS, TestServer};
use fastrand::Rng;
use host_harness::clock::SystemClock;
use host_harness::store::{Address, Postgres, Sqlite};

/// Where it is.
pub struct Disk {
    /// A folder of this run, gone with it.
    folder: PathBuf,
    /// Where it is in PostgreSQL; `None`: in SQLite.
    shared: Option<Shared>,
}

/// A state in PostgreSQL.
struct Shared {
    /// Its address for the hosts.
    theirs: String,
    /// Its address for this program.
    ours: String,
    /// Between the hosts and the server.
    proxy: Option<Arc<CuttingProxy>>,
}

/// Numbers the folders.
static MADE: AtomicUsize = AtomicUsize::new(0);

impl Disk {
    /// An empty one; with `sqlite` in SQLite whatever is installed. A proxy between hosts and server cuts
    /// connections when it is told to.
    pub fn new(sqlite: bool) -> Self {
        let mut disk = Self::sqlite();
        if sqlite || PROGRAMS.is_none() {
            return disk;
        }
        let proxy = CuttingProxy::listen(&disk.folder);
        let theirs = format!("postgres://tests@/postgres?host={}", disk.folder.display());
        let ours = TestServer::get().place();
        disk.shared = Some(Shared { theirs, ours, proxy: Some(proxy) });
        disk
    }

    /// An empty one in SQLite.
    pub fn sqlite() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("hosts-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Self { folder, shared: None }
    }

    /// An empty one in PostgreSQL, in a schema of its own; `by`: what hosts reach the server by instead of
    /// its socket, as the beginning of an address.
    pub fn postgres(schema: &str, by: Option<&str>) -> Self {
        let ours = format!("{}&schema={schema}", TestServer::get().place());
        let theirs = by.map_or_else(|| ours.clone(), |by| format!("{by}?schema={schema}"));
        let mut disk = Self::sqlite();
        disk.shared = Some(Shared { theirs, ours, proxy: None });
        disk
    }

    /// What it is in.
    pub fn name(&self) -> &'static str {
        if self.is_shared() { "PostgreSQL" } else { "SQLite" }
    }

    /// What `--state` says.
    pub fn argument(&self) -> String {
        match &self.shared {
            Some(shared) => shared.theirs.clone(),
            None => self.folder.join("state").display().to_string(),
        }
    }

    /// Whether hosts on several machines could share it.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Something goes wrong with it, in a word or two.
    pub fn trouble(&self, random: &mut Rng) -> &'static str {
        let proxy = self.shared.as_ref().and_then(|shared| shared.proxy.as_ref());
        let Some(proxy) = proxy else { return "nothing" };
        match random.u8(0..6) {
            0 => {
                TestServer::get().crash();
                "server fell"
            }
            1 | 2 => {
                TestServer::get().run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
                );
                "connections ended"
            }
            3 => {
                proxy.before.fetch_add(random.usize(1..4), Ordering::SeqCst);
                "commits lost"
            }
            _ => {
                proxy.after.fetch_add(random.usize(1..4), Ordering::SeqCst);
                "answers lost"
            }
        }
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A way to it of this program's own.
    pub async fn open(&self) -> Arc<dyn State> {
        if let Some(shared) = &self.shared {
            let address = Address::read(&shared.ours, |_| None).unwrap();
            return Arc::new(Postgres::open(&address).await.unwrap());
        }
        let file = self.folder.join("state/state.db");
        Arc::new(Sqlite::open(&file, Arc::new(SystemClock)).unwrap())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_some() {
            return;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
