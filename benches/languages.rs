//! 20,000 records through the hosts of `examples/hosts`, in Node and in Python, each a process of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::Simulator;
use crate::report::{Report, median};

const RECORDS: u32 = 20_000;

/// What it takes, what is run, and the file that it needs to be there.
const HOSTS: [(&str, &[&str], &str); 2] = [
    ("Node", &["node", "examples/hosts/node/list.mjs"], "examples/hosts/node/node_modules"),
    (
        "Python",
        &["target/hosts/python/bin/python", "examples/hosts/python/list.py"],
        "target/hosts/python/bin/python",
    ),
];

/// Lists so many times with each that is installed.
pub fn measure(component: &Path, report: &mut Report, times: usize) -> Result<()> {
    let simulator = Simulator::start(RECORDS)?;
    for (name, command, needed) in HOSTS {
        if !Path::new(needed).exists() {
            eprintln!("left out, because `make node-host python-host` was not run: {name}");
            continue;
        }
        let mut rates = Vec::new();
        for _ in 0..times {
            rates.push(listed(command, component, &simulator.url)?);
        }
        let figure = format!("{:.0} records/s", median(rates));
        report.add(&format!("20,000 records through the host in {name}"), figure, String::new());
    }
    Ok(())
}

/// Records a second, as the host says them.
fn listed(command: &[&str], component: &Path, url: &str) -> Result<f64> {
    let [program, arguments @ ..] = command else { bail!("no program") };
    let mut command = Command::new(program);
    command.args(arguments).arg(component).args(["trackings", url]).env("API_KEY", "asat_bench");
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.strip_prefix("20000 records, ").and_then(|rest| rest.split(' ').next());
    match rate.and_then(|rate| rate.parse().ok()) {
        Some(rate) => Ok(rate),
        None => bail!("{program} said {said:?} {}", String::from_utf8_lossy(&output.stderr)),
    }
}
