//! The tour on the real service: one tracking of the test courier, deleted at the end.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use serde_json::Value;

use crate::session::{KEY_VARIABLE, Session};
use crate::simulated::watch;

/// Shows the main job on the account that the key belongs to.
pub fn show(session: &mut Session) -> Result<()> {
    let secret = format!("api-key={KEY_VARIABLE}");
    let options = ["--component", "dist/aftership-connector.wasm", "--secret-env", &secret];
    session.options(&options, None);

    session.step("Is the connection good?");
    session.run(&["check", "--output", "table"])?;

    session.highlight("Create one tracking of the test courier");
    let seconds =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let number = format!("ITD-0-{:08}", seconds.as_secs() % 100_000_000);
    let wish = serde_json::json!({ "tracking_number": number, "slug": "testing-courier" });
    let created = session.json(&[
        "create",
        "trackings",
        "--data",
        &wish.to_string(),
        "--output",
        "ndjson",
    ])?;
    let id =
        created.get("id").and_then(Value::as_str).context("the answer holds no id")?.to_owned();
    session.say(&format!("created {id}"));

    // Whatever happens in between, what was made here goes again.
    let watched = watch(session, &number);
    session.step("Delete it");
    session.run(&["delete", "trackings", &id])?;
    watched?;
    session.step("The newest five");
    session.run(&["list", "trackings", "--max", "5", "--output", "table"])?;
    session.summary();
    Ok(())
}
