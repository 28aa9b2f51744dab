//! A thousand connections of which most wait for a limit: what the others reach, next to what they
//! reach alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use host_harness::contract::limits::Rate;
use host_harness::contract::records::{ListRequest, Start, View};
use host_harness::egress::Limiter;
use host_harness::runtime::{Connection, Connector};
use host_harness::vault::Secret;
use tokio::task::JoinSet;

use crate::memory::resident;
use crate::process::Simulator;
use crate::report::{Report, median};

const FREE: usize = 100;
const WAITING: usize = 900;
const KIBI: f64 = 1024.0;

/// Times the others alone and beside those who wait, in turn.
pub async fn measure(
    connector: &Connector,
    report: &mut Report,
    pairs: usize,
    time: Duration,
) -> Result<()> {
    let simulator = Simulator::start(1)?;
    // One in a second for all who wait, so each of them waits for as long as one may.
    let (slow, wide) = (Rate::new(1, Duration::from_secs(1)), Rate::new(u32::MAX, time));
    let limiter = Limiter::default().instead("trackings-get", slow);
    let limiter = Arc::new(limiter.instead("trackings-list", wide).instead("all", wide));
    let before = memory()?;
    let mut connections = Vec::new();
    for number in 0..FREE + WAITING {
        let account = if number < FREE { format!("{number}") } else { "crowded".to_owned() };
        let connection = Connection::builder(connector)
            .setting("base-url", simulator.url.as_str())
            .secret("api-key", Secret::new("asat_bench"))
            .allow_private()
            .limiter(Arc::clone(&limiter))
            .account(account);
        connections.push(connection.build().await?);
    }
    let (free, waiting) = connections.split_at(FREE);
    let (mut alone, mut ratios, mut most) = (Vec::new(), Vec::new(), 0);
    for _ in 0..pairs {
        let without = calls(free, time).await?;
        let mut crowd = JoinSet::new();
        for connection in waiting {
            let connection = connection.clone();
            crowd.spawn(async move {
                loop {
                    let _ = connection.get("trackings", "0").await;
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let with = calls(free, time).await?;
        most = most.max(memory()?);
        crowd.shutdown().await;
        alone.push(without);
        ratios.push(with / without);
    }
    let alone = format!("{:.0} calls/s", median(alone));
    report.add("100 connections, alone", alone, "1 ×".to_owned());
    let compared = "of what they reach alone, target 90 % at least".to_owned();
    let ratio = format!("{:.0} %", 100.0 * median(ratios));
    report.add("— while 900 others wait for a limit", ratio, compared);
    let more = format!("{:.1} MiB", most.saturating_sub(before) as f64 / KIBI);
    report.add("resident memory of these 1,000 connections", more, String::new());
    Ok(())
}

/// Calls a second that all of `connections` make together.
async fn calls(connections: &[Connection], time: Duration) -> Result<f64> {
    let (made, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for connection in connections {
        let (connection, made) = (connection.clone(), Arc::clone(&made));
        tasks.spawn(async move {
            while began.elapsed() < time {
                connection.list(&one()).await?;
                made.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    for ended in tasks.join_all().await {
        ended?;
    }
    Ok(made.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

fn one() -> ListRequest {
    ListRequest {
        object: "trackings".to_owned(),
        start: Start::Beginning,
        page_size: Some(1),
        filter: None,
        view: View { fields: vec![], options: None },
    }
}

fn memory() -> Result<u64> {
    resident("/proc/self/status", "VmRSS:").context("this system does not tell a process's memory")
}
