//! A mirror in SQLite next to a scan that keeps nothing, by the command line; and its memory. With
//! `BASE=PROGRAM`, a `connector-host` of another commit, the same of that one in turn.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use hosts::process::program;

use crate::memory::{Taken, run_to_end};
use crate::process::Simulator;
use crate::report::{Report, median};

const SMALL: u32 = 20_000;
/// Ten times as many show whether memory grows; a million would fill gigabytes of disk.
const LARGE: u32 = 200_000;
/// Trackings that change between two pulls.
const CHANGED: usize = 1_000;
const KIBI: f64 = 1024.0;

/// A state of its own, removed when it goes.
pub struct State(pub PathBuf);

impl State {
    /// A folder that is not there yet.
    pub fn new(name: &str) -> Self {
        Self(PathBuf::from(format!("target/mirror-{}-{name}", std::process::id())))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Seconds of one program's pulls, round by round, and what the first ones took.
#[derive(Default)]
struct Pulls {
    first: Vec<f64>,
    again: Vec<f64>,
    changed: Vec<f64>,
    written: Vec<f64>,
    peak: u64,
}

/// A program, and the account that it pulls from.
struct Side<'s> {
    host: PathBuf,
    component: &'s Path,
    simulator: &'s Simulator,
}

impl Side<'_> {
    fn command(&self, state: Option<&State>) -> Command {
        let mut command = Command::new(&self.host);
        command.arg("--component").arg(self.component).args(["--allow-private", "--limits", "off"]);
        if let Some(state) = state {
            command.arg("--state").arg(&state.0);
        }
        command.env("BENCH_KEY", "asat_bench").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Keeps the key in a new state.
    fn keep(&self, state: &State) -> Result<()> {
        let base = format!("base-url={}", self.simulator.url);
        let mut keep = self.command(Some(state));
        keep.args(["secrets", "set", "api-key", "--from-env", "BENCH_KEY", "--setting", &base]);
        anyhow::ensure!(keep.status().context("keeping the key")?.success(), "the key is not kept");
        Ok(())
    }

    /// Seconds of a pull.
    fn sync(&self, state: &State, more: &[&str]) -> Result<(f64, Taken)> {
        let mut command = self.command(Some(state));
        command.args(["sync", "trackings", "--output", "ndjson"]).args(more);
        let began = Instant::now();
        let taken = run_to_end(command)?;
        Ok((began.elapsed().as_secs_f64(), taken))
    }

    /// Seconds of a scan that keeps nothing.
    fn list(&self) -> Result<f64> {
        let mut command = self.command(None);
        let base = format!("base-url={}", self.simulator.url);
        command.args(["--setting", &base, "--secret-env", "api-key=BENCH_KEY"]);
        command.args(["list", "trackings", "--output", "ndjson"]);
        let began = Instant::now();
        run_to_end(command)?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// Changes a member of so many trackings at the provider.
    fn change(&self, round: usize) -> Result<()> {
        let state = State::new("changes");
        self.keep(&state)?;
        let mut list = self.command(Some(&state));
        list.args(["list", "trackings", "--max", &CHANGED.to_string(), "--output", "ndjson"]);
        let listed = list.stdout(Stdio::piped()).output().context("listing")?;
        let mut items = String::new();
        for line in String::from_utf8(listed.stdout)?.lines() {
            let record: serde_json::Value = serde_json::from_str(line)?;
            let item =
                serde_json::json!({ "id": record.get("id"), "note": format!("round {round}") });
            writeln!(items, "{item}")?;
        }
        let file = state.0.join("items.ndjson");
        std::fs::write(&file, items)?;
        let mut push = self.command(Some(&state));
        push.args(["push", "trackings"]).arg(&file).args(["--mode", "update"]);
        anyhow::ensure!(push.status().context("changing")?.success(), "trackings were not changed");
        Ok(())
    }

    /// One round: all, all again, and what changed.
    fn round(&self, name: &str, round: usize, pulls: &mut Pulls) -> Result<()> {
        let state = State::new(&format!("{name}-{round}"));
        self.keep(&state)?;
        let (first, taken) = self.sync(&state, &[])?;
        pulls.first.push(first);
        pulls.written.push(taken.written as f64);
        pulls.peak = pulls.peak.max(taken.kib);
        pulls.again.push(self.sync(&state, &["--full"])?.0);
        self.change(round)?;
        pulls.changed.push(self.sync(&state, &[])?.0);
        Ok(())
    }
}

/// Lists and pulls the same account in turn, so many times; then pulls a large one.
pub fn measure(component: &Path, report: &mut Report, rounds: usize, quick: bool) -> Result<()> {
    let simulator = Simulator::start(SMALL)?;
    let side = |host| Side { host, component, simulator: &simulator };
    let (own, base) = (side(program("connector-host")), std::env::var_os("BASE"));
    let base = base.map(|base| side(PathBuf::from(base)));
    let (mut lists, mut ours, mut theirs) = (Vec::new(), Pulls::default(), Pulls::default());
    for round in 0..rounds {
        lists.push(own.list()?);
        if let Some(base) = &base {
            base.round("base", round, &mut theirs)?;
        }
        own.round("own", round, &mut ours)?;
    }
    let ratios = |theirs: &[f64], ours: &[f64]| {
        median(theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect())
    };
    let mut add = |what: &str, records: f64, ours: &[f64], theirs: &[f64], otherwise: String| {
        let figure = format!("{:.0} trackings/s", records / median(ours.to_vec()));
        let compared = match theirs {
            [] => otherwise,
            _ => format!("{:.2} × as fast as BASE", ratios(theirs, ours)),
        };
        report.add(what, figure, compared);
    };
    let all = f64::from(SMALL);
    let alone = format!("{:.2} × the scan alone", ratios(&lists, &ours.first));
    add("trackings and all that they hold, into a mirror", all, &ours.first, &theirs.first, alone);
    add("— all of them once more, unchanged", all, &ours.again, &theirs.again, String::new());
    let changed = CHANGED as f64;
    add("— 1,000 that changed", changed, &ours.changed, &theirs.changed, String::new());
    let bytes = |written: &[f64]| median(written.to_vec()) / all / KIBI;
    let compared = match &theirs.written[..] {
        [] => String::new(),
        written => format!("BASE {:.1} KiB", bytes(written)),
    };
    let figure = format!("{:.1} KiB", bytes(&ours.written));
    report.add("— bytes written for each, at first", figure, compared);
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / KIBI);
    report.add(&format!("peak memory, {SMALL} trackings mirrored"), mib(ours.peak), String::new());
    let large = if quick { SMALL * 2 } else { LARGE };
    let simulator = Simulator::start(large)?;
    let (own, state) = (Side { simulator: &simulator, ..own }, State::new("large"));
    own.keep(&state)?;
    let (_, taken) = own.sync(&state, &[])?;
    let more = taken.kib as f64 / KIBI - ours.peak as f64 / KIBI;
    let compared = format!("{more:+.1} MiB");
    report.add(&format!("peak memory, {large} trackings mirrored"), mib(taken.kib), compared);
    Ok(())
}
