//! The program while it listens, and whoever waits for it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What waits for another process waits no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that listens; killed when it goes.
pub struct Listener {
    pub child: Child,
    lines: BufReader<ChildStderr>,
    pub authority: String,
}

impl Listener {
    /// Starts a command that listens; answers when it does.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let authority = authority(&mut lines, "listening on ");
        Self { child, lines, authority }
    }

    /// The host and port of the next line that holds `words` and a URL.
    pub fn authority(&mut self, words: &str) -> String {
        authority(&mut self.lines, words)
    }

    /// Ends it by a signal; answers its exit code and what else it said.
    pub fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).unwrap();
        (code, rest)
    }
}

fn authority(lines: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut said = String::new();
    while !said.contains(words) {
        said.clear();
        assert!(lines.read_line(&mut said).unwrap() > 0, "it ended");
    }
    said.trim().rsplit_once("//").unwrap().1.to_owned()
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds, and fails with what it was when it does not.
pub async fn until<T: std::fmt::Debug>(
    mut look: impl FnMut() -> T,
    holds: impl Fn(&T) -> bool,
) -> T {
    let began = std::time::Instant::now();
    loop {
        let seen = look();
        if holds(&seen) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a request that ends its connection; answers all that comes back.
pub async fn exchange(authority: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
