//! Programs: hosts that serve, and pushes.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::account::MASTER;
use crate::lock;
use crate::state::Disk;

/// The hosts of a run.
pub struct Fleet {
    hosts: Vec<Host>,
    state: String,
    logs: PathBuf,
    /// What `serve` is told.
    serve: Vec<&'static str>,
    /// Each program runs in a container of its own.
    in_containers: bool,
}

struct Host {
    name: String,
    address: SocketAddr,
    child: Mutex<Option<Child>>,
    /// Seconds that its clock is off.
    skew: i64,
}

impl Fleet {
    /// So many hosts, none of which runs yet. With `CLOCKS` set, some have wrong clocks.
    pub fn new(count: usize, disk: &Disk) -> Self {
        let are_wrong = disk.is_shared() && std::env::var_os("CLOCKS").is_some();
        let skews = if are_wrong { [0, 600, -600] } else { [0; 3] };
        let host = |number: usize| {
            // Free now; nobody else asks for ports here.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            Host {
                name: format!("host-{number}"),
                address: listener.local_addr().unwrap(),
                child: Mutex::default(),
                skew: skews[number % 3],
            }
        };
        let logs = disk.file("logs");
        std::fs::create_dir(&logs).unwrap();
        let serve = vec!["--every", "4s", "--full-every", "15s", "--rate", "1000"];
        let hosts = (0..count).map(host).collect();
        Self { hosts, state: disk.argument(), logs, serve, in_containers: false }
    }

    /// Each program is process 1 of a namespace of its own.
    #[must_use]
    pub fn in_containers(mut self) -> Self {
        self.in_containers = true;
        self
    }

    /// `serve` is told this.
    #[must_use]
    pub fn serving(mut self, serve: &[&'static str]) -> Self {
        self.serve = serve.to_vec();
        self
    }

    /// Where each listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.hosts.iter().map(|host| host.address).collect()
    }

    /// Their names.
    pub fn name(&self, host: usize) -> &str {
        &self.hosts[host].name
    }

    /// Starts a host that does not run.
    pub fn start(&self, number: usize) {
        let host = &self.hosts[number];
        let log = self.logs.join(&host.name);
        let log = File::options().create(true).append(true).open(log).unwrap();
        let address = host.address.to_string();
        let mut command = self.command(host.skew);
        command.arg("serve").args(&self.serve);
        command.args(["--host-name", &host.name, "--address", &address]).stderr(log);
        *lock(&host.child) = Some(command.spawn().unwrap());
    }

    /// A command of the program on the state.
    pub fn command(&self, skew: i64) -> Command {
        let mut command = Command::new(program("connector-host"));
        if self.in_containers {
            command = in_container();
            command.arg(program("connector-host"));
        }
        if let Some(library) = faketime().filter(|_| skew != 0) {
            // The program `faketime` would stand between: what is killed would not be the host. The
            // time that is measured with goes on as it does.
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("{skew:+}s"));
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let component = std::env::var_os("CONNECTOR_COMPONENT")
            .unwrap_or_else(|| "dist/aftership-connector.wasm".into());
        command.env("CONNECTOR_COMPONENT", component).env("CONNECTOR_STATE", &self.state);
        command.env("CONNECTOR_MASTER_KEY", STANDARD.encode(MASTER)).arg("--allow-private");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The number of a host's process.
    pub fn process(&self, number: usize) -> Option<u32> {
        lock(&self.hosts[number].child).as_ref().map(Child::id)
    }

    /// Kills a host, as a loss of power does.
    pub fn kill(&self, number: usize) {
        if let Some(mut child) = lock(&self.hosts[number].child).take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal to a host.
    pub fn signal(&self, number: usize, signal: &str) {
        if let Some(child) = &*lock(&self.hosts[number].child) {
            let id = child.id().to_string();
            Command::new("kill").args([signal, &id]).status().unwrap();
        }
    }

    /// Asks a host to end, and waits for it; answers whether it ended well.
    pub fn stop(&self, number: usize) -> bool {
        self.signal(number, "-TERM");
        let child = lock(&self.hosts[number].child).take();
        child.is_some_and(|mut child| child.wait().unwrap().success())
    }

    /// The hosts that ended by themselves since this was asked last, with the end of what they said.
    pub fn fallen(&self) -> Vec<String> {
        let fallen = |host: &Host| {
            let mut child = lock(&host.child);
            let ended = child.as_mut().and_then(|child| child.try_wait().unwrap())?;
            child.take();
            let said = std::fs::read_to_string(self.logs.join(&host.name)).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            Some(format!("{} ended: {ended}: {}", host.name, last.join(" / ")))
        };
        self.hosts.iter().filter_map(fallen).collect()
    }

    /// Ends the run when a host ended by itself: nothing that is waited for would come.
    pub fn assert_alive(&self) {
        let fallen = self.fallen();
        assert!(fallen.is_empty(), "{}", fallen.join("\n"));
    }

    /// Kills them all.
    pub fn end(&self) {
        (0..self.hosts.len()).for_each(|number| self.kill(number));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end();
    }
}

/// A program that was built in the same profile as this one.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).unwrap();
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built", program.display());
    program
}

/// What runs a program as process 1 of a namespace of its own. It is killed with that.
pub fn in_container() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    command
}

/// The library that tells another time, of the package `faketime`.
fn faketime() -> Option<PathBuf> {
    let machines = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let files = machines.map(|machine| machine.path().join("faketime/libfaketime.so.1"));
    { files }.find(|file| file.exists())
}
