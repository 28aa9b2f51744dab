//! The command line as a user has it: the real program with the real component, and a
//! simulated account that listens on loopback.

mod about;
mod failing;
mod keeping;
mod manners;
mod moving;
mod proxied;
mod pushing;
mod reading;
pub mod recorded;
mod reports;
mod ruling;
#[cfg(unix)]
mod running;
mod sharing;
#[cfg(unix)]
mod soak;
mod sources;
mod syncing;
mod writing;
mod wrong;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use aftership_simulator::{Options, Server, Simulator};

use crate::support::{component, host_command};

const KEY: &str = "asat_cli_0123456789abcdef";
/// A number that the courier `ups` takes.
const NUMBER: &str = "1Z12345E0205271688";

/// How the program ended, and what it said.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ended {
    /// Stdout of a command that did what it was asked, and said nothing else.
    #[track_caller]
    fn quiet(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// A command that ended so, said all of `words`, and printed nothing.
    #[track_caller]
    fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no \"{word}\" in: {}", self.err);
        }
    }
}

/// The program with the component and without any connection.
fn host(arguments: &[&str]) -> Ended {
    let mut command = host_command();
    command.env("CONNECTOR_COMPONENT", component()).args(arguments);
    command.output().unwrap().into()
}

/// A simulated account, and the program on its way to it.
struct Account {
    simulator: Simulator,
    server: Server,
}

impl Account {
    /// Without limits.
    async fn new() -> Self {
        Self::with(|options| options.limits = false).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { api_keys: vec![KEY.to_owned()], ..Options::default() };
        change(&mut options);
        let simulator = Simulator::new(options);
        let server = simulator.listen().await.unwrap();
        Self { simulator, server }
    }

    /// The program with the manifest's limits.
    fn slow_command(&self) -> Command {
        let mut command = host_command();
        command
            .env("CONNECTOR_COMPONENT", component())
            .env("KEY", KEY)
            .args(["--secret-env", "api-key=KEY", "--allow-private"])
            .args(["--setting", &format!("base-url={}", self.server.url())]);
        command
    }

    /// The program without limits.
    fn command(&self) -> Command {
        let mut command = self.slow_command();
        command.args(["--limits", "off"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command().args(arguments).output().unwrap().into()
    }

    /// As [`Account::run`], with `input` on standard input.
    fn run_with(&self, input: &str, arguments: &[&str]) -> Ended {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Makes a tracking by the program, and answers its id.
    fn create(&self, number: &str) -> String {
        let wish = format!(r#"{{"tracking_number":"{number}","slug":"ups"}}"#);
        let made = self.run(&["create", "trackings", "--data", &wish]).quiet();
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Method and path of every request so far.
    fn requests(&self) -> Vec<String> {
        let journal = self.simulator.journal().into_iter();
        journal.map(|entry| format!("{} {}", entry.method, entry.path)).collect()
    }
}
