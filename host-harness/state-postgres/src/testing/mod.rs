//! A PostgreSQL server for the tests of a program: in a directory of its own, on a Unix socket alone.
//!
//! A shell watches a pipe from this program, which ends however this program ends. Then it stops the
//! server and removes the directory. A server that falls is started again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests, which fail at once")]

mod cut;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub use self::cut::CuttingProxy;

/// `$1` the directory, `$2` the programs, `$3...` what runs them as another user.
const WATCHED: &str = r#"
dir=$1; bin=$2; shift 2
exec 2>"$dir/log"
"$@" "$bin/initdb" --no-sync --auth trust --username tests --encoding UTF8 --locale C -D "$dir/data" >>"$dir/log" || exit 1
while :; do
    "$@" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=500 \
        -c fsync=on -c shared_buffers=128MB -c deadlock_timeout=50ms -c max_wal_size=2GB \
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

/// The server of this program.
pub struct TestServer {
    directory: PathBuf,
    _watching: Child,
}

static SERVER: OnceLock<TestServer> = OnceLock::new();

impl TestServer {
    /// The server, started when it is asked for first. There is one where [`PROGRAMS`] are.
    pub fn get() -> &'static Self {
        SERVER.get_or_init(start)
    }

    /// The directory of its socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The beginning of the address of its database.
    pub fn place(&self) -> String {
        format!("postgres://tests@/postgres?host={}", self.directory.display())
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
        let program = Path::new(PROGRAMS.unwrap_or_default()).join("psql");
        let mut command = Command::new(program);
        command.arg("-h").arg(&self.directory).args(["-U", "tests", "-d", "postgres", "-qc", sql]);
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn start() -> TestServer {
    let directory = std::env::temp_dir().join(format!("state-postgres-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).unwrap();
    let mut watching = Command::new("sh");
    watching.args(["-c", WATCHED, "sh"]).arg(&directory).arg(PROGRAMS.unwrap_or_default());
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
    let is_ready = || log(&directory).contains("ready to accept connections");
    let until = Instant::now() + Duration::from_secs(60);
    while !is_ready() {
        assert!(Instant::now() < until, "the server does not start: {}", log(&directory));
        std::thread::sleep(Duration::from_millis(20));
    }
    TestServer { directory, _watching: child }
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
