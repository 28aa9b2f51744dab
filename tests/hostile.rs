//! Connectors that misbehave: each is refused or stopped with a typed error, and the
//! next call, of the same and of another connection, works.

use std::sync::Arc;
use std::time::Duration;

use host_harness::observe::{Event, Level};
use host_harness::runtime::bindings::records::{ListRequest, Start};
use host_harness::runtime::{CallError, Connection, Connector, Runtime, RuntimeOptions, Stop};
use host_harness::vault::Secret;

use crate::support::wire::{Wire, answer};
use crate::support::{Watch, guest, runtime};

const KEY: &str = "canary-0123456789";

async fn connection(connector: &Connector, wire: Wire, watch: &Arc<Watch>) -> Connection {
    Connection::builder(connector)
        .setting("base-url", "http://api.example.com")
        .allow_private(true)
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire))
        .observer(watch.clone())
        .build()
        .await
        .unwrap()
}

fn fine() -> Wire {
    Wire::new(|_| answer("200 OK", "{}"))
}

fn things() -> ListRequest {
    ListRequest {
        object: "things".to_owned(),
        start: Start::Beginning,
        page_size: None,
        filter: None,
    }
}

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
    let first = stop(hostile.list(things()).await);
    good.get("things", "declared").await.unwrap();
    assert_eq!(stop(hostile.list(things()).await), first, "the same answer to the next call");
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
    let looping = tokio::spawn(async move { loops.list(things()).await });
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
    floods.list(things()).await.unwrap();
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

/// Everything that the manifest does not declare is refused before a byte is sent.
#[tokio::test]
async fn what_is_not_declared_is_never_sent() {
    let runtime = runtime();
    let sends = guest(&runtime, "sends").await;
    for wish in [
        "undeclared endpoint",
        "undeclared method",
        "another host",
        "private address",
        "secret in another header",
        "secret with a prefix",
        "own key header",
    ] {
        let wire = fine();
        let sent = wire.sent();
        let connection = connection(&sends, wire, &Arc::default()).await;
        let refused = connection.get("things", wish).await;
        let Err(CallError::Connector(why)) = refused else { panic!("{wish}: {refused:?}") };
        assert!(why.message.contains("Refused"), "{wish}: {}", why.message);
        assert!(sent.lock().unwrap().is_empty(), "{wish}");
        connection.get("things", "declared").await.unwrap();
        assert_eq!(sent.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_unless_the_operator_allows_it() {
    let runtime = runtime();
    let sends = guest(&runtime, "sends").await;
    let wire = fine().at("169.254.169.254:443");
    let inside = Connection::builder(&sends)
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire))
        .build()
        .await
        .unwrap();
    let refused = inside.get("things", "declared").await.unwrap_err().to_string();
    assert!(refused.contains("no public address"), "{refused}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_brings_no_key_elsewhere() {
    let wire = Wire::new(|_| {
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: https://evil.example.com/\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let sent = wire.sent();
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, wire, &Arc::default()).await;
    let record = connection.get("things", "declared").await.unwrap();
    assert_eq!(record.data, "{\"status\":307}");
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_writes_once() {
    let wire = fine();
    let sent = wire.sent();
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, wire, &Arc::default()).await;
    let refused = connection.get("things", "two writes").await.unwrap_err().to_string();
    assert!(refused.contains("already written"), "{refused}");
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_trap_after_a_write_says_that_it_may_have_been_applied() {
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, fine(), &Arc::default()).await;
    let stopped = connection.get("things", "trap after a write").await;
    assert!(matches!(stopped, Err(CallError::Stopped { wrote: true, .. })), "{stopped:?}");
}

#[tokio::test]
async fn a_key_that_verifies_does_not_sign() {
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, fine(), &Arc::default()).await;
    let denied =
        connection.get("things", "sign with a key that verifies").await.unwrap_err().to_string();
    assert!(denied.contains("denied"), "{denied}");
}
