//! A mirror of the account: read, killed in the middle, read on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::served;
use crate::session::{KEY_VARIABLE, Session};
use crate::simulated::KEY;

/// Pages that are committed before the kill, of about a hundred.
const PAGES: u64 = 30;
/// Until then they are.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory for the state, removed when it goes.
pub struct State(PathBuf);

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Shows it on the simulated account at `url`. Answers the state.
pub fn show(session: &mut Session, url: &str) -> Result<State> {
    let state = State(std::env::temp_dir().join(format!("tour-state-{}", std::process::id())));
    use_state(session, &state.0)?;
    session.step("Keep a mirror of the account: first the key, sealed");
    let base = format!("base-url={url}");
    session.run(&["secrets", "set", "api-key", "--from-env", KEY_VARIABLE, "--setting", &base])?;

    session.highlight("Read everything, and kill the program in the middle (SIGKILL)");
    session.say("$ connector-host sync trackings & sleep ...; kill -9 $!");
    let mut reading = session.command(&["sync", "trackings"])?;
    let mut child = reading.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().map_err(|why| anyhow::anyhow!("cannot start the program: {why}"))?;
    let began = Instant::now();
    while pages(session)? < PAGES {
        if began.elapsed() > PATIENCE || child.try_wait()?.is_some() {
            bail!("the program was not to be caught in the middle");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().context("cannot kill the program")?;
    child.wait()?;
    session.run(&["status", "--output", "table"])?;

    session.highlight("Run it again: it goes on with the next page");
    session.run(&["sync", "trackings", "--output", "table"])?;
    session.say("$ connector-host changes --object trackings | jq -r .id | sort | uniq -c");
    let changes = session.quietly(&["changes", "--object", "trackings", "--output", "ndjson"])?;
    let mut last = 0;
    let ids = changes.lines().map(|line| {
        let change: Value = serde_json::from_str(line)?;
        last = change.get("number").and_then(Value::as_u64).context("a change without a number")?;
        let id = change.get("id").and_then(Value::as_str).context("a change without an id")?;
        Ok(id.to_owned())
    });
    let ids = ids.collect::<Result<Vec<String>>>()?;
    let unique: BTreeSet<&String> = ids.iter().collect();
    session.say(&format!("# {} changes of {} trackings", ids.len(), unique.len()));
    let kept = session.quietly(&["export", "trackings", "--output", "ndjson"])?.lines().count();
    let there = session.quietly(&["list", "trackings", "--output", "ndjson"])?.lines().count();
    session.say(&format!("# kept: {kept}, at the provider: {there}"));
    if ids.len() != unique.len() || kept != there || ids.len() != kept {
        bail!("something was lost or came twice");
    }

    session.step("And again: nothing has changed");
    session.run(&["sync", "trackings", "--output", "table"])?;
    session.step("The carrier scans inside the trackings came with the same pages");
    session.say("$ connector-host export checkpoints | wc -l");
    let checkpoints = session.quietly(&["export", "checkpoints", "--output", "ndjson"])?;
    session.say(&checkpoints.lines().count().to_string());
    served::show(session, last)?;
    Ok(state)
}

/// Pages that are committed so far.
fn pages(session: &Session) -> Result<u64> {
    let status = session.quietly(&["status", "--output", "ndjson"])?;
    let Some(line) = status.lines().next() else { return Ok(0) };
    let standing: Value = serde_json::from_str(line)?;
    Ok(standing.get("pages").and_then(Value::as_u64).unwrap_or(0))
}

fn use_state(session: &mut Session, state: &Path) -> Result<()> {
    let state = state.to_str().context("the directory's name is no text")?;
    let component = ["--component", "dist/aftership-connector.wasm"];
    let others = ["--state", state, "--allow-private", "--limits", "off"];
    session.options(&[&component[..], &others[..]].concat(), Some(KEY));
    Ok(())
}
