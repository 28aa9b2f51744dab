//! Connections of which nothing is asked: what a host holds and does for them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hosts::account::{connection, keep};
use hosts::process::Fleet;
use hosts::show::shared;
use hosts::state::{Disk, PROGRAMS, State, TestServer};
use tokio::task::JoinSet;

use crate::many_hosts::{KEY, SERVE, provider};
use crate::memory::resident;
use crate::report::{Report, rounded};

/// Connections that are made at the same time.
const TOGETHER: usize = 64;
/// When nothing was asked of the provider for so long, all is read, and the server has counted it: it counts
/// what a connection did up to 10 s later.
const QUIET: Duration = Duration::from_secs(15);
const KIBI: f64 = 1024.0;

/// Measures one host with each database that is installed.
pub async fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let count = if quick { 100 } else { 10_000 };
    let time = Duration::from_secs(if quick { 10 } else { 60 });
    let mut disks = vec![Disk::sqlite()];
    if PROGRAMS.is_some() {
        disks.push(Disk::postgres("bench_idle", None));
    }
    for disk in disks {
        let state = disk.open().await;
        let provider = provider(0);
        let server = provider.listen().await?;
        let fleet = Fleet::new(1, &disk).serving(SERVE);
        fleet.start(0);
        shared(&state, &fleet, 1, 0).await;
        let alone = memory(&fleet)?;
        fleet.stop(0);
        make(&state, count, &server.url()).await?;
        fleet.start(0);
        let mut asked = 0;
        loop {
            fleet.assert_alive();
            tokio::time::sleep(QUIET).await;
            let now = provider.with_journal(|entries| entries.count());
            if now >= count && now == asked {
                break;
            }
            asked = now;
        }
        let before = transactions(&disk)?;
        tokio::time::sleep(time).await;
        let made = transactions(&disk)?.wrapping_sub(before);
        let kib = memory(&fleet)?;
        let mib = |kib: f64| format!("{:.1} MiB", kib / KIBI);
        let each =
            format!("{:.1} KiB each, and {} without", (kib - alone) / count as f64, mib(alone));
        let name = disk.name();
        report.add(&format!("{count} idle connections, {name}: the host's memory"), mib(kib), each);
        let figure = format!("{}/s", rounded(f64::from(made) / time.as_secs_f64()));
        let what = if disk.is_shared() { "— transactions" } else { "— commits" };
        report.add(what, figure, format!("over {} s", time.as_secs()));
    }
    Ok(())
}

/// Resident memory of the host in KiB.
fn memory(fleet: &Fleet) -> Result<f64> {
    let host = fleet.process(0).context("the host does not run")?;
    let kib = resident(&format!("/proc/{host}/status"), "VmRSS:");
    Ok(kib.context("this system does not tell a process's memory")? as f64)
}

/// Keeps so many connections with their keys, and without a webhook.
async fn make(state: &Arc<dyn State>, count: usize, url: &str) -> Result<()> {
    let mut making = JoinSet::new();
    for number in 0..count {
        if making.len() == TOGETHER {
            making.join_next().await.context("nothing is made")??;
        }
        let (state, row) = (Arc::clone(state), connection(number, false, url));
        making.spawn(async move { drop(keep(&row, &[("api-key", KEY)], &state).await) });
    }
    while let Some(made) = making.join_next().await {
        made?;
    }
    Ok(())
}

/// Transactions that were ever made in the database: in SQLite those that wrote.
fn transactions(disk: &Disk) -> Result<u32> {
    if disk.is_shared() {
        let told = TestServer::get().ask(
            "SELECT (xact_commit + xact_rollback) % 4294967296 FROM pg_stat_database
             WHERE datname = current_database()",
        );
        return told.trim().parse().context("the server does not count transactions");
    }
    changes(&disk.file("state/state.db-shm"))
}

/// SQLite's own count (`iChange` in the header of the index of its log, as walformat.html has it).
fn changes(index: &Path) -> Result<u32> {
    let mut header = [0; 12];
    File::open(index)?.read_exact(&mut header)?;
    let count = header.last_chunk().context("no count")?;
    Ok(u32::from_ne_bytes(*count))
}
