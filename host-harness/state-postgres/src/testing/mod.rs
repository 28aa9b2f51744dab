//! PostgreSQL servers for the tests of a program: each in a directory of its own, the one that they share
//! on a Unix socket alone.
//!
//! A shell watches a pipe from this program, which ends however this program ends. Then it stops the
//! server and removes the directory. A server that falls is started again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests, which fail at once")]

mod cut;

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub use self::cut::CuttingProxy;

/// `$1` the directory, `$2` the programs, `$3` the port on loopback, or nothing; `$4...` what runs them as
/// another user.
const WATCHED: &str = r#"
dir=$1; bin=$2; port=$3; shift 3
exec 2>"$dir/log"
"$@" "$bin/initdb" --no-sync --auth trust --username tests --encoding UTF8 --locale C -D "$dir/data" >>"$dir/log" || exit 1
while :; do
    "$@" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses=${port:+127.0.0.1} \
        -c port="${port:-5432}" -c max_connections=500 -c max_locks_per_transaction=256 -c shared_buffers=128MB -c deadlock_timeout=50ms -c max_wal_size=2GB \
        </dev/null >>"$dir/log"
    sleep 1
done &
loop=$!
trap 'kill $loop; server=$(head -n 1 "$dir/data/postmaster.pid"); kill -QUIT $server
    while kill -0 $server; do sleep 0.1; done; rm -rf "$dir"' EXIT
trap 'exit' INT TERM HUP
read -r _
"#;

/// Where the programs of a server are; `None`: none is installed.
pub const PROGRAMS: Option<&str> = option_env!("POSTGRES_PROGRAMS");

/// A server.
pub struct TestServer {
    directory: PathBuf,
    /// On loopback.
    port: Option<u16>,
    _watching: Child,
}

static SERVER: OnceLock<TestServer> = OnceLock::new();

impl TestServer {
    /// The server of this program, started when it is asked for first. There is one where [`PROGRAMS`]
    /// are.
    pub fn get() -> &'static Self {
        SERVER.get_or_init(|| start("shared", None))
    }

    /// A further one, until it is dropped, that takes connections on loopback too.
    pub fn on_loopback(name: &str) -> Self {
        // Free now; nobody else asks for ports here.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        start(name, Some(port))
    }

    /// The directory of its socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The beginning of the address of its database.
    pub fn place(&self) -> String {
        format!("postgres://tests@/postgres?host={}", self.directory.display())
    }

    /// The beginning of the address of its database by way of `host`, which is this machine.
    pub fn place_at(&self, host: &str) -> String {
        format!("postgres://tests@{host}:{}/postgres", self.port.unwrap_or_default())
    }

    /// Gives it a file that nobody else may read.
    pub fn keep(&self, name: &str, content: &str) -> PathBuf {
        let file = self.directory.join(name);
        connector_state::files::make(&file).unwrap();
        std::fs::write(&file, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let owner = std::fs::metadata(&self.directory).unwrap().uid();
            std::os::unix::fs::chown(&file, Some(owner), None).unwrap();
        }
        file
    }

    /// Changes settings that need no restart, and waits until who connects finds them.
    pub fn set(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.run(&format!("ALTER SYSTEM SET {name} = '{value}'"));
        }
        self.run("SELECT pg_reload_conf()");
        for (name, value) in settings {
            self.wait_until(&format!("SELECT current_setting('{name}') = '{value}'"));
        }
    }

    /// Waits until a condition is true for who connects.
    pub fn wait_until(&self, condition: &str) {
        wait(&self.directory, || self.ask(condition).trim() == "t");
    }

    /// Lets it fall as in a loss of power; it comes back after a second.
    pub fn crash(&self) {
        let file = std::fs::read_to_string(self.directory.join("data/postmaster.pid"));
        if let Some(process) = file.unwrap_or_default().lines().next() {
            let _ = Command::new("kill").args(["-QUIT", process]).status();
        }
    }

    /// Has it run a statement, by its own program.
    pub fn run(&self, sql: &str) {
        self.ask(sql);
    }

    /// What a statement answers; nothing when it fails.
    pub fn ask(&self, sql: &str) -> String {
        let mut command = Command::new(Path::new(PROGRAMS.unwrap_or_default()).join("psql"));
        command.arg("-h").arg(&self.directory).args(["-p", &self.port.unwrap_or(5432).to_string()]);
        command.args(["-U", "tests", "-d", "postgres", "-Xqtc", sql]).stdin(Stdio::null());
        let told = command.stderr(Stdio::null()).output();
        told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default()
    }
}

fn start(name: &str, port: Option<u16>) -> TestServer {
    let directory = format!("state-postgres-{}-{name}", std::process::id());
    let directory = std::env::temp_dir().join(directory);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).unwrap();
    let mut watching = Command::new("sh");
    watching.args(["-c", WATCHED, "sh"]).arg(&directory).arg(PROGRAMS.unwrap_or_default());
    watching.arg(port.map(|port| port.to_string()).unwrap_or_default());
    // It refuses to run as root.
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        let user = ["postgres", "nobody"].iter().find_map(|name| user(name)).unwrap();
        std::os::unix::fs::chown(&directory, Some(user), None).unwrap();
        let user = user.to_string();
        watching.args(["setpriv", "--reuid", &user, "--clear-groups"]);
    } else {
        watching.arg("env");
    }
    let child = watching.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait(&directory, || log(&directory).contains("ready to accept connections"));
    TestServer { directory, port, _watching: child }
}

/// Waits for a server.
fn wait(directory: &Path, is_there: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_there() {
        assert!(Instant::now() < until, "the server does not come: {}", log(directory));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn user(name: &str) -> Option<u32> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
    line.split(':').nth(2)?.parse().ok()
}

fn log(directory: &Path) -> String {
    let mut text = String::new();
    let _ = std::fs::File::open(directory.join("log"))
        .and_then(|mut file| file.read_to_string(&mut text));
    text
}
