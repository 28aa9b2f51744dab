//! The program while it serves.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};

use crate::session::Session;

/// `connector-host serve`, killed when it goes.
pub struct Serving(Child);

impl Serving {
    /// Starts it; answers when it has said these words.
    pub fn start(session: &Session, arguments: &[&str], words: &str) -> Result<Self> {
        let mut command = session.command(&[&["serve"], arguments].concat())?;
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut serving = Self(child.context("cannot start the host")?);
        let stderr = serving.0.stderr.take().context("the host has no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        loop {
            let line = lines.next().context("the host ended")??;
            if line.contains(words) {
                break;
            }
        }
        // What it says later must not hold it up.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(serving)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Nothing is lost if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of this machine that is free now.
pub fn free() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr().context("the port has no address")?.to_string())
}
