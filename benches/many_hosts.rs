//! Real `connector-host serve` on one state: pages that they read, and deliveries that they take, in
//! SQLite and in PostgreSQL, by how many hosts there are and how far away the server is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aftership_simulator::{Options, Simulator};
use anyhow::{Context as _, Result};
use host_harness::mirror::ScanRow;
use hosts::account::{connection, keep};
use hosts::process::Fleet;
use hosts::show::shared;
use hosts::state::{Disk, PROGRAMS, State, TestServer};
use tokio::net::TcpListener;

use crate::deliveries::{SECRET, send};
use crate::report::{Report, median};
use crate::{delay, report};

/// The key of the simulated account, to which all connections are.
pub const KEY: &str = "asat_bench";
/// Senders of deliveries at the same time; a host lets so many in from one address.
const SENDERS: usize = 32;
/// Between host and server, each way.
const AWAY: Duration = Duration::from_micros(500);

/// What is measured.
struct Case {
    /// As the report names it.
    name: String,
    hosts: usize,
    /// In PostgreSQL.
    shared: bool,
    /// What hosts reach its server by instead of its socket.
    by: Option<String>,
}

/// How much of it.
struct Amount {
    connections: usize,
    /// Trackings that each of them reads.
    trackings: usize,
    /// For so long deliveries are sent.
    time: Duration,
}

/// Measures all cases in turn, so many times.
pub async fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let rounds = if quick { 1 } else { 3 };
    let amount = match quick {
        true => Amount { connections: 8, trackings: 200, time: Duration::from_secs(2) },
        false => Amount { connections: 48, trackings: 1_000, time: Duration::from_secs(5) },
    };
    let cases = cases()?;
    let (mut pages, mut taken) = (vec![vec![]; cases.len()], vec![vec![]; cases.len()]);
    for round in 0..rounds {
        for (number, case) in cases.iter().enumerate() {
            let schema = format!("bench_{round}_{number}");
            let of = run(case, &schema, &amount).await.with_context(|| case.name.clone())?;
            for (all, one) in [(&mut pages, of.0), (&mut taken, of.1)] {
                all.get_mut(number).context("a case of no number")?.push(one);
            }
        }
    }
    add(report, "pages of trackings into a mirror", "pages/s", &cases, &pages);
    add(report, "deliveries to hosts that serve", "/s", &cases, &taken);
    Ok(())
}

fn cases() -> Result<Vec<Case>> {
    let name = "SQLite, 1 host".to_owned();
    let mut cases = vec![Case { name, hosts: 1, shared: false, by: None }];
    if PROGRAMS.is_none() {
        eprintln!("left out, because PostgreSQL is not installed: hosts that share it");
        return Ok(cases);
    }
    let socket = TestServer::get().directory().join(".s.PGSQL.5432");
    let away = format!("postgres://tests@{}/postgres", delay::listen(socket, AWAY)?);
    for (place, by) in [("PostgreSQL", None), ("PostgreSQL 0.5 ms away", Some(away))] {
        for hosts in [1, 2, 4] {
            let name = format!("{place}, {hosts} {}", if hosts == 1 { "host" } else { "hosts" });
            cases.push(Case { name, hosts, shared: true, by: by.clone() });
        }
    }
    Ok(cases)
}

/// A row for each case, compared with the first one.
fn add(report: &mut Report, what: &str, unit: &str, cases: &[Case], figures: &[Vec<f64>]) {
    let first = figures.first().cloned().unwrap_or_default();
    for (case, figures) in cases.iter().zip(figures) {
        let ratios = figures.iter().zip(&first).map(|(one, first)| one / first).collect();
        let (figure, ratio) = (median(figures.clone()), median(ratios));
        let figure = format!("{} {unit}", report::rounded(figure)).replace(" /", "/");
        report.add(&format!("{what}: {}", case.name), figure, format!("{ratio:.2} × SQLite"));
    }
}

/// Pages and deliveries a second.
async fn run(case: &Case, schema: &str, amount: &Amount) -> Result<(f64, f64)> {
    let disk = match case.shared {
        true => Disk::postgres(schema, case.by.as_deref()),
        false => Disk::sqlite(),
    };
    let state = disk.open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut paths = BTreeMap::new();
    for number in 0..amount.connections {
        let row = connection(number, false, &url);
        keep(&row, &[("api-key", KEY), ("webhook-secret", SECRET)], &state).await;
        let token = format!("{number:032x}");
        state.make_hook(&row.id, &token).await?;
        paths.insert(row.id, format!("/hooks/{token}"));
    }
    let fleet = Fleet::new(case.hosts, &disk).serving(SERVE);
    (0..case.hosts).for_each(|number| fleet.start(number));
    shared(&state, &fleet, case.hosts, amount.connections).await;
    // The provider answers when the hosts are ready, so that their start is not in the figure.
    let provider = provider(amount.trackings);
    let began_ms = provider.now_ms();
    let answering = tokio::spawn({
        let provider = provider.clone();
        async move { provider.serve(listener).await }
    });
    let (pages, ended_ms) = pulled(&state, &fleet, paths.keys(), amount.trackings).await?;
    let pages = pages as f64 / (ended_ms.saturating_sub(began_ms) as f64 / 1_000.0);
    let taken = deliver(&fleet.addresses(), paths.into_values().collect(), amount.time).await?;
    fleet.end();
    answering.abort();
    if case.shared {
        TestServer::get().run(&format!("DROP SCHEMA {schema} CASCADE"));
    }
    Ok((pages, taken))
}

/// What hosts of figures are told: to read once, without limits.
pub const SERVE: &[&str] =
    &["--every", "1d", "--full-every", "7d", "--rate", "100000", "--limits", "off"];

/// An account with so many trackings, without limits.
pub fn provider(trackings: usize) -> Simulator {
    let api_keys = vec![KEY.to_owned()];
    let simulator = Simulator::new(Options { api_keys, limits: false, ..Options::default() });
    simulator.seed(7, trackings);
    simulator
}

/// Waits until all of these connections have read everything; answers how many pages that were, and when
/// the last of them was kept.
async fn pulled(
    state: &Arc<dyn State>,
    fleet: &Fleet,
    connections: impl Iterator<Item = &String>,
    trackings: usize,
) -> Result<(u64, u64)> {
    let (mut pages, mut ended_ms) = (0, 0);
    for connection in connections {
        loop {
            let scans = state.scans(connection).await?;
            let scan = scans.into_iter().find(|scan| scan.object == "trackings");
            if let Some((scan, at_ms)) = scan.and_then(completed) {
                anyhow::ensure!(scan.records >= trackings as u64, "not all was read: {scan:?}");
                pages += scan.pages;
                ended_ms = ended_ms.max(at_ms);
                break;
            }
            fleet.assert_alive();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok((pages, ended_ms))
}

/// A scan that has read everything, with when.
fn completed(scan: ScanRow) -> Option<(ScanRow, u64)> {
    let at_ms = scan.completed_ms?;
    Some((scan, at_ms))
}

/// Sends deliveries for so long to all of the hosts; answers how many were taken a second.
async fn deliver(hosts: &[SocketAddr], paths: Vec<String>, time: Duration) -> Result<f64> {
    let (stop, number) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let to = hosts.iter().cycle().zip(paths.into_iter().cycle()).take(SENDERS);
    let senders: Vec<_> = to
        .map(|(address, path)| {
            let (address, stop, number) = (*address, Arc::clone(&stop), Arc::clone(&number));
            tokio::spawn(async move { send(address, &path, &stop, &number).await })
        })
        .collect();
    let began = Instant::now();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut taken = 0;
    for sender in senders {
        taken += sender.await??.len();
    }
    Ok(taken as f64 / began.elapsed().as_secs_f64())
}
