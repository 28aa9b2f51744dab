//! The HTTP API, as a program in any language uses it: by curl.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::serving::{Serving, free};
use crate::session::{Session, shortened};

const PARCEL: &str = r#"{"tracking_number":"1Z999AA10123456784","slug":"ups"}"#;

/// Shows it on the mirror that is there, whose last change of a tracking has the number `last`.
pub fn show(session: &mut Session, last: u64) -> Result<()> {
    session.highlight("The same by HTTP: follow the changes, and create a tracking");
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        session.say("# left out, because curl is not installed");
        return Ok(());
    }
    let (address, api) = (free()?, free()?);
    session.say(&format!("$ connector-host serve --api {api} &"));
    let serving = ["--every", "2s", "--address", &address, "--api", &api];
    let _serving = Serving::start(session, &serving, "API on ")?;
    let changes =
        format!("http://{api}/v1/changes?connection=default&object=trackings&after={last}");
    session.say(&format!("$ curl -sN -H 'Accept: text/event-stream' '{changes}' &"));
    let mut follow = Command::new("curl");
    follow.args(["-sN", "-H", "Accept: text/event-stream", &changes]).stdout(Stdio::piped());
    let mut following = follow.spawn().context("cannot start curl")?;
    let events = following.stdout.take().context("curl has no output")?;
    let told = made(session, &api).and_then(|made| event_of(BufReader::new(events), &made));
    // It would go on for ever.
    let _ = following.kill();
    let _ = following.wait();
    for line in told? {
        session.say(&shortened(&line));
    }
    Ok(())
}

/// Creates the parcel; answers its id.
fn made(session: &mut Session, api: &str) -> Result<String> {
    let records = format!("http://{api}/v1/connections/default/objects/trackings/records");
    session.say(&format!("$ curl --json '{PARCEL}' {records}"));
    let mut create = Command::new("curl");
    create.args(["-s", "--json", PARCEL, &records]).stderr(Stdio::inherit());
    let output = create.output().context("cannot start curl")?;
    let answer = String::from_utf8(output.stdout).context("the answer is no UTF-8")?;
    session.say(&shortened(&answer));
    let record: Value = serde_json::from_str(&answer).context("the answer is no JSON")?;
    let id = record.get("id").and_then(Value::as_str).context("nothing was created")?;
    Ok(id.to_owned())
}

/// The lines of the event that tells of a tracking.
fn event_of(stream: impl BufRead, id: &str) -> Result<Vec<String>> {
    let mut event = Vec::new();
    for line in stream.lines() {
        let line = line.context("the stream was cut off")?;
        if !line.is_empty() {
            event.push(line);
        } else if event.iter().any(|line| line.contains(id)) {
            return Ok(event);
        } else {
            event.clear();
        }
    }
    bail!("the stream ended without the change")
}
