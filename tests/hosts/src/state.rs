//! The state that the hosts share: in PostgreSQL where that is installed, or in SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use connector_state::conformance::State;
use connector_state_postgres::testing::{CuttingProxy, PROGRAMS, TestServer};
use fastrand::Rng;
use host_harness::clock::SystemClock;
use host_harness::store::{Address, Postgres, Sqlite};

/// Where it is.
pub struct Disk {
    /// A folder of this run, gone with it.
    folder: PathBuf,
    /// Between the hosts and the server.
    proxy: Option<Arc<CuttingProxy>>,
}

impl Disk {
    /// An empty one; with `sqlite` in SQLite whatever is installed.
    pub fn new(sqlite: bool) -> Self {
        let folder = std::env::temp_dir().join(format!("hosts-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let proxy = (!sqlite && PROGRAMS.is_some()).then(|| CuttingProxy::listen(&folder));
        Self { folder, proxy }
    }

    /// What it is in.
    pub fn name(&self) -> &'static str {
        if self.proxy.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// What `--state` says.
    pub fn argument(&self) -> String {
        match self.proxy {
            Some(_) => format!("postgres://tests@/postgres?host={}", self.folder.display()),
            None => self.folder.join("state").display().to_string(),
        }
    }

    /// Whether hosts on several machines could share it.
    pub fn is_shared(&self) -> bool {
        self.proxy.is_some()
    }

    /// Something goes wrong with it, in a word or two.
    pub fn trouble(&self, random: &mut Rng) -> &'static str {
        let Some(proxy) = &self.proxy else { return "nothing" };
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
        if self.proxy.is_some() {
            let address = Address::read(&TestServer::get().place(), |_| None).unwrap();
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
