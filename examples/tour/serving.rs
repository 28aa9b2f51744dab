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
        Ok(Self::said(session, arguments, words)?.0)
    }

    /// The same, with the line that holds them.
    fn said(session: &Session, arguments: &[&str], words: &str) -> Result<(Self, String)> {
        let mut command = session.command(&[&["serve"], arguments].concat())?;
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut serving = Self(child.context("cannot start the host")?);
        let stderr = serving.0.stderr.take().context("the host has no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let said = loop {
            let line = lines.next().context("the host ended")??;
            if line.contains(words) {
                break line;
            }
        };
        // What it says later must not hold it up.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((serving, said))
    }
}

/// Serves what was read, with its console, until the tour is interrupted.
pub fn keep(session: &mut Session) -> Result<()> {
    let (address, console) = (free()?, free()?);
    session.step("Look at it in a browser; Ctrl-C ends it");
    session.say(&format!("$ connector-host serve --console {console}"));
    let arguments = ["--every", "10s", "--address", &address, "--console", &console];
    let (mut serving, said) = Serving::said(session, &arguments, "console on ")?;
    session.say(&said);
    serving.0.wait().context("the host cannot be waited for")?;
    Ok(())
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
