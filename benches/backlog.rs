//! A state of a million trackings and a million deliveries that wait: what `status` takes, and how long
//! each piece of maintenance holds up others. Takes minutes and some 8 GB of disk, so it runs only when
//! it is asked for by `ONLY=backlog`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use host_harness::clock::{Clock, SystemClock};
use host_harness::contract::types::DataRecord;
use host_harness::mirror::{Batch, Derived, Mirror as _, ScanKind, ScanRow, ScanStep, Source};
use host_harness::state::Lease;
use host_harness::state::inbox::{EventEffect, Inbox as _, NewDelivery, NewEvent};
use host_harness::store::{Change, Sqlite, Store as _};
use hosts::process::program;
use tokio::task::JoinSet;

use crate::memory::{resident, run_to_end};
use crate::mirror::State;
use crate::report::{Report, median};

const OBJECT: &str = "trackings";
const HOLDER: &str = "bench";
const PAGE: u64 = 500;
/// Deliveries that are handed over at once.
const TOGETHER: u64 = 64;
/// Pieces of maintenance that are measured, and the pause before each
/// (`host_harness::service::maintenance`).
const PIECES: usize = 2_000;
const BETWEEN: Duration = Duration::from_millis(10);
/// After so long every change is too old to be kept.
const LATER: Duration = Duration::from_secs(40 * 24 * 3_600);

/// The machine's clock, some days ahead.
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + LATER
    }
}

/// Fills a state with so many of each, and measures.
pub async fn measure(component: &Path, report: &mut Report, count: u64) -> Result<()> {
    let state = State::new("backlog");
    keep_key(component, &state)?;
    let file = state.0.join("state.db");
    let sqlite = Arc::new(Sqlite::open(&file, Arc::new(SystemClock))?);
    let connection = sqlite.connections().await?.pop().context("no connection was made")?.id;
    mirror(&sqlite, &connection, count).await?;
    receive(&sqlite, &connection, count).await?;
    let mut times = Vec::new();
    for _ in 0..7 {
        let mut status = host(component, &state)?;
        status.arg("status");
        let began = Instant::now();
        run_to_end(status)?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let of = format!("{count} trackings, {count} deliveries that wait");
    report.add(&format!("`status` of {of}"), format!("{:.0} ms", median(times)), target(100));
    drop(sqlite);
    let sqlite = Sqlite::open(&file, Arc::new(Ahead))?;
    maintain(&sqlite, report, "old changes forgotten").await?;
    sqlite.commit(vec![Change::RemoveConnection { id: connection }]).await?;
    maintain(&sqlite, report, "a removed connection erased").await?;
    let peak = resident("/proc/self/status", "VmHWM:").unwrap_or_default() as f64 / 1024.0;
    report.add("peak memory of all that", format!("{peak:.0} MiB"), String::new());
    Ok(())
}

fn target(ms: u32) -> String {
    format!("target {ms} ms")
}

fn host(component: &Path, state: &State) -> Result<Command> {
    let mut command = Command::new(program("connector-host"));
    command.arg("--component").arg(component).arg("--state").arg(&state.0);
    command.env("BENCH_KEY", "asat_bench").stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

fn keep_key(component: &Path, state: &State) -> Result<()> {
    let mut keep = host(component, state)?;
    keep.args(["secrets", "set", "api-key", "--from-env", "BENCH_KEY"]);
    anyhow::ensure!(keep.status().context("keeping the key")?.success(), "the key is not kept");
    Ok(())
}

/// An id that looks random, as the provider's do.
fn id_of(number: u64) -> String {
    format!("{:032x}", u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64 | 7)
}

fn record(id: String, bytes: usize) -> DataRecord {
    let filler = "x".repeat(bytes);
    DataRecord {
        updated_at: Some("2026-11-21T17:47:10+00:00".to_owned()),
        created_at: Some("2026-11-01T00:00:00+00:00".to_owned()),
        version: None,
        data: format!(r#"{{"id":"{id}","note":"{filler}"}}"#),
        id,
    }
}

/// One scan of so many trackings with two checkpoints each.
async fn mirror(sqlite: &Sqlite, connection: &str, count: u64) -> Result<()> {
    let begin = |row: &ScanRow, now_ms: u64| {
        let until_ms = now_ms + 3_600_000;
        let lease = Some(Lease { attempt: HOLDER.to_owned(), until_ms });
        let scan = row.scan + 1;
        Some(ScanRow { scan, kind: Some(ScanKind::Full), running: true, lease, ..row.clone() })
    };
    let scan = sqlite.change_scan(connection, OBJECT, Box::new(begin)).await?.scan;
    for first in (0..count).step_by(PAGE as usize) {
        let ids: Vec<String> = (first..(first + PAGE).min(count)).map(id_of).collect();
        let held = |id: &String| (0..2).map(|line| record(format!("{id}/{line}"), 150)).collect();
        let lists = ids.iter().map(held).collect();
        let derived = vec![Derived { object: "checkpoints".to_owned(), lists }];
        let next = (first + PAGE < count).then(|| first.to_string());
        let attempt = HOLDER.to_owned();
        let step = ScanStep {
            scan,
            attempt,
            next,
            wait_ms: None,
            bookmark: None,
            outside: 0,
            lease_ms: 3_600_000,
        };
        let asked = sqlite.moment(connection).await?;
        sqlite
            .apply(Batch {
                records: ids.into_iter().map(|id| record(id, 1_500)).collect(),
                derived,
                step: Some(step),
                ..Batch::new(connection, OBJECT, Source::Page, asked)
            })
            .await?;
    }
    Ok(())
}

/// So many deliveries, none of which is applied.
async fn receive(sqlite: &Arc<Sqlite>, connection: &str, count: u64) -> Result<()> {
    let mut senders = JoinSet::new();
    for sender in 0..TOGETHER {
        let (sqlite, connection) = (Arc::clone(sqlite), connection.to_owned());
        senders.spawn(async move {
            for number in (sender..count).step_by(TOGETHER as usize) {
                sqlite.receive(delivery(&connection, number)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    Ok(())
}

fn delivery(connection: &str, number: u64) -> NewDelivery {
    let record = record(id_of(number), 800);
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(record.id.bytes()) {
        *to = from;
    }
    NewDelivery {
        connection: connection.to_owned(),
        method: "POST".to_owned(),
        url: "https://h.example/hooks/0123456789abcdef0123456789abcdef".to_owned(),
        headers: vec![],
        body: format!(r#"{{"event":"tracking_update","msg":{}}}"#, record.data).into_bytes(),
        events: vec![NewEvent {
            key,
            id: Some(record.id.clone()),
            object: OBJECT.to_owned(),
            name: "tracking_update".to_owned(),
            occurred_at: record.updated_at.clone(),
            effect: EventEffect::Upserted(record),
            asks: false,
            reason: None,
        }],
        arrived: tokio::time::Instant::now(),
    }
}

/// The first pieces of maintenance, with the pauses between them that the job makes.
async fn maintain(sqlite: &Sqlite, report: &mut Report, what: &str) -> Result<()> {
    let (mut times, mut more) = (Vec::new(), true);
    while more && times.len() < PIECES {
        tokio::time::sleep(BETWEEN).await;
        let began = Instant::now();
        more = sqlite.maintain().await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(0.0);
    let most = times.last().copied().unwrap_or_default();
    let figure = format!("p50 {:.1} ms, p99 {:.1} ms, at most {most:.1} ms", at(0.5), at(0.99));
    report.add(&format!("— a piece of maintenance: {what}"), figure, target(50));
    Ok(())
}
