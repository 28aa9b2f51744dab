//! What `make run` shows: the main job of the connector, by the commands that a user
//! would type.
//!
//! Without a key it starts the simulator and works on that. With `AFTERSHIP_API_KEY`
//! in the environment it works on the real service, where it creates one tracking of
//! the test courier, watches it and deletes it; nothing else is touched.
//!
//! `SCHEME=oauth2`, `api-key-hmac` or `api-key-rsa` shows another way to authenticate, on the
//! simulator.
//!
//! `--picture FILE` also writes the session as an SVG for the README.

mod events;
mod mirror;
mod picture;
mod real;
mod scheme;
mod served;
mod serving;
mod session;
mod simulated;
mod two_way;

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
    let given = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    match (given("SCHEME").as_deref(), given("AFTERSHIP_API_KEY")) {
        (None | Some("api-key"), Some(_)) => real::show(&mut session)?,
        (None | Some("api-key"), None) => simulated::show(&mut session)?,
        (Some(scheme), _) => scheme::show(&mut session, scheme)?,
    }
    if let Some(file) = picture {
        std::fs::write(&file, picture::svg(session.lines()))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
