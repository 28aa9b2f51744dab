//! Deliveries that are kept before they are answered, next to what the disk itself can do.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aftership_simulator::webhook_signature;
use anyhow::Result;
use host_harness::clock::SystemClock;
use host_harness::contract::subscriptions::Delivery;
use host_harness::egress::Pending;
use host_harness::runtime::{Connection, Connector};
use host_harness::service::jobs::Shutdown;
use host_harness::store::{Change, ConnectionRow, Sealed, Sqlite, Store as _, StoreError};
use host_harness::vault::Secret;
use host_harness::webhooks::{
    Decode, Decoded, Hook, Inbox as _, Receiver, ReceiverBounds, Surroundings, Unnoted, new_token,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::report::{Report, percentile};

/// What deliveries are signed with.
pub const SECRET: &str = "whs_0123456789abcdef";
/// Senders at the same time.
const SENDERS: usize = 64;
/// Bytes of a delivery: somewhat more than a tracking with ten checkpoints.
const BYTES: usize = 6_000;
/// Deliveries that the disk is asked to take at once: what a group commit holds.
const TOGETHER: usize = 32;

struct Plain(Connection);

impl Decode for Plain {
    fn without_secrets(&self, delivery: Delivery) -> Delivery {
        self.0.without_secrets(delivery)
    }

    fn disconnect(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn decode(&self, delivery: Delivery) -> Pending<'_, Decoded> {
        Box::pin(self.0.receive(delivery))
    }

    fn renew(&self) -> Pending<'_, bool> {
        Box::pin(async { false })
    }
}

/// A folder on the disk that the build is on, removed when it goes.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Measures for so long each.
pub async fn measure(connector: &Connector, report: &mut Report, time: Duration) -> Result<()> {
    let folder = Folder(PathBuf::from(format!("target/deliveries-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    let limit = disk(&folder.0.join("limit"), time)?;
    let sqlite = Sqlite::open(&folder.0.join("state.db"), Arc::new(SystemClock))?;
    let sqlite = Arc::new(sqlite);
    let (token, receiver) = receiver(connector, &sqlite).await?;
    let accept = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = accept.local_addr()?;
    let receiving = tokio::spawn(async move { receiver.run(accept, &Shutdown::new().1).await });
    let stop = Arc::new(AtomicBool::new(false));
    let number = Arc::new(AtomicU64::new(0));
    let senders = (0..SENDERS).map(|_| {
        let (stop, number, path) =
            (Arc::clone(&stop), Arc::clone(&number), format!("/hooks/{token}"));
        tokio::spawn(async move { send(address, &path, &stop, &number).await })
    });
    let senders: Vec<_> = senders.collect();
    let began = Instant::now();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut answers = Vec::new();
    for sender in senders {
        answers.extend(sender.await??);
    }
    let per_second = answers.len() as f64 / began.elapsed().as_secs_f64();
    receiving.abort();
    anyhow::ensure!(
        sqlite.count_events(None).await?.0 == answers.len() as u64,
        "the inbox holds something else than was answered"
    );
    let answers: Vec<f64> = answers.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
    let at = |part| percentile(answers.clone(), part);
    let of_limit =
        format!("{:.2} × the disk's own {limit:.0}/s, {TOGETHER} at a time", per_second / limit);
    report.add("deliveries verified and kept", format!("{per_second:.0}/s"), of_limit);
    let figure = format!("{:.1} ms, {:.1} ms", at(0.5), at(0.99));
    report.add("— answer p50, p99", figure, format!("{SENDERS} senders, target p99 50 ms"));
    Ok(())
}

/// Deliveries a second that the disk makes durable when somebody only appends them.
fn disk(path: &std::path::Path, time: Duration) -> Result<f64> {
    let mut file = std::fs::File::create(path)?;
    let bytes = vec![7; BYTES * TOGETHER];
    let began = Instant::now();
    let mut kept = 0;
    while began.elapsed() < time {
        file.write_all(&bytes)?;
        file.sync_data()?;
        kept += TOGETHER;
    }
    Ok(kept as f64 / began.elapsed().as_secs_f64())
}

async fn receiver(connector: &Connector, sqlite: &Arc<Sqlite>) -> Result<(String, Arc<Receiver>)> {
    let row = ConnectionRow {
        id: "bench".to_owned(),
        name: "bench".to_owned(),
        connector: connector.manifest().name.clone(),
        scheme: "api-key".to_owned(),
        settings: [].into(),
        sealed_key: Sealed(vec![]),
        made_ms: 0,
    };
    sqlite.commit(vec![Change::PutConnection(row)]).await?;
    let hook = sqlite.make_hook("bench", &new_token()?).await?;
    let connection = Connection::builder(connector)
        .secret("webhook-secret", Secret::new(SECRET))
        .build()
        .await?;
    let bounds = ReceiverBounds {
        rate: 1e9,
        burst: 1e9,
        connections_of_address: 2 * SENDERS,
        ..ReceiverBounds::default()
    };
    let clock = Arc::new(SystemClock);
    let surroundings = Surroundings::default();
    let receiver = Receiver::new(bounds, sqlite.clone(), clock, Arc::new(Unnoted), surroundings);
    receiver.serve_hooks(vec![Hook {
        connection: hook.connection,
        token: hook.token.clone(),
        subscription: None,
        decode: Arc::new(Plain(connection)),
    }]);
    Ok((hook.token, receiver))
}

/// Sends one delivery after the other; answers how long each took.
pub async fn send(
    address: SocketAddr,
    path: &str,
    stop: &AtomicBool,
    number: &AtomicU64,
) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut answer = [0; 1_024];
    while !stop.load(Ordering::Relaxed) {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let request = request(path, number);
        let began = Instant::now();
        stream.write_all(&request).await?;
        let length = stream.read(&mut answer).await?;
        let taken = answer.get(..length).unwrap_or_default().starts_with(b"HTTP/1.1 200 ");
        anyhow::ensure!(taken, "{}", String::from_utf8_lossy(&answer));
        times.push(began.elapsed());
    }
    Ok(times)
}

/// A signed delivery of a tracking, whose id is of `number`.
pub fn request(path: &str, number: u64) -> Vec<u8> {
    let id = format!("{number:032x}");
    let head = format!(
        r#"{{"event":"tracking_update","event_id":"{id}","ts":{},"msg":{{"id":"{id}","legacy_id":"{id}","tracking_number":"N{number}","slug":"ups","created_at":"2026-11-18T08:47:10+00:00","updated_at":"2026-11-21T17:47:10+00:00","tag":"Pending","active":true,"checkpoints":[],"note":""#,
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
    );
    let filler = "x".repeat(BYTES.saturating_sub(head.len() + 4));
    let body = format!("{head}{filler}\"}}}}");
    let signature = webhook_signature(SECRET, body.as_bytes());
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\naftership-hmac-sha256: {signature}\r\n\
         as-webhook-version: 2026-07\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
