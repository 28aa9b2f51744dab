//! The tour on the simulator.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use serde_json::Value;

use crate::session::{KEY_VARIABLE, Session};
use crate::{events, mirror, serving, two_way};

/// The one key that it accepts.
pub const KEY: &str = "asat_simulator";
const RECORDS: &str = "20000";

/// A simulator of our own, ended with the tour.
pub struct Simulator {
    child: Child,
    /// Its address.
    pub url: String,
}

impl Simulator {
    /// Starts one.
    pub fn start(session: &Session, arguments: &[&str]) -> Result<Self> {
        Self::start_with(session, &[&["--listen", "127.0.0.1:0"], arguments].concat(), &[])
    }

    /// Starts one that listens where it is told, with these variables in its environment.
    pub fn start_with(
        session: &Session,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = session.program("aftership-simulator")?;
        command.args(["--api-key", KEY]).args(arguments).envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::piped()).spawn().context("cannot start the simulator")?;
        let stdout = child.stdout.take().context("the simulator has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("the simulator says nothing")?;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            bail!("the simulator said \"{}\"", line.trim());
        };
        Ok(Self { url: url.to_owned(), child })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Nothing is lost if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Shows the main job.
pub fn show(session: &mut Session) -> Result<()> {
    let simulator = Simulator::start(session, &["--seed", "7", "--trackings", RECORDS])?;
    let unlimited =
        Simulator::start(session, &["--seed", "7", "--trackings", RECORDS, "--no-limits"])?;
    session.say(&format!("# A simulated AfterShip with {RECORDS} trackings is {}", simulator.url));
    session.say(
        "# Each command also gets the connector, this address as base-url, and the key from the",
    );
    session.say("# environment: --component --setting --secret-env --allow-private");
    use_simulator(session, &simulator, &[]);

    session.step("Is the connection good?");
    session.run(&["check", "--output", "table"])?;

    session.step("Create three trackings");
    for data in [
        r#"{"tracking_number":"ITD-0-12345678","slug":"testing-courier","title":"Test parcel"}"#,
        r#"{"tracking_number":"1Z12345E0205271688","slug":"ups","order_id":"1001"}"#,
        r#"{"tracking_number":"9400110898825022579493","slug":"usps","order_id":"1002"}"#,
    ] {
        session.run(&[
            "create",
            "trackings",
            "--data",
            data,
            "--output",
            "table",
            "--columns",
            "id,slug,tracking_number,tag",
        ])?;
    }

    session.step("Watch the test courier deliver");
    watch(session, "ITD-0-12345678")?;

    session.highlight("List with a filter");
    session.run(&[
        "list",
        "trackings",
        "--filter",
        "tag=Exception",
        "--filter",
        "slug=fedex,ups",
        "--max",
        "5",
        "--output",
        "table",
        "--columns",
        "slug,tracking_number,subtag,subtag_message,updated_at",
    ])?;

    session.step("Update, and mark as completed");
    let ups = id_of(session, "1Z12345E0205271688", "ups")?;
    session.run(&[
        "update",
        "trackings",
        &ups,
        "--data",
        r#"{"note":"leave at the door"}"#,
        "--output",
        "table",
        "--columns",
        "slug,tracking_number,note",
    ])?;
    session.run(&[
        "invoke",
        "trackings",
        "mark-as-completed",
        "--id",
        &ups,
        "--data",
        r#"{"reason":"DELIVERED"}"#,
        "--output",
        "table",
        "--columns",
        "slug,tracking_number,tag,subtag,active",
    ])?;

    others(session)?;
    two_way::show(session, &simulator)?;
    events::show(session)?;

    session.step(&format!("Scan all {RECORDS} records, as fast as it goes"));
    use_simulator(session, &unlimited, &["--limits", "off"]);
    let began = Instant::now();
    session.say("$ connector-host --limits off list trackings --output ndjson | wc -l");
    let records = session.quietly(&["list", "trackings", "--output", "ndjson"])?.lines().count();
    session.say(&records.to_string());
    let seconds = began.elapsed().as_secs_f64();
    session.say(&format!("# {records} records in {seconds:.2} s"));
    let _state = mirror::show(session, &unlimited.url)?;
    session.summary();
    if std::env::var("KEEP").is_ok_and(|keep| keep == "1") {
        serving::keep(session)?;
    }
    Ok(())
}

/// Shows what there is besides trackings.
fn others(session: &mut Session) -> Result<()> {
    session.step("Which couriers might this number be of?");
    let number = r#"{"tracking_number":"1Z12345E0205271688"}"#;
    session.say(&format!(
        "$ connector-host invoke couriers detect --data '{number}' | jq -r '.couriers[].slug'"
    ));
    let detect = ["invoke", "couriers", "detect", "--data", number, "--output", "ndjson"];
    let detected = session.json(&detect)?;
    let couriers = detected.get("couriers").and_then(Value::as_array);
    for courier in couriers.into_iter().flatten() {
        session.say(courier.get("slug").and_then(Value::as_str).unwrap_or_default());
    }

    session.step("When will it arrive?");
    session.run(&[
        "invoke",
        "estimated-delivery-dates",
        "predict",
        "--data",
        r#"{"slug":"fedex","pickup_time":"2026-11-23 15:00:00",
            "origin_address":{"country_region":"USA","postal_code":"98108"},
            "destination_address":{"country_region":"USA","postal_code":"92019"}}"#,
        "--output",
        "table",
        "--columns",
        "slug,estimated_delivery_date,estimated_delivery_date_min,estimated_delivery_date_max",
    ])?;

    session.step("Connect an account at a carrier: its credentials go in and never come out");
    session.run(&[
        "create",
        "carrier-connections",
        "--data",
        r#"{"courier_slug":"ups-api","credentials":{"client_id":"mine","client_secret":"hush"}}"#,
        "--output",
        "table",
        "--columns",
        "id,courier_slug,credentials,created_at",
    ])?;

    session.step("One scan, four objects");
    let with = "checkpoints,notifications,estimated-delivery-dates";
    session.say(&format!("$ connector-host list trackings --with {with} --max 200"));
    let lines = session.quietly(&[
        "list",
        "trackings",
        "--with",
        with,
        "--max",
        "200",
        "--output",
        "ndjson",
    ])?;
    for object in ["trackings"].into_iter().chain(with.split(',')) {
        let of = format!(r#"{{"object":"{object}""#);
        let records = lines.lines().filter(|line| line.starts_with(&of)).count();
        session.say(&format!("{records:>6} {object}"));
    }
    Ok(())
}

/// Shows each stage of a tracking until it is delivered.
pub fn watch(session: &mut Session, number: &str) -> Result<()> {
    let id = id_of(session, number, "testing-courier")?;
    session.say(&format!("$ watch connector-host get trackings {id}"));
    let began = Instant::now();
    let mut last = String::new();
    while last != "Delivered" {
        if began.elapsed() > Duration::from_secs(120) {
            bail!("the test courier did not deliver within two minutes");
        }
        let record = session.json(&["get", "trackings", &id, "--output", "ndjson"])?;
        let tag = record.get("tag").and_then(Value::as_str).unwrap_or_default();
        if tag != last {
            let seconds = began.elapsed().as_secs();
            let checkpoints =
                record.get("checkpoints").and_then(Value::as_array).map_or(0, Vec::len);
            session.say(&format!("{seconds:>3} s  {tag:<14} {checkpoints} checkpoints"));
            tag.clone_into(&mut last);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn id_of(session: &Session, number: &str, slug: &str) -> Result<String> {
    let wish = serde_json::json!({ "tracking_number": number, "slug": slug }).to_string();
    let found = session.json(&["find", "trackings", "--data", &wish, "--output", "ndjson"])?;
    let id = found
        .get("id")
        .and_then(Value::as_str)
        .with_context(|| format!("{number} was not found"))?;
    Ok(id.to_owned())
}

fn use_simulator(session: &mut Session, simulator: &Simulator, more: &[&str]) {
    let base = format!("base-url={}", simulator.url);
    let secret = format!("api-key={KEY_VARIABLE}");
    let options = [
        "--component",
        "dist/aftership-connector.wasm",
        "--setting",
        &base,
        "--secret-env",
        &secret,
        "--allow-private",
    ];
    session.options(&[&options, more].concat(), Some(KEY));
}
