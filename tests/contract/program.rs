//! The program with the scripted connector, a state of its own, and a provider on loopback.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Asked, asked, provider};
use crate::support::listener::{Listener, exchange, until};
use crate::support::{guest_file, host_command, scratch};

pub struct Program {
    pub folder: PathBuf,
    address: SocketAddr,
    sent: Arc<Mutex<Vec<String>>>,
    guest: &'static str,
    more: Vec<String>,
}

/// How it ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ended {
    /// Stdout of one that did what it was asked.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// One that ended so and said all of `words`.
    #[track_caller]
    pub fn failed(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no \"{word}\" in: {}", self.err);
        }
    }
}

impl Program {
    /// Without a connection.
    pub async fn new(answers: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Self {
        let wire = provider(answers);
        let sent = wire.sent();
        let address = wire.listen(None).await;
        let folder = scratch("contract");
        Self { folder, address, sent, guest: "scripted", more: vec![] }
    }

    /// With a key that is kept.
    pub async fn with_key(answers: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Self {
        let program = Self::new(answers).await;
        let base = program.base();
        program.run(&["secrets", "set", "api-key", "--from-env", "KEY", "--setting", &base]).done();
        program
    }

    /// Runs another guest.
    pub fn guest(mut self, name: &'static str) -> Self {
        self.guest = name;
        self
    }

    /// Gives these options to each command.
    pub fn always(mut self, options: &[&str]) -> Self {
        self.more.extend(options.iter().map(|it| (*it).to_owned()));
        self
    }

    /// The setting that leads to the provider.
    pub fn base(&self) -> String {
        format!("base-url=http://{}", self.address)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = host_command();
        command
            .env("CONNECTOR_COMPONENT", guest_file(self.guest))
            .env("CONNECTOR_STATE", self.folder.join("state"))
            .env("KEY", "key-0123456789")
            .arg("--allow-private")
            .args(&self.more)
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Connects by the scheme that sends to a browser, which comes back at once.
    pub async fn login(&self) -> Ended {
        self.login_with(&["--setting", &self.base()]).await
    }

    /// As [`Program::login`], with these options.
    pub async fn login_with(&self, options: &[&str]) -> Ended {
        let mut command = self.command(&["connect", "login", "--print-url"]);
        command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url::Url::parse(url.trim()).unwrap();
        let value = |name: &str| url.query_pairs().find(|(it, _)| it == name).unwrap().1;
        let (state, callback) = (value("state"), value("redirect_uri"));
        let (authority, path) = callback.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let request = format!(
            "GET /{path}?state={state}&code=code-0123456789 HTTP/1.1\r\nhost: {authority}\r\n\
             connection: close\r\n\r\n"
        );
        exchange(authority, &request).await.unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Its lines as JSON.
    #[track_caller]
    pub fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.run(arguments).done();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the provider was asked at this path.
    pub fn asked(&self, path: &str) -> Vec<Value> {
        let all = asked(&self.sent).into_iter();
        all.filter(|(asked, _)| asked == path).map(|(_, input)| input).collect()
    }

    /// Waits until the provider has been asked so often at this path.
    pub async fn until_asked(&self, path: &str, times: usize) -> Vec<Value> {
        until(|| self.asked(path), |asked| asked.len() >= times).await
    }

    /// A file beside the state.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// `listen`, once it does.
    pub fn listen(&self) -> Listener {
        Listener::start(&mut self.command(&["listen", "--address", "127.0.0.1:0"]))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Delivers `body` to the path of this URL with this token; answers the status.
pub async fn deliver(listener: &Listener, target_url: &str, token: &str, body: &Value) -> u16 {
    let (_, path) = target_url.split_once("/hooks/").unwrap();
    let body = body.to_string();
    let request = format!(
        "POST /hooks/{path} HTTP/1.1\r\nhost: h.example\r\nconnection: close\r\nx-token: {token}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(&listener.authority, &request).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
