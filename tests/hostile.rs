//! Connectors that misbehave: each is refused or stopped with a typed error, and the
//! next call, of the same and of another connection, works.

use std::sync::Arc;
use std::time::Duration;

use host_harness::connect::Scheme as _;
use host_harness::egress::Limiter;
use host_harness::grants::Tokens;
use host_harness::observe::{Event, Level};
use host_harness::runtime::bindings::records::{ListRequest, Start, View};
use host_harness::runtime::bindings::subscriptions::{Delivery, Refusal};
use host_harness::runtime::bindings::types::{DataRecord, ErrorKind};
use host_harness::runtime::{
    BuildError, CallError, Connection, Connector, LoadError, Runtime, RuntimeOptions, Stop,
};
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
        view: View { fields: vec![], options: None },
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
        "another endpoint's path",
        "another endpoint's secret",
        "undeclared secret use",
        "another host",
        "another host by slashes",
        "another host by a user",
        "a way out of the path",
        "own key header",
        "own key parameter",
        "own key segment",
        "place of a key without the key",
        "own key field",
        "own key field as text",
        "own key member",
        "own key member twice",
        "own credentials",
        "own host",
        "origin without a value",
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

/// In each place the key stands as that place wants it, once.
#[tokio::test]
async fn a_key_stands_where_it_is_declared() {
    let sends = guest(&runtime(), "sends").await;
    for (wish, expected) in [
        ("declared", "x-key: canary-0123456789\r\n"),
        ("declared in the query", "GET /query?a=b&key=canary-0123456789 HTTP/1.1\r\n"),
        ("declared in the path", "GET /botcanary-0123456789/send HTTP/1.1\r\n"),
        ("declared in the form", "\r\n\r\na=b&key=canary-0123456789"),
        ("declared in the body", "\r\n\r\n{\"auth\":{\"key\":\"canary-0123456789\"}}"),
    ] {
        let (wire, watch) = (fine(), Arc::<Watch>::default());
        let sent = wire.sent();
        let connection = connection(&sends, wire, &watch).await;
        connection.get("things", wish).await.unwrap();
        let sent = sent.lock().unwrap().concat();
        assert_eq!(sent.matches(KEY).count(), 1, "{wish}: {sent}");
        assert!(sent.contains(expected), "{wish}: {sent}");
        let seen = format!("{:?}", watch.events());
        assert!(!seen.contains(KEY) && !seen.contains("a=b"), "{wish}: {seen}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_is_no_fault_of_the_request() {
    let sends = guest(&runtime(), "sends").await;
    let wire = fine();
    let sent = wire.sent();
    let connection = connection(&sends, wire, &Arc::default()).await;
    let why = connection.get("things", "missing secret").await.unwrap_err().to_string();
    assert!(why.contains("NoSecret") && why.contains("never-given"), "{why}");
    assert!(sent.lock().unwrap().is_empty());
}

/// Only what the manifest says is taken out of an answer, and the connector is told its name.
#[tokio::test]
async fn what_is_captured_never_enters_the_connector() {
    let sends = guest(&runtime(), "sends").await;
    let body = r#"{"token":"tok-0123456789","next":"tok-0123456789","n":1.50}"#;
    let wire = Wire::new(move |_| answer("200 OK", body));
    let connection = connection(&sends, wire, &Arc::default()).await;
    let seen = connection.get("things", "captures").await.unwrap().data;
    assert_eq!(
        seen,
        r#"{"status":200,"captured":"access-token","body":{"token":null,"next":"[redacted]","n":1.50}}"#
    );
}

/// A customer chooses a shop, and never the domain.
#[tokio::test]
async fn a_label_stays_a_label() {
    let sends = guest(&runtime(), "sends").await;
    let shop = |value: &str| {
        let wire = fine();
        let sent = wire.sent();
        let builder = Connection::builder(&sends)
            .customer_setting("shop", value)
            .secret("api-key", Secret::new(KEY))
            .network(Arc::new(wire));
        (builder, sent)
    };
    for value in
        ["acme.evil", "a@evil", "acme:8443", "evil.com/", "evil.com?", "evil.com#", "", "-"]
    {
        let refused = shop(value).0.build().await.err().unwrap();
        assert!(matches!(&refused, BuildError::Setting(_)), "{value}: {refused}");
        assert!(refused.to_string().contains("\"shop\""), "{refused}");
    }
    let (builder, _) = shop("acme");
    let refused = builder.customer_setting("base-url", "https://evil.example.com").build().await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("given by the operator, and not by the customer"), "{refused}");
    let (builder, sent) = shop("acme");
    // What is reached speaks no TLS, so nothing is sent; but it was to be sent there.
    let why = builder.build().await.unwrap().get("things", "shop").await.unwrap_err();
    assert!(why.to_string().contains("https://acme.example.com"), "{why}");
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_sends_nothing_can_send_nothing() {
    let runtime = runtime();
    let connector = guest(&runtime, "sends_offline").await;
    let wire = fine();
    let sent = wire.sent();
    let connection = connection(&connector, wire, &Arc::default()).await;
    let described = connector.describe("things").await.unwrap_err().to_string();
    assert!(described.contains("Refused"), "{described}");
    let parent = |id: &str| DataRecord {
        id: id.to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: "{}".to_owned(),
    };
    let lines = ["lines".to_owned()];
    let derived = connection.derive(&lines, vec![parent("1")]).await.unwrap_err().to_string();
    assert!(derived.contains("Refused"), "{derived}");
    let delivery = Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: "https://host.example/hooks/x".to_owned(),
        headers: vec![],
        body: vec![],
        received_at: "2026-11-22T09:30:00+00:00".to_owned(),
    };
    let received = connection.receive(delivery).await.unwrap();
    assert!(
        matches!(&received, Err(Refusal::TryAgain(why)) if why.contains("Refused")),
        "{received:?}"
    );
    assert!(sent.lock().unwrap().is_empty());
    // A record that is not named after what holds it could be claimed by two.
    let named = connection.derive(&lines, vec![parent("mine")]).await.unwrap_err().to_string();
    assert!(named.contains("its holder is \"mine\""), "{named}");
}

/// What it cannot do is not offered, and that is no fault.
#[tokio::test]
async fn an_interface_that_is_missing_is_not_offered() {
    let connector = guest(&runtime(), "sends").await;
    let connection = connection(&connector, fine(), &Arc::default()).await;
    assert!(!connector.offers_batches());
    assert!(connection.objects().await.unwrap().is_empty());
    let refused = connection.write("things", &[]).await.unwrap_err().to_string();
    assert!(refused.contains("offers no several writes at once"), "{refused}");
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
        let builder = builder.allow_private(true).secret("api-key", Secret::new(KEY));
        let builder = builder.account(account).limiter(limiter.clone()).network(Arc::new(wire));
        connections.push(builder.build().await.unwrap());
    }
    connections[0].get("things", "quota").await.unwrap_err();
    for connection in &connections[..2] {
        let paused = connection.get("things", "declared").await.unwrap_err();
        let CallError::Connector(error) = paused else { panic!("{paused}") };
        assert_eq!(error.kind, ErrorKind::QuotaExhausted(Some(60_000)));
    }
    connections[2].get("things", "declared").await.unwrap();
    let count = |sent: &Arc<std::sync::Mutex<Vec<String>>>| sent.lock().unwrap().len();
    assert_eq!(sent.iter().map(count).collect::<Vec<_>>(), [0, 0, 1]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    connections[1].get("things", "declared").await.unwrap();
}

#[tokio::test]
async fn what_is_learned_stays_within_its_domain() {
    let learns = guest(&runtime(), "learns").await;
    let body = r#"{"token":"tok-0123456789"}"#;
    let wire = || Wire::new(move |_| answer("200 OK", body));
    let authority = connection(&learns, wire(), &Arc::default()).await.authority();
    let complete =
        |session: &str| authority.complete(session.to_owned(), String::new(), Tokens::new());
    for session in [
        "instance-url=https://evil.com",
        "instance-url=https://example.com",
        "instance-url=https://evilexample.com",
        "instance-url=http://eu1.example.com",
        "instance-url=https://eu1.example.com:8443",
        "instance-url=https://me@eu1.example.com",
        "instance-url=https://127.0.0.1",
        "base-url=https://eu1.example.com",
        "shop=acme",
    ] {
        let refused = complete(session).await.err().unwrap().to_string();
        assert!(refused.contains("may not be kept"), "{session}: {refused}");
        assert!(!refused.contains("tok-"), "{refused}");
    }
    let ignored = complete("of-a-later-version=1").await.unwrap_or_else(|why| panic!("{why}"));
    assert!(ignored.learned.settings.is_empty());
    let received = complete("").await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(received.tokens.into_keys().collect::<Vec<_>>(), ["access-token"]);
    let connection = Connection::builder(&learns)
        .learned(received.learned.settings)
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire()))
        .build()
        .await
        .unwrap();
    let why = connection.get("things", "").await.unwrap_err().to_string();
    assert!(why.contains("https://eu1.example.com"), "requests go there now: {why}");
}

#[tokio::test]
async fn a_place_that_is_not_known_is_refused_as_a_whole() {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/guests/place_other.wasm");
    let refused = runtime().load(&file).await.err().unwrap();
    assert!(
        matches!(&refused, LoadError::BadManifest { why, .. } if why.contains("xml:/envelope/key")),
        "{refused}"
    );
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
    assert!(record.data.starts_with("{\"status\":307,"), "{}", record.data);
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_writes_once() {
    let wire = fine();
    let sent = wire.sent();
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, wire, &Arc::default()).await;
    for (number, wish) in (1..).zip(["two writes", "a read after a write"]) {
        let refused = connection.get("things", wish).await.unwrap_err().to_string();
        assert!(refused.contains("already written"), "{refused}");
        assert_eq!(sent.lock().unwrap().len(), number);
    }
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
