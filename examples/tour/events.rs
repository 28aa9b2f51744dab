//! Events: a subscription is proven, and a parcel's stages come as they happen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::serving::{Serving, free};
use crate::session::{KEY_VARIABLE, Session};
use crate::simulated::{KEY, Simulator};

/// What AfterShip's admin would show as the webhook secret.
const SECRET: &str = "whs_of_the_simulator";
/// The variable from which the simulator takes it.
const SECRET_VARIABLE: &str = "AFTERSHIP_SIMULATOR_WEBHOOK_SECRET";
/// Where providers would reach the receiver.
const PUBLIC: &str = "https://hooks.example.com";
/// A parcel of the test courier, delivered within nine seconds.
const PARCEL: &str = r#"{"tracking_number":"ITD-0-87654321","slug":"testing-courier"}"#;
/// Until then it is.
const PATIENCE: Duration = Duration::from_secs(120);

/// Shows it in a directory of its own, which goes with the tour.
pub fn show(session: &mut Session) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("connector-events-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let shown = receive(session, &folder);
    // What was shown matters more than a directory that stays.
    let _ = std::fs::remove_dir_all(&folder);
    shown
}

fn receive(session: &mut Session, folder: &Path) -> Result<()> {
    let (provider, receiver) = (free()?, free()?);
    let state = folder.join("state").display().to_string();
    let options =
        ["--component", "dist/aftership-connector.wasm", "--state", &state, "--allow-private"];
    session.options(&options, Some(KEY));
    let base = format!("base-url=http://{provider}");
    let secret = format!("api-key={KEY_VARIABLE}");
    session.quietly(&["connect", "--setting", &base, "--secret-env", &secret])?;

    session.step("Have events sent: the steps to take, and an address of this connection's own");
    let file = secret_file(folder)?;
    let file = file.display().to_string();
    let url = ["subscribe", "trackings", "--url", PUBLIC, "--from-file", &file, "--no-wait"];
    let steps = session.run(&[&url[..], &["--output", "table"]].concat())?;
    let path = path_of(&steps)?;
    let target = format!("http://{receiver}{path}");
    let simulator = ["--listen", &provider, "--webhook", &target];
    let _simulator = Simulator::start_with(session, &simulator, &[(SECRET_VARIABLE, SECRET)])?;

    session.step("Receive, and read what changed besides; then a parcel is sent");
    session.say("$ connector-host serve --every 2s &");
    let mut serving = serve(session, &receiver)?;
    session.run(&[
        "create",
        "trackings",
        "--data",
        PARCEL,
        "--output",
        "table",
        "--columns",
        "id",
    ])?;
    until(session, |changes| Ok(!changes.is_empty()))?;

    session
        .step("The first delivery proves the subscription; the receiver is killed and comes back");
    session.say("$ kill -9 %1; connector-host serve --every 2s &");
    drop(serving);
    serving = serve(session, &receiver)?;
    session.run(&["status", "--output", "table"])?;

    session.highlight("One clean change for each stage, whatever came twice or was cut");
    let delivered = |session: &Session| -> Result<bool> {
        let parcel = session.quietly(&["export", "trackings", "--output", "ndjson"])?;
        Ok(parcel.contains(r#""tag":"Delivered""#))
    };
    until(session, |_| delivered(session))?;
    let columns = ["--output", "table", "--columns", "number,kind,updated_at"];
    session.run(&[&["changes", "--object", "trackings"][..], &columns].concat())?;
    session.run(&["status", "--output", "table"])?;
    let changes = changes(session)?;
    let hashes: BTreeSet<String> =
        changes.iter().filter_map(|change| Some(change.get("hash")?.to_string())).collect();
    // A page may have met it before the courier's first notice.
    if !(3..=4).contains(&changes.len()) || hashes.len() != changes.len() {
        bail!("the parcel's stages are not one change each: {changes:?}");
    }
    drop(serving);
    Ok(())
}

/// Waits until something holds of the changes of trackings.
fn until(session: &Session, holds: impl Fn(&[Value]) -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !holds(&changes(session)?)? {
        if began.elapsed() > PATIENCE {
            bail!("the parcel's stages did not come within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn changes(session: &Session) -> Result<Vec<Value>> {
    let changes = ["changes", "--object", "trackings", "--output", "ndjson"];
    let lines = session.quietly(&changes)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn path_of(steps: &str) -> Result<String> {
    let start = steps.find(PUBLIC).context("the steps name no address")? + PUBLIC.len();
    let rest = steps.get(start..).unwrap_or_default();
    Ok(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "/-_".contains(*c)).collect())
}

fn secret_file(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("webhook-secret");
    std::fs::write(&file, SECRET).context("cannot write the webhook secret")?;
    Ok(file)
}

/// Starts the receiver.
fn serve(session: &Session, address: &str) -> Result<Serving> {
    Serving::start(session, &["--every", "2s", "--address", address], "listening on ")
}
