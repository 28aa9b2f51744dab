//! How fast deliveries are kept. Prints, and asserts nothing:
//! `cargo test -p connector-state-sqlite inbox::tests::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use connector_contract::clock::SystemClock;
use connector_state::conformance::{Database as _, connection};
use connector_state::inbox::{Inbox as _, Settled};
use connector_state::{Change, Store as _};

use super::{WHOSE, delivery};
use crate::Sqlite;
use crate::tests::OnDisk;

/// Senders at the same time.
const SENDERS: usize = 64;
/// Bytes of a body: somewhat more than a tracking with ten checkpoints.
const BYTES: usize = 6_000;
/// How long it is measured.
const FOR: Duration = Duration::from_secs(4);

/// Bytes that this process has written so far, where the system tells.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn speed() {
    let disk = OnDisk::new();
    let sqlite = Arc::new(Sqlite::open(&disk.path(), Arc::new(SystemClock)).unwrap());
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let number = Arc::new(AtomicU64::new(0));
    let (before, began) = (written(), Instant::now());
    let senders = (0..SENDERS).map(|_| {
        let (sqlite, number) = (Arc::clone(&sqlite), Arc::clone(&number));
        tokio::spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < FOR {
                let delivery = delivery(number.fetch_add(1, Ordering::Relaxed), BYTES);
                let asked = Instant::now();
                sqlite.receive(delivery).await.unwrap();
                times.push(asked.elapsed());
            }
            times
        })
    });
    let mut times = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        times.extend(sender.await.unwrap());
    }
    let (count, took) = (times.len(), began.elapsed().as_secs_f64());
    times.sort_unstable();
    let at = |part: f64| times[(count as f64 * part) as usize].as_secs_f64() * 1_000.0;
    println!(
        "{:.0} deliveries/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} KB each, {:.0} in a commit",
        count as f64 / took,
        at(0.5),
        at(0.99),
        (written() - before) as f64 / 1e3 / count as f64,
        count as f64 / f64::from(sqlite.writer.transactions()),
    );
}

/// A million deliveries that wait, or are old, or whose connection was removed.
#[tokio::test]
#[ignore = "prints figures"]
async fn backlog() {
    let disk = OnDisk::new();
    let sqlite = Sqlite::open(&disk.path(), Arc::new(SystemClock)).unwrap();
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    sqlite.receive(delivery(0, BYTES)).await.unwrap();
    sqlite.with_connection(|on| {
        on.execute_batch(
            "PRAGMA synchronous = OFF;
             WITH RECURSIVE n (n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
             INSERT INTO inbox_deliveries SELECT n, 1, received_ms, 0, n, 1, method, url, headers,
                 zeroblob(300) FROM inbox_deliveries, n;
             INSERT INTO inbox_events SELECT d.number, d.number, 1, 0, 0, d.received_ms, 0, NULL, 1,
                 e.id, e.object, e.name, NULL, 'r', NULL, NULL, NULL, NULL, NULL, NULL
                 FROM inbox_deliveries AS d, inbox_events AS e WHERE d.number > 1;
             UPDATE inbox_numbers SET delivery = 1000000, event = 1000000;
             UPDATE inboxes SET waiting = 1000000;
             PRAGMA synchronous = FULL;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    });
    let timed = async |what: &str, began: Instant| {
        println!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1_000.0);
    };
    for _ in 0..2 {
        let began = Instant::now();
        assert_eq!(sqlite.count_events(Some(WHOSE)).await.unwrap(), (1_000_000, 0));
        timed("counts", began).await;
        let began = Instant::now();
        assert_eq!(sqlite.due().await.unwrap().len(), 1);
        timed("due", began).await;
        let began = Instant::now();
        let due = sqlite.due_events(WHOSE, false, 100).await.unwrap();
        timed("100 due events", began).await;
        let began = Instant::now();
        let done = |event| Settled {
            state: connector_state::inbox::EventState::Waiting,
            again_after_ms: Some(60_000),
            ..Settled::of(event)
        };
        sqlite.settle(due.iter().map(done).collect()).await.unwrap();
        timed("100 settled", began).await;
        let began = Instant::now();
        assert_eq!(sqlite.deliveries(None, None, 100).await.unwrap().len(), 100);
        timed("100 deliveries", began).await;
    }
    sqlite.with_connection(|on| {
        on.execute_batch(
            "UPDATE inbox_deliveries SET received_ms = 0 WHERE number < 500000;
             UPDATE inbox_events SET state = 1, next_ms = NULL WHERE number < 500000;",
        )
        .unwrap();
    });
    pieces(&sqlite, "to forget half of it").await;
    let remove = Change::RemoveConnection { id: WHOSE.to_owned() };
    let began = Instant::now();
    sqlite.commit(vec![remove]).await.unwrap();
    timed("a connection removed", began).await;
    pieces(&sqlite, "to erase the rest").await;
}

async fn pieces(sqlite: &Sqlite, what: &str) {
    let (began, mut times, mut more) = (Instant::now(), Vec::new(), true);
    while more {
        let piece = Instant::now();
        more = sqlite.maintain().await.unwrap();
        times.push(piece.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    println!(
        "{what}: {} pieces in {:.1} s, p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
        times.len(),
        began.elapsed().as_secs_f64(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
    );
}
