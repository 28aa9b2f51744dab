//! The way out, end to end, over streams in memory and on a clock that stands still.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::SystemTime;

use connector_contract::clock::TokioClock;
use connector_contract::permissions::{Limit, Measure, Rate as DeclaredRate, Sharing};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::samples::{manifest, policy, request, settings, with_secret};
use super::*;
use crate::observe::{Level, Unobserved};
use crate::secrets::Secret;
use crate::setting::AddressSpace;

/// What a server does with each request of one connection, in order.
#[derive(Clone)]
enum Serve {
    /// Reads the request, answers these bytes.
    Bytes(Vec<u8>),
    /// Reads the request, closes.
    Close,
    /// Reads the request, says nothing.
    Silence,
    /// Reads the request, answers so many bytes, one every nine seconds.
    Drip(usize),
}

/// A network of scripted servers behind one address.
struct Scripted {
    addresses: io::Result<Vec<SocketAddr>>,
    connections: Mutex<VecDeque<Vec<Serve>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn new(connections: Vec<Vec<Serve>>) -> Self {
        let addresses = Ok(vec!["93.184.216.34:443".parse().unwrap()]);
        Self { addresses, connections: Mutex::new(connections.into()), seen: Arc::default() }
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        let found = self.addresses.as_ref().cloned();
        let found = found.map_err(|why| io::Error::new(why.kind(), why.to_string()));
        Box::pin(async move { found })
    }
}

impl Connect for Scripted {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let script = self.connections.lock().unwrap().pop_front();
        let seen = Arc::clone(&self.seen);
        Box::pin(async move {
            let script = script.ok_or_else(|| io::Error::other("connection refused"))?;
            let (ours, theirs) = duplex(64 * 1024);
            tokio::spawn(serve(theirs, script, seen));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

async fn serve(mut stream: DuplexStream, script: Vec<Serve>, seen: Arc<Mutex<Vec<String>>>) {
    for step in script {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        seen.lock().unwrap().push(String::from_utf8(head).unwrap());
        match step {
            Serve::Bytes(bytes) => drop(stream.write_all(&bytes).await),
            Serve::Close => return,
            Serve::Silence => std::future::pending().await,
            Serve::Drip(bytes) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
                drop(stream.write_all(head.as_bytes()).await);
                for _ in 0..bytes {
                    tokio::time::sleep(Duration::from_secs(9)).await;
                    drop(stream.write_all(b"1").await);
                }
            }
        }
    }
}

fn answer(head: &str, body: &[u8]) -> Serve {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{head}content-length: {length}\r\n\r\n");
    Serve::Bytes([head.as_bytes(), body].concat())
}

fn client(network: Arc<dyn Connect>) -> Arc<HttpClient> {
    let options = EgressOptions { network, ..EgressOptions::default() };
    Arc::new(HttpClient::new(options).unwrap())
}

fn egress(network: Scripted, origin: &str) -> Egress {
    let secrets = Arc::new(Secrets::default());
    secrets.set("api-key", Secret::new("canary-0123456789"));
    Egress {
        policy: EgressPolicy::compile(&manifest(), settings(origin), AddressSpace::Private)
            .unwrap()
            .into(),
        http: client(Arc::new(network)),
        secrets,
        keep: None,
        limiter: Some(Arc::default()),
        scopes: Arc::new(LimitScopes::new(&manifest(), "c1", None)),
        connection: 1,
        observer: Arc::new(Unobserved),
        clock: Arc::new(TokioClock::starting_at(SystemTime::UNIX_EPOCH)),
        user_agent: user_agent("things", "1.2 (beta)"),
        server_clock: Arc::default(),
    }
}

const BASE: &str = "http://api.internal:8080";

async fn get(egress: &Egress) -> Result<Response, SendError> {
    let (mut call, asked) = (CallSends::default(), request("things", "/v1/things"));
    let answer = egress.send(&mut call, &asked).await;
    match call.resume().await {
        Ok(mut resumed) => egress.send(&mut resumed, &asked).await,
        Err(_) => answer,
    }
}

/// Keeps what was told.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Observer for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A connector that is run again logs the same again.
#[tokio::test(start_paused = true)]
async fn a_suspended_call_logs_once() {
    let script = vec![answer("", b"1"), answer("", b"2")];
    let mut egress = limited(egress(Scripted::new(vec![script]), BASE));
    let told = Arc::<Told>::default();
    egress.observer = told.clone();
    get(&egress).await.unwrap();
    let log = |call: &mut CallSends| {
        let line = Event::Log { level: Level::Info, message: "asking".to_owned() };
        call.log(line, told.as_ref());
    };
    let (mut call, asked) = (CallSends::default(), request("things", "/v1/things"));
    log(&mut call);
    egress.send(&mut call, &asked).await.unwrap_err();
    assert!(call.is_suspended());
    let mut call = call.resume().await.unwrap_or_else(|_| panic!("it was suspended"));
    log(&mut call);
    egress.send(&mut call, &asked).await.unwrap();
    log(&mut call);
    let told = told.0.lock().unwrap();
    let kinds = told.iter().skip(1).map(|event| match event {
        Event::Log { .. } => "log",
        Event::Exchange(_) => "exchange",
        _ => "other",
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["log", "exchange", "log"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_and_a_dead_one_is_replaced_before_anything_is_sent() {
    let network = Scripted::new(vec![
        vec![answer("", b"1"), answer("", b"2"), Serve::Bytes(vec![])],
        vec![answer("", b"3")],
    ]);
    let seen = Arc::clone(&network.seen);
    let egress = egress(network, BASE);
    assert_eq!(get(&egress).await.unwrap().body, b"1");
    assert_eq!(get(&egress).await.unwrap().body, b"2");
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(get(&egress).await.unwrap().body, b"3", "idle too long");
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn sent_or_not_is_told_exactly() {
    let nobody = egress(Scripted::new(vec![]), BASE);
    assert!(matches!(get(&nobody).await, Err(SendError::NotSent(_))));
    let closes = egress(Scripted::new(vec![vec![Serve::Close]]), BASE);
    assert!(matches!(get(&closes).await, Err(SendError::Unanswered(_))));
    let silent = egress(Scripted::new(vec![vec![Serve::Silence]]), BASE);
    assert!(matches!(get(&silent).await, Err(SendError::Unanswered(_))));
    let cut = Serve::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec());
    let cut = egress(Scripted::new(vec![vec![cut, Serve::Close]]), BASE);
    assert!(matches!(get(&cut).await, Err(SendError::Unanswered(_))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_thirty_seconds_in_all() {
    let slow = egress(Scripted::new(vec![vec![Serve::Drip(3)]]), BASE);
    assert_eq!(get(&slow).await.unwrap().body, b"111");
    let endless = egress(Scripted::new(vec![vec![Serve::Drip(1_000)]]), BASE);
    let began = Instant::now();
    assert!(matches!(get(&endless).await, Err(SendError::Unanswered(_))));
    assert!(began.elapsed() <= Duration::from_secs(31), "{:?}", began.elapsed());
}

/// A manifest's endpoint that writes, and a request for it.
fn writing(egress: &mut Egress) -> Request {
    let mut manifest = manifest();
    let mut write = manifest.endpoints[0].clone();
    (write.name, write.method, write.writes) = ("make".to_owned(), "POST".to_owned(), true);
    manifest.endpoints.push(write);
    egress.policy =
        EgressPolicy::compile(&manifest, settings(BASE), AddressSpace::Private).unwrap().into();
    request("make", "/v1/things?a=b")
}

/// Whoever drops a call needs to know whether its write may have arrived.
#[tokio::test(start_paused = true)]
async fn a_dropped_write_has_gone_out_only_with_its_first_byte() {
    struct Unreachable;
    impl Resolve for Unreachable {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
            Box::pin(async { Ok(vec!["93.184.216.34:443".parse().unwrap()]) })
        }
    }

    impl Connect for Unreachable {
        fn resolver(&self) -> &dyn Resolve {
            self
        }

        fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
            Box::pin(std::future::pending())
        }
    }
    let silent = Scripted::new(vec![vec![Serve::Silence]]);
    for (network, expected) in
        [(Arc::new(Unreachable) as Arc<dyn Connect>, false), (Arc::new(silent), true)]
    {
        let mut egress = egress(Scripted::new(vec![]), BASE);
        let write = writing(&mut egress);
        egress.http = client(network);
        let mut call = CallSends::default();
        let progress = call.progress.clone();
        let sent = egress.send(&mut call, &write);
        assert!(tokio::time::timeout(Duration::from_secs(2), sent).await.is_err());
        assert_eq!(progress.wrote(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_says_who_asks_and_that_it_has_no_body() {
    let network = Scripted::new(vec![vec![answer("", b"1"), answer("", b"2"), answer("", b"3")]]);
    let seen = Arc::clone(&network.seen);
    let mut egress = egress(network, BASE);
    let write = writing(&mut egress);
    get(&egress).await.unwrap();
    egress.send(&mut CallSends::default(), &write).await.unwrap();
    let own = ("user-agent".to_owned(), "own/1".to_owned());
    let named = Request { headers: vec![own], ..write };
    egress.send(&mut CallSends::default(), &named).await.unwrap();
    let seen = seen.lock().unwrap();
    let agent =
        format!("user-agent: connector-host/{} things/1.2beta\r\n", env!("CARGO_PKG_VERSION"));
    assert!(seen[0].contains(&agent) && !seen[0].contains("content-length"), "{}", seen[0]);
    assert!(seen[1].contains(&agent) && seen[1].contains("content-length: 0\r\n"), "{}", seen[1]);
    assert!(seen[2].contains("user-agent: own/1\r\n"), "{}", seen[2]);
}

/// Up to a minute.
#[tokio::test(start_paused = true)]
async fn a_limit_is_held_for_as_long_as_the_provider_says() {
    for (value, at_least, at_most) in [
        ("1.5", Duration::from_secs(1), Duration::from_secs(3)),
        ("Thu, 01 Jan 1970 00:00:20 GMT", Duration::from_secs(19), Duration::from_secs(22)),
    ] {
        let head =
            format!("HTTP/1.1 429 Slow\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        let script = vec![Serve::Bytes(head.into_bytes()), answer("", b"1")];
        let egress = egress(Scripted::new(vec![script]), BASE);
        let egress = limited(egress);
        assert_eq!(get(&egress).await.unwrap().status, 429);
        let began = Instant::now();
        assert_eq!(get(&egress).await.unwrap().status, 200);
        assert!((at_least..at_most).contains(&began.elapsed()), "{value}: {:?}", began.elapsed());
    }
    let head = "HTTP/1.1 429 Slow\r\nretry-after: 21600\r\ncontent-length: 0\r\n\r\n";
    let egress = egress(Scripted::new(vec![vec![Serve::Bytes(head.into())]]), BASE);
    let egress = limited(egress);
    assert_eq!(get(&egress).await.unwrap().status, 429);
    let Err(SendError::Limited(ms)) = get(&egress).await else { panic!("it was sent") };
    assert!((59_000..=60_000).contains(&ms), "hours are for the call to tell: {ms}");
}

/// With a limit of five requests a second.
fn limited(egress: Egress) -> Egress {
    let measure = Measure::Requests(DeclaredRate { amount: 5, window_ms: 1_000 });
    with_limit(egress, measure)
}

fn with_limit(mut egress: Egress, measure: Measure) -> Egress {
    let mut manifest = manifest();
    let (name, shared_by) = ("own".to_owned(), Sharing::Account);
    manifest.limits = vec![Limit { name: name.clone(), measure, shared_by }];
    manifest.endpoints[0].limits = vec![name];
    egress.policy =
        EgressPolicy::compile(&manifest, settings(BASE), AddressSpace::Private).unwrap().into();
    egress.scopes = Arc::new(LimitScopes::new(&manifest, "c1", None));
    egress
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_bounded() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 64 * 1024 * 1024]).unwrap();
    let bomb = gzip.finish().unwrap();
    let huge_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(128 * 1024));
    for (what, served) in [
        (
            "declared length",
            Serve::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n".to_vec()),
        ),
        ("gzip bomb", answer("content-encoding: gzip\r\n", &bomb)),
        ("unknown encoding", answer("content-encoding: br\r\n", b"x")),
        ("headers", Serve::Bytes(huge_head.into_bytes())),
    ] {
        let egress = egress(Scripted::new(vec![vec![served]]), BASE);
        assert!(matches!(get(&egress).await, Err(SendError::Unanswered(_))), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn gzip_is_unpacked_and_secrets_are_scrubbed_from_what_comes_back() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(br#"{"echo":"canary-0123456789"}"#).unwrap();
    let head = "content-encoding: gzip\r\nx-echo: canary-0123456789\r\nset-cookie: a=b\r\n";
    let served = answer(head, &gzip.finish().unwrap());
    let network = Scripted::new(vec![vec![served]]);
    let seen = Arc::clone(&network.seen);
    let egress = egress(network, BASE);
    let asked = with_secret(request("things", "/v1/things"), "key");
    let response = egress.send(&mut CallSends::default(), &asked).await.unwrap();
    assert_eq!(response.body, br#"{"echo":"[redacted]"}"#);
    let header = |name: &str| response.headers.iter().find(|(given, _)| given == name);
    assert_eq!(header("x-echo").unwrap().1, "[redacted]");
    assert!(header("set-cookie").is_none());
    let sent = seen.lock().unwrap().concat();
    assert!(
        sent.contains("x-key: canary-0123456789\r\n")
            && sent.contains("host: api.internal:8080\r\n")
    );
}

/// A token endpoint that refuses may quote what it was sent.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_scrubbed_and_nothing_is_captured_from_it() {
    let body = br#"{"error":"invalid_client","error_description":"no client canary-0123456789","access_token":"tok-123456"}"#;
    let head = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n", body.len());
    let served = Serve::Bytes([head.as_bytes(), body].concat());
    let mut egress = egress(Scripted::new(vec![vec![served]]), BASE);
    let mut manifest = manifest();
    manifest.endpoints[2].origin = "{base}".to_owned();
    egress.policy =
        EgressPolicy::compile(&manifest, settings(BASE), AddressSpace::Private).unwrap().into();
    let asked = request("token", "/token");
    let response = egress.send(&mut CallSends::default(), &asked).await.unwrap();
    assert!(response.captured.is_empty());
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.contains("no client [redacted]"), "{text}");
    assert!(egress.secrets.get("access-token").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let redirect =
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let network = Scripted::new(vec![vec![Serve::Bytes(redirect.to_vec())]]);
    let seen = Arc::clone(&network.seen);
    let egress = egress(network, BASE);
    assert_eq!(get(&egress).await.unwrap().status, 302);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_inside_is_refused() {
    for addresses in [vec!["169.254.169.254:443"], vec!["93.184.216.34:443", "127.0.0.1:443"]] {
        let mut network = Scripted::new(vec![vec![answer("", b"secret")]]);
        network.addresses = Ok(addresses.iter().map(|address| address.parse().unwrap()).collect());
        let mut egress = egress(network, "https://api.example.com");
        egress.policy = policy().into();
        let asked = request("things", "/v1/things");
        let sent = egress.send(&mut CallSends::default(), &asked).await;
        assert!(matches!(sent, Err(SendError::Refused(_))), "{addresses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_off_towards_loopback_only() {
    let mut egress = egress(Scripted::new(vec![vec![answer("", b"1")]]), BASE);
    egress.limiter = None;
    assert!(matches!(get(&egress).await, Err(SendError::Refused(_))));
}

#[tokio::test(start_paused = true)]
async fn the_clock_follows_the_server_that_refuses_a_signature() {
    let head = "HTTP/1.1 401 Unauthorized\r\ndate: Thu, 01 Jan 1970 00:01:00 GMT\r\ncontent-length: 0\r\n\r\n";
    let egress = egress(Scripted::new(vec![vec![Serve::Bytes(head.into())]]), BASE);
    get(&egress).await.unwrap();
    assert_eq!((egress.now_ms(), egress.certainly_ms()), (60_000, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_writes_once_and_sends_nothing_after_it() {
    let mut egress = egress(Scripted::new(vec![vec![answer("", b"1"), answer("", b"2")]]), BASE);
    let write = writing(&mut egress);
    let read = request("things", "/v1/things");
    let mut call = CallSends::default();
    egress.send(&mut call, &read).await.unwrap();
    egress.send(&mut call, &write).await.unwrap();
    for after in [&read, &write] {
        assert!(matches!(egress.send(&mut call, after).await, Err(SendError::Refused(_))));
    }
    let mut planned = CallSends::planning();
    assert!(egress.send(&mut planned, &write).await.is_err());
    assert_eq!(planned.planned.unwrap().url, format!("{BASE}/v1/things?a=b"));
    let mut silent = CallSends::silent("deriving");
    assert!(matches!(egress.send(&mut silent, &read).await, Err(SendError::Refused(_))));
}

/// Tells what it is to keep, or fails.
struct KeepLog(Mutex<Vec<String>>, bool);

impl Keep for KeepLog {
    fn keep(&self, captured: Vec<(String, Secret)>) -> Pending<'_, Result<(), String>> {
        self.0.lock().unwrap().extend(captured.into_iter().map(|(name, _)| name));
        let kept = if self.1 { Ok(()) } else { Err("the disk is full".to_owned()) };
        Box::pin(async move { kept })
    }
}

#[tokio::test(start_paused = true)]
async fn a_captured_secret_is_kept_before_the_answer_goes_on() {
    for works in [true, false] {
        let served = answer("", br#"{"access_token":"tok-123456","n":1.50}"#);
        let mut egress = egress(Scripted::new(vec![vec![served]]), BASE);
        let mut manifest = manifest();
        manifest.endpoints[2].origin = "{base}".to_owned();
        egress.policy =
            EgressPolicy::compile(&manifest, settings(BASE), AddressSpace::Private).unwrap().into();
        let kept = Arc::new(KeepLog(Mutex::default(), works));
        egress.keep = Some(kept.clone());
        let mut call = CallSends::default();
        let answered = egress.send(&mut call, &request("token", "/token")).await;
        assert_eq!(*kept.0.lock().unwrap(), ["access-token"]);
        match answered {
            Ok(response) => {
                assert!(works);
                assert_eq!(response.body, br#"{"access_token":null,"n":1.50}"#);
                assert_eq!(response.captured, ["access-token"]);
                assert!(call.progress.captured().contains_key("access-token"));
            }
            Err(SendError::Unanswered(_)) => assert!(!works),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_and_a_cost_above_all_send_nothing() {
    let egress = egress(Scripted::new(vec![]), BASE);
    let missing = with_secret(request("query", "/q"), "query");
    let sent = egress.send(&mut CallSends::default(), &missing).await;
    assert!(
        matches!(&sent, Err(SendError::NoSecret(why)) if why.contains("client-secret")),
        "{sent:?}"
    );
    let measure = Measure::Points(DeclaredRate { amount: 100, window_ms: 1_000 });
    let egress = with_limit(egress, measure);
    let dear = |cost| Request { cost, ..request("things", "/v1/things") };
    let sent = egress.send(&mut CallSends::default(), &dear(101)).await;
    assert!(matches!(&sent, Err(SendError::Refused(why)) if why.contains("101")), "{sent:?}");
    let report = LimitReport { left: 200, total: 200, full_in: Duration::ZERO };
    egress.limit_told("own", report).await;
    egress.limit_told("other", report).await;
    let sent = egress.send(&mut CallSends::default(), &dear(101)).await;
    assert!(matches!(sent, Err(SendError::NotSent(_))), "the provider allows more: {sent:?}");
}

/// Under its own name and certificate, a stand-in of this machine is no private address.
#[tokio::test(start_paused = true)]
async fn the_operator_may_set_a_host_to_this_machine() {
    let mut network = Scripted::new(vec![vec![answer("", b"1")]]);
    network.addresses = Ok(vec!["10.0.0.1:443".parse().unwrap()]);
    let network: Arc<dyn Connect> = Arc::new(network);
    let set = |host: &str, to: &str| {
        let addresses = [((host.to_owned(), 443), to.parse().unwrap())].into();
        client(Arc::new(StandIns::new(addresses, Arc::clone(&network))))
    };
    let mut egress = egress(Scripted::new(vec![]), BASE);
    egress.policy = policy().into();
    for (host, to, reached) in [
        ("api.example.com", "127.0.0.1:8443", true),
        ("other.example.com", "127.0.0.1:8443", false),
        ("api.example.com", "10.0.0.2:8443", false),
    ] {
        egress.http = set(host, to);
        let sent = get(&egress).await.unwrap_err();
        // What is reached there speaks no TLS.
        assert_eq!(format!("{sent:?}").contains("TLS"), reached, "{host} {to}: {sent:?}");
    }
}
