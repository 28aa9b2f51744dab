//! What `make run` shows: the main job of the connector, by the commands that a user
//! would type.
//!
//! Without a key it starts the simulator and works on that. With `AFTERSHIP_API_KEY`
//! in the environment it works on the real service, where it creates one tracking of
//! the test courier, watches it and deletes it; nothing else is touched.
//!
//! `--picture FILE` also writes the session as an SVG for the README.

mod picture;
mod real;
mod session;
mod simulated;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::session::Session;

fn main() -> ExitCode {
    match tour() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tour() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let picture = match arguments.next().as_deref() {
        Some("--picture") => {
            Some(PathBuf::from(arguments.next().context("--picture needs a file")?))
        }
        Some(other) => anyhow::bail!("unknown argument {other}; there is only --picture FILE"),
        None => None,
    };
    let mut session = Session::new()?;
    match std::env::var("AFTERSHIP_API_KEY") {
        Ok(key) if !key.is_empty() => real::show(&mut session)?,
        _ => simulated::show(&mut session)?,
    }
    if let Some(file) = picture {
        std::fs::write(&file, picture::svg(session.lines()))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
