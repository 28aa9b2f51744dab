//! A mirror in SQLite next to a scan that keeps nothing, by the command line; and its memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::memory::run_to_end;
use crate::process::{Simulator, program};
use crate::report::{Report, median};

const SMALL: u32 = 20_000;
/// Ten times as many show whether memory grows; a million would fill gigabytes of disk.
const LARGE: u32 = 200_000;
const KIBI: f64 = 1024.0;

/// A state of its own, removed when it goes.
struct State(PathBuf);

impl State {
    fn new(number: usize) -> Self {
        Self(PathBuf::from(format!("target/mirror-{}-{number}", std::process::id())))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lists and syncs the same account in turn, so many times; then syncs a large one.
pub fn measure(component: &Path, report: &mut Report, rounds: usize, quick: bool) -> Result<()> {
    let simulator = Simulator::start(SMALL)?;
    let (mut scans, mut ratios, mut peak) = (Vec::new(), Vec::new(), 0);
    for round in 0..rounds {
        let listed = list(component, &simulator)?;
        let state = State::new(round);
        let (synced, kib) = sync(component, &simulator, &state)?;
        peak = kib.max(peak);
        scans.push(f64::from(SMALL) / synced);
        ratios.push(listed / synced);
    }
    let compared = format!("{:.2} × the scan alone", median(ratios));
    report.add(
        "trackings and all that they hold, into a mirror",
        format!("{:.0} trackings/s", median(scans)),
        compared,
    );
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / KIBI);
    report.add(&format!("peak memory, {SMALL} trackings mirrored"), mib(peak), String::new());
    let large = if quick { SMALL * 2 } else { LARGE };
    let (_, kib) = sync(component, &Simulator::start(large)?, &State::new(rounds))?;
    let more = kib as f64 / KIBI - peak as f64 / KIBI;
    let compared = format!("{more:+.1} MiB");
    report.add(&format!("peak memory, {large} trackings mirrored"), mib(kib), compared);
    Ok(())
}

/// Seconds of a scan.
fn list(component: &Path, simulator: &Simulator) -> Result<f64> {
    let mut command = host(component)?;
    let base = format!("base-url={}", simulator.url);
    command.args(["--setting", &base, "--secret-env", "api-key=BENCH_KEY"]);
    command.args(["list", "trackings", "--output", "ndjson"]);
    let began = Instant::now();
    run_to_end(command)?;
    Ok(began.elapsed().as_secs_f64())
}

/// Seconds of a pull into a new state, and its peak memory in KiB.
fn sync(component: &Path, simulator: &Simulator, state: &State) -> Result<(f64, u64)> {
    let base = format!("base-url={}", simulator.url);
    let mut keep = host(component)?;
    keep.arg("--state").arg(&state.0);
    keep.args(["secrets", "set", "api-key", "--from-env", "BENCH_KEY", "--setting", &base]);
    anyhow::ensure!(keep.status().context("keeping the key")?.success(), "the key is not kept");
    let mut command = host(component)?;
    command.arg("--state").arg(&state.0).args(["sync", "trackings", "--output", "ndjson"]);
    let began = Instant::now();
    let kib = run_to_end(command)?;
    Ok((began.elapsed().as_secs_f64(), kib))
}

fn host(component: &Path) -> Result<Command> {
    let mut command = Command::new(program("connector-host")?);
    command.arg("--component").arg(component).args(["--allow-private", "--limits", "off"]);
    command.env("BENCH_KEY", "asat_bench").stdout(Stdio::null());
    Ok(command)
}
