//! Programs of this workspace as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use hosts::process::program;

/// The simulator, ended when dropped.
pub struct Simulator {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Simulator {
    /// Starts one with so many trackings and no limits.
    pub fn start(trackings: u32) -> Result<Self> {
        let mut command = Command::new(program("aftership-simulator"));
        let count = trackings.to_string();
        command.args(["--listen", "127.0.0.1:0", "--api-key", "asat_bench", "--no-limits"]);
        command.args(["--seed", "7", "--trackings", &count]).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the simulator")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the simulator has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url =
            line.trim().strip_prefix("listening on ").context("the simulator did not start")?;
        Ok(Self { url: url.to_owned(), child })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
