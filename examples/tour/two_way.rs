//! The other way: a shop's export goes to AfterShip, each order once.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::session::{KEY_VARIABLE, Session};
use crate::simulated::{KEY, Simulator};

/// As a shop writes it out: names, carriers and columns of its own.
const EXPORT: &str = "\
Order,Carrier,Tracking No,Email,Note
2001,UPS,1Z999AA10123456784,ann@example.com,
2002,DHL Express,2002200220,bob@example.com,ring twice
2003,UPS,1Z999AA10123456795,,leave at the door
";

/// How it becomes trackings.
const MAP: &str = r#"{
  "members": {
    "/tracking_number": { "from": "/Tracking No", "required": true },
    "/slug": { "from": "/Carrier", "table": { "UPS": "ups", "DHL Express": "dhl" } },
    "/order_id": "/Order",
    "/note": "/Note",
    "/customers/0/email": "/Email"
  }
}
"#;

/// Shows it in a directory of its own, which goes with the tour.
pub fn show(session: &mut Session, simulator: &Simulator) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("connector-push-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let shown = push(session, simulator, &folder);
    // What was shown matters more than a directory that stays.
    let _ = std::fs::remove_dir_all(&folder);
    shown
}

fn push(session: &mut Session, simulator: &Simulator, folder: &Path) -> Result<()> {
    let state = folder.join("state").display().to_string();
    let options =
        ["--component", "dist/aftership-connector.wasm", "--state", &state, "--allow-private"];
    session.options(&options, Some(KEY));
    let base = format!("base-url={}", simulator.url);
    let secret = format!("api-key={KEY_VARIABLE}");
    session.quietly(&["connect", "--setting", &base, "--secret-env", &secret])?;
    let file = |name: &str, content: &str| -> Result<String> {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {name}"))?;
        Ok(path.display().to_string())
    };
    let (export, map) = (file("export.csv", EXPORT)?, file("map.json", MAP)?);
    let push = ["push", "trackings", &export, "--map", &map];
    let table = ["--output", "table", "--columns", "line,outcome,id"];

    session.highlight("The other way: push a shop's export as it is");
    EXPORT.lines().for_each(|line| session.say(line));
    session.run(&[&push[..], &table].concat())?;

    session.highlight("Push it again with one note more: only that is sent");
    file("export.csv", &EXPORT.replace("bob@example.com,ring twice", "bob@example.com,ring once"))?;
    session.run(&[&push[..], &table].concat())?;
    session.run(&["push", "--list", "--output", "table", "--columns", "mode,items,done,failed"])?;
    Ok(())
}
