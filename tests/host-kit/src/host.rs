//! A host under test: a program that reads one job a line and writes one reply a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longest that a host may take for a case.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a host says about a job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Why the component was not loaded, or the connection not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// How each call ended: `{"ok": VALUE}` or `{"error": {"kind": ..., "message": ...}}`.
    #[serde(default)]
    pub outcomes: Vec<Value>,
    /// Log lines of the connector, as the host keeps them.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// Whatever runs jobs.
pub enum Host {
    /// In this process.
    Rust(Box<crate::RustHost>),
    /// A program.
    Program(Box<Program>),
}

impl Host {
    /// Runs one job.
    ///
    /// # Errors
    /// When the host is gone, or what it says is no reply.
    pub async fn run(&mut self, job: &Value) -> Result<Reply> {
        match self {
            Self::Rust(host) => Ok(host.run(job).await),
            Self::Program(program) => program.run(job).await,
        }
    }
}

/// A host in a process of its own, which ends with this.
pub struct Program {
    child: Child,
    jobs: ChildStdin,
    replies: UnboundedReceiver<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it in `folder`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &[String], folder: &Path) -> Result<Self> {
        let [program, arguments @ ..] = command else { bail!("a host needs a command") };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {program}"))?;
        let (jobs, out) = (child.stdin.take(), child.stdout.take());
        let (jobs, out) = (jobs.context("no stdin")?, out.context("no stdout")?);
        let (told, replies) = unbounded_channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            lines.into_iter().try_for_each(|line| told.send(line))
        });
        Ok(Self { child, jobs, replies })
    }

    async fn run(&mut self, job: &Value) -> Result<Reply> {
        self.jobs.write_all(format!("{job}\n").as_bytes()).context("the host is gone")?;
        let Ok(line) = tokio::time::timeout(PATIENCE, self.replies.recv()).await else {
            bail!("the host did not answer within {} s", PATIENCE.as_secs());
        };
        let line = line.context("the host ended")?;
        serde_json::from_str(&line).with_context(|| format!("the host's reply is none: {line}"))
    }
}
