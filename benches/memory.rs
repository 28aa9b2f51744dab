//! Peak memory of the host's process over a small and a large scan.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hosts::process::program;

use crate::process::Simulator;
use crate::report::Report;

const SMALL: u32 = 20_000;
const LARGE: u32 = 1_000_000;
const KIBI: f64 = 1024.0;

/// Lists both through the command line.
pub fn measure(component: &Path, report: &mut Report, quick: bool) -> Result<()> {
    let large = if quick { SMALL * 2 } else { LARGE };
    let small_kib = peak(component, SMALL)?;
    let large_kib = peak(component, large)?;
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / KIBI);
    report.add(&format!("peak memory, {SMALL} records"), mib(small_kib), String::new());
    let more = large_kib as f64 / KIBI - small_kib as f64 / KIBI;
    let compared = format!("{more:+.1} MiB, target +32 MiB at most");
    report.add(&format!("peak memory, {large} records"), mib(large_kib), compared);
    Ok(())
}

/// Peak memory of a scan of so many.
fn peak(component: &Path, trackings: u32) -> Result<u64> {
    let simulator = Simulator::start(trackings)?;
    let mut command = Command::new(program("connector-host"));
    command.arg("--component").arg(component);
    command.args([
        "--setting",
        &format!("base-url={}", simulator.url),
        "--secret-env",
        "api-key=BENCH_KEY",
    ]);
    command.args(["--allow-private", "--limits", "off", "list", "trackings", "--output", "ndjson"]);
    command.env("BENCH_KEY", "asat_bench").stdout(Stdio::null());
    Ok(run_to_end(command)?.kib)
}

/// What a process took.
pub struct Taken {
    /// Peak resident memory in KiB (Linux: `VmHWM` in proc(5)).
    pub kib: u64,
    /// Bytes that it handed to the system to be written, to the disk and elsewhere (Linux: `wchar` in
    /// proc(5)).
    pub written: u64,
}

/// Runs a command to its good end.
pub fn run_to_end(mut command: Command) -> Result<Taken> {
    let mut child = command.spawn().context("cannot start connector-host")?;
    let (status, io) = (format!("/proc/{}/status", child.id()), format!("/proc/{}/io", child.id()));
    let mut taken = Taken { kib: 0, written: 0 };
    let ended = loop {
        taken.kib = taken.kib.max(resident(&status, "VmHWM:").unwrap_or_default());
        let text = std::fs::read_to_string(&io).unwrap_or_default();
        let written = text.lines().find_map(|line| line.strip_prefix("wchar:"));
        let written = written.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default();
        taken.written = taken.written.max(written);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    anyhow::ensure!(ended.success(), "connector-host ended with {ended}");
    anyhow::ensure!(taken.kib > 0, "this system does not tell a process's peak memory");
    Ok(taken)
}

/// Memory of a process in KiB, by the field of its status.
pub fn resident(status: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
