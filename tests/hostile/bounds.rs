//! Connectors that take more than is theirs.

use std::sync::Arc;
use std::time::Duration;

use host_harness::contract::types::ErrorKind;
use host_harness::egress::Limiter;
use host_harness::observe::{Event, Level};
use host_harness::runtime::{CallError, Connection, Runtime, RuntimeOptions, Stop};
use host_harness::vault::Secret;

use super::{KEY, connection, fine, things};
use crate::support::{Watch, guest, runtime};

/// Lists with the guest `name`, which must be stopped; then asks a good guest on the
/// same engine, and the hostile connection once more.
async fn stopped(runtime: &Runtime, name: &str) -> Stop {
    let watch = Arc::default();
    let hostile = connection(&guest(runtime, name).await, fine(), &watch).await;
    let good = connection(&guest(runtime, "sends").await, fine(), &watch).await;
    let stop = |result| match result {
        Err(CallError::Stopped { reason, wrote: false }) => reason,
        other => panic!("{name}: {other:?}"),
    };
    let first = stop(hostile.list(&things()).await);
    good.get("things", "declared").await.unwrap();
    assert_eq!(stop(hostile.list(&things()).await), first, "the same answer to the next call");
    good.get("things", "declared").await.unwrap();
    first
}

#[tokio::test]
async fn what_computes_without_end_is_cut() {
    let mut options = RuntimeOptions::default();
    options.bounds.cpu = Duration::from_millis(200);
    let runtime = Runtime::new(&options).unwrap();
    assert_eq!(stopped(&runtime, "loops").await, Stop::OutOfTime);
}

#[tokio::test]
async fn a_loop_does_not_hold_up_other_calls() {
    let mut options = RuntimeOptions::default();
    options.bounds.cpu = Duration::from_secs(3_600);
    let runtime = Runtime::new(&options).unwrap();
    let watch = Arc::default();
    let loops = connection(&guest(&runtime, "loops").await, fine(), &watch).await;
    let good = connection(&guest(&runtime, "sends").await, fine(), &watch).await;
    let looping = tokio::spawn(async move { loops.list(&things()).await });
    tokio::task::yield_now().await;
    good.get("things", "declared").await.unwrap();
    assert!(!looping.is_finished(), "the good call came back while the other one looped");
    looping.abort();
    assert!(looping.await.unwrap_err().is_cancelled(), "and goes when nobody waits for it");
}

#[tokio::test]
async fn what_takes_too_much_is_stopped_by_name() {
    let runtime = runtime();
    assert_eq!(stopped(&runtime, "grows").await, Stop::OutOfMemory);
    assert_eq!(stopped(&runtime, "huge_page").await, Stop::OutOfMemory);
    assert_eq!(stopped(&runtime, "recurses").await, Stop::StackOverflow);
    assert!(matches!(stopped(&runtime, "traps").await, Stop::Trapped(_)));
}

/// A guest with more memory than the usual still cannot make the host take 100 MB at once.
#[tokio::test]
async fn a_page_of_100_mb_does_not_cross() {
    let mut options = RuntimeOptions::default();
    options.bounds.memory_bytes = 256 * 1024 * 1024;
    let runtime = Runtime::new(&options).unwrap();
    assert_eq!(stopped(&runtime, "huge_page").await, Stop::TooMuchData);
}

#[tokio::test]
async fn a_flood_of_log_lines_is_bounded_and_cannot_fake_others() {
    let watch: Arc<Watch> = Arc::default();
    let floods = connection(&guest(&runtime(), "floods_log").await, fine(), &watch).await;
    floods.list(&things()).await.unwrap();
    let lines = watch.events().into_iter().filter_map(|event| match event {
        Event::Log { level, message } => Some((level, message)),
        _ => None,
    });
    let lines: Vec<_> = lines.collect();
    let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
    assert!(bytes < 80 * 1024, "{bytes} bytes of 200 MB");
    assert!(lines.iter().all(|(_, line)| !line.contains(['\n', '\u{1b}'])));
    let (level, last) = lines.last().unwrap();
    assert!(*level == Level::Warn && last.contains("dropped"), "{last}");
}

/// A quota of an account that is used up pauses all its connections, and no others.
#[tokio::test(start_paused = true)]
async fn a_quota_pauses_all_that_share_it() {
    let sends = guest(&runtime(), "sends").await;
    let (limiter, wire) = (Arc::<Limiter>::default(), || fine());
    let mut sent = Vec::new();
    let mut connections = Vec::new();
    for account in ["one", "one", "two"] {
        let wire = wire();
        sent.push(wire.sent());
        let builder = Connection::builder(&sends).setting("base-url", "http://api.example.com");
        let builder = builder.allow_private().secret("api-key", Secret::new(KEY));
        let builder = builder.account(account).limiter(limiter.clone()).network(Arc::new(wire));
        connections.push(builder.build().await.unwrap());
    }
    connections[0].get("things", "quota").await.unwrap_err();
    for connection in &connections[..2] {
        let paused = connection.get("things", "declared").await.unwrap_err();
        let CallError::Paused(paused) = paused else { panic!("{paused}") };
        assert_eq!(paused.error.kind, ErrorKind::QuotaExhausted(Some(60_000)));
        let written = connection.create("things", "{}").await.unwrap_err();
        let CallError::Paused(written) = written else { panic!("{written}") };
        assert_eq!(written.error.kind, paused.error.kind, "writes wait too");
    }
    connections[2].get("things", "declared").await.unwrap();
    let count = |sent: &Arc<std::sync::Mutex<Vec<String>>>| sent.lock().unwrap().len();
    assert_eq!(sent.iter().map(count).collect::<Vec<_>>(), [0, 0, 1]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    connections[1].get("things", "declared").await.unwrap();
}
