//! `make bench`: what the sandbox costs, measured side by side in one run.
//!
//! Every figure that compares two things is the median of pairs that were run in turn, so
//! that a busy machine slows both. Servers are the simulator in a process of its own.

mod api;
mod backlog;
mod console;
mod crowd;
mod delay;
mod deliveries;
mod derive;
mod idle;
mod languages;
mod many_hosts;
mod memory;
mod mirror;
mod process;
mod report;
mod scan;
mod size;
mod start;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::runtime::{Runtime, RuntimeOptions};

use crate::report::Report;

fn main() -> Result<()> {
    // Cargo passes its own flags, such as --bench.
    let quick = std::env::args().any(|argument| argument == "--quick");
    let only = std::env::var("ONLY").ok();
    let component = Path::new("dist/aftership-connector.wasm");
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new();
    threads.block_on(async {
        let runtime = Runtime::new(&RuntimeOptions::default())?;
        let connector = runtime.load(component).await.context("run `make component` first")?;
        let wants = |part| only.as_deref().is_none_or(|only| only == part);
        if wants("start") {
            start::measure(&connector, &mut report).await?;
        }
        if wants("crowd") {
            let time = Duration::from_secs(if quick { 1 } else { 5 });
            crowd::measure(&connector, &mut report, if quick { 1 } else { 5 }, time).await?;
        }
        if wants("list") {
            scan::measure(&connector, &mut report, if quick { 2 } else { 7 }).await?;
            if let Some(baseline) = std::env::var_os("BASELINE") {
                let baseline = runtime.load(Path::new(&baseline)).await.context("BASELINE")?;
                scan::compare(&connector, &baseline, &mut report, if quick { 2 } else { 5 })
                    .await?;
            }
        }
        if wants("deliveries") {
            let time = Duration::from_secs(if quick { 2 } else { 10 });
            deliveries::measure(&connector, &mut report, time).await?;
        }
        if wants("hosts") {
            many_hosts::measure(&mut report, quick).await?;
            idle::measure(&mut report, quick).await?;
        }
        if wants("api") {
            api::measure(&mut report, quick).await?;
        }
        if wants("console") {
            let count = if quick || only.is_none() { 20_000 } else { 1_000_000 };
            console::measure(&mut report, count).await?;
        }
        if only.as_deref() == Some("backlog") {
            let count = if quick { 20_000 } else { 1_000_000 };
            backlog::measure(component, &mut report, count).await?;
        }
        anyhow::Ok(())
    })?;
    let wants = |part| only.as_deref().is_none_or(|only| only == part);
    if wants("languages") {
        languages::measure(component, &mut report, if quick { 1 } else { 3 })?;
    }
    if wants("memory") {
        memory::measure(component, &mut report, quick)?;
    }
    if wants("mirror") {
        mirror::measure(component, &mut report, if quick { 1 } else { 3 }, quick)?;
    }
    if wants("size") {
        size::measure(component, &mut report)?;
    }
    print!("{report}");
    if !quick && only.is_none() {
        std::fs::write("BENCHMARKS.md", report.page()).context("cannot write BENCHMARKS.md")?;
    }
    Ok(())
}
