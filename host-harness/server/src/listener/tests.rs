//! Connections within their bounds; time is virtual.

use axum::routing::get;
use connector_runtime::egress::Pending;
use connector_service::jobs::ShutdownTrigger;
use connector_service::listener::Accepted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::*;

const HEAD: &[u8] = b"GET /now HTTP/1.1\r\nhost: a\r\n\r\n";

struct Channel(mpsc::UnboundedReceiver<Accepted>);

impl Accept for Channel {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(self.0.recv())
    }
}

struct World {
    connect: mpsc::UnboundedSender<Accepted>,
    release: Arc<Notify>,
    _stop: ShutdownTrigger,
}

impl World {
    fn new(bounds: ApiBounds) -> Self {
        let release = Arc::new(Notify::new());
        let waits = Arc::clone(&release);
        let held = move || {
            let waits = Arc::clone(&waits);
            async move { waits.notified().await }
        };
        let router = Router::new().route("/now", get(async || "now")).route("/held", get(held));
        let (connect, accepted) = mpsc::unbounded_channel();
        let (trigger, stop) = Shutdown::new();
        let door = Door { router, bounds, tls: None };
        tokio::spawn(async move { door.run(Channel(accepted), &stop).await });
        Self { connect, release, _stop: trigger }
    }

    fn client(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        let from = std::net::Ipv4Addr::LOCALHOST.into();
        self.connect.send((Box::new(theirs) as Box<dyn Stream>, from)).unwrap();
        ours
    }
}

/// Seconds until the host ends a connection, and what it said.
async fn ended(client: &mut DuplexStream) -> (u64, String) {
    let (began, mut said) = (Instant::now(), String::new());
    client.read_to_string(&mut said).await.unwrap();
    (began.elapsed().as_secs(), said)
}

/// Reads until the answer's body has come.
async fn answer(client: &mut DuplexStream, end: &str) -> String {
    let mut said = String::new();
    while !said.ends_with(end) {
        let mut piece = [0; 1024];
        let read = client.read(&mut piece).await.unwrap();
        assert!(read > 0, "{said}");
        said.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
    said
}

#[tokio::test(start_paused = true)]
async fn more_connections_than_allowed_wait_for_one_that_ends() {
    let world = World::new(ApiBounds { connections: 2, ..ApiBounds::default() });
    let mut held = [world.client(), world.client()];
    for client in &mut held {
        client.write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    }
    let mut third = world.client();
    third.write_all(HEAD).await.unwrap();
    let waits = timeout(Duration::from_secs(3_600), answer(&mut third, "now")).await;
    assert!(waits.is_err(), "{waits:?}");
    world.release.notify_one();
    // The one that was answered is closed when it has been idle for long enough.
    let said = answer(&mut third, "now").await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_closed_and_hurt_nobody() {
    let bounds = ApiBounds::default();
    let world = World::new(bounds);
    let mut slow: Vec<_> = (0..200).map(|_| world.client()).collect();
    for client in &mut slow[100..] {
        client.write_all(b"GET /now HT").await.unwrap();
    }
    let mut quick = world.client();
    quick.write_all(HEAD).await.unwrap();
    let began = Instant::now();
    answer(&mut quick, "now").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    for (at, client) in slow.iter_mut().enumerate() {
        let (after, said) = ended(client).await;
        let longest = bounds.first_byte_within.max(bounds.head_within).as_secs();
        assert!(after <= longest, "{at}: {after} s");
        assert!(!said.contains("200"), "{said}");
    }
    // A byte now and then buys no more time.
    let mut dripping = world.client();
    let began = Instant::now();
    for byte in HEAD {
        if dripping.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let (_, said) = ended(&mut dripping).await;
    assert!(!said.contains("200") && began.elapsed() <= Duration::from_secs(60), "{said}");
    // One that has been answered is idle for a while, and closed then.
    assert_eq!(ended(&mut quick).await.1, "");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let world = World::new(ApiBounds::default());
    let mut client = world.client();
    // More answers than the pipe holds, and none is read.
    let mut asked = 0;
    while timeout(Duration::from_secs(120), client.write_all(HEAD)).await.is_ok_and(|it| it.is_ok())
    {
        asked += 1;
        assert!(asked < 100_000);
    }
    assert!(asked > 100, "{asked}");
}
