//! Programs that run long: what changes meanwhile reaches them, and a signal ends them well.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use aftership_simulator::{Answer, Matcher};

use super::keeping::Keeper;
use super::{Account, KEY};
use crate::support::world::TRACKINGS;

const OTHER_KEY: &str = "asat_other_0123456789abcdef";
/// A program that says nothing for longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program under way, and the lines of its stdout and stderr as they come; killed when dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(keeper: &Keeper, arguments: &[&str]) -> Self {
        let mut command = keeper.command(&["--limits", "off", "--output", "ndjson"]);
        let mut child = command.args(arguments).stdin(Stdio::null()).spawn().unwrap();
        let (to, lines) = channel();
        forward(child.stdout.take().unwrap(), to.clone());
        forward(child.stderr.take().unwrap(), to);
        Self { child, lines, seen: vec![] }
    }

    /// Waits for a line with all of these words.
    #[track_caller]
    fn says(&mut self, words: &[&str]) {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no {words:?} in {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return;
            }
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(from: impl Read + Send + 'static, to: Sender<String>) {
    let lines = BufReader::new(from).lines().map_while(Result::ok);
    std::thread::spawn(move || lines.map_while(|line| to.send(line).ok()).for_each(drop));
}

fn keep(keeper: &Keeper, key: &str, more: &[&str]) {
    let set = [&["secrets", "set", "api-key"][..], more].concat();
    assert_eq!(keeper.run_with(key, &[], &set).quiet(), "");
}

/// Nothing is due for an hour, and the failure would be left alone for longer each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_reaches_a_running_sync() {
    let account = Account::new().await;
    account.simulator.seed(3, 5);
    let keeper = Keeper::new("running-key");
    keeper.keep(&account, "default");
    account.simulator.configure(|options| options.api_keys = vec![OTHER_KEY.to_owned()]);
    let mut sync = Running::start(&keeper, &["sync", "trackings", "--every", "1h"]);
    sync.says(&["error: default, trackings", "credentials"]);
    keep(&keeper, OTHER_KEY, &[]);
    sync.says(&["default: the connection changed"]);
    sync.says(&[r#""object":"trackings""#, r#""created":5"#]);
    keeper.run(&["connections", "rename", "default", "shop"]).quiet();
    sync.says(&["default: the connection is not kept any more"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_come_while_it_runs_are_read() {
    let account = Account::new().await;
    account.simulator.seed(3, 5);
    let keeper = Keeper::new("running-new");
    keeper.keep(&account, "first");
    keeper.run(&["disconnect", "--connection", "first"]).quiet();
    let mut sync = Running::start(&keeper, &["sync", "trackings", "--all", "--every", "1h"]);
    sync.says(&["no connection is kept in", "is read at once"]);
    keeper.keep(&account, "second");
    sync.says(&["second: the connection is new"]);
    sync.says(&[r#""connection":"second""#, r#""created":5"#]);
    // One that cannot be made is made when it can be.
    keeper.run(&["secrets", "remove", "api-key", "--connection", "second"]).quiet();
    sync.says(&["error: second: the connection has no secret \"api-key\""]);
    keep(&keeper, KEY, &["--connection", "second"]);
    sync.says(&[r#""connection":"second""#, r#""object":"trackings""#]);
    keeper.run(&["disconnect", "--connection", "second"]).quiet();
    sync.says(&["second: the connection is not kept any more"]);
    sync.signal("-TERM");
    assert_eq!(sync.code(), Some(0));
}

/// SIGTERM and Ctrl-C mean the same. What goes on without end has then done what it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_every_command() {
    let account = Account::new().await;
    account.simulator.seed(3, 1);
    let keeper = Keeper::new("running-signals");
    keeper.keep(&account, "default");
    keeper.run(&["--limits", "off", "sync", "trackings"]).quiet();
    let items = keeper.file("items.ndjson", r#"{"tracking_number":"N1","slug":"ups"}"#);
    for signal in ["-TERM", "-INT"] {
        let mut sync = Running::start(&keeper, &["sync", "trackings", "--every", "1h"]);
        sync.says(&["trackings"]);
        sync.signal(signal);
        assert_eq!(sync.code(), Some(0), "{signal}: {:?}", sync.seen);
        let mut changes = Running::start(&keeper, &["changes", "--follow"]);
        changes.says(&["trackings"]);
        changes.signal(signal);
        assert_eq!(changes.code(), Some(0), "{signal}: {:?}", changes.seen);

        for command in [
            &["list", "trackings"][..],
            &["push", "trackings", &items],
            &["sync", "trackings", "--full"],
        ] {
            account.simulator.clear_journal();
            account.simulator.answer_next(Matcher::path(TRACKINGS), Answer::hang());
            let mut running = Running::start(&keeper, command);
            while account.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            running.signal(signal);
            assert_eq!(running.code(), Some(130), "{signal} {command:?}: {:?}", running.seen);
            account.simulator.clear_answers();
        }
        let app = ["connect", "oauth2", "--print-url", "--connection", "app"];
        let app = [&app[..], &["--setting", "client-id=a"]].concat();
        let mut connect = keeper.command(&app);
        let base = format!("base-url={}", account.server.url());
        let secret = ["--setting", &base, "--secret-env", "client-secret=APP"];
        let mut connect = connect.args(secret).env("APP", "secret-of-app").spawn().unwrap();
        let mut url = String::new();
        BufReader::new(connect.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.contains("client_id=a"), "{url}");
        let id = connect.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(connect.wait().unwrap().code(), Some(130), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_reads_is_left_to_it() {
    let account = Account::new().await;
    account.simulator.seed(3, 5);
    let keeper = Keeper::new("running-left");
    keeper.keep(&account, "default");
    account.simulator.answer_next(Matcher::path(TRACKINGS), Answer::hang());
    let sync = ["sync", "trackings", "--full"];
    let _first = Running::start(&keeper, &sync);
    while account.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = keeper.run(&[&["--limits", "off"][..], &sync].concat());
    second.failed(3, &["default, trackings: another process reads it", "left to it"]);
}
