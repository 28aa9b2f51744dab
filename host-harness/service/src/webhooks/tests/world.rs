//! A receiver in memory, before a real inbox, with a decoder that speaks a small language.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_contract::clock::{Clock, TokioClock, unix_ms};
use connector_contract::subscriptions::{Delivery, Effect, Event, Reception, Refusal};
use connector_contract::types::DataRecord;
use connector_runtime::egress::Pending;
use connector_runtime::{CallError, Stop};
use connector_state::scratch::Scratch;
use connector_state::{Change, Sealed, Store as _, StoreError};
use connector_state_sqlite::Sqlite;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::jobs::{Shutdown, ShutdownTrigger};
use crate::webhooks::{
    Accept, Accepted, Decode, Decoded, Hook, HookRow, Inbox as _, Note, Notes, Receiver,
    ReceiverBounds, Surroundings,
};

/// 2026-11-22T12:00:00Z.
pub const NOW_MS: u64 = 1_795_348_800_000;
pub const TOKEN: &str = "00112233445566778899aabbccddeeff";
pub const SHOP: &str = "id-of-shop";

/// What the world's connector understands: `{"id", "record", "at", "effect", ...}`, signed by a
/// header.
#[derive(Default)]
pub struct Fake {
    /// No secret is there.
    pub without_secret: AtomicBool,
    /// A renewal finds one.
    pub secret_comes: AtomicBool,
    pub decoded: AtomicU32,
    pub disconnected: AtomicU32,
    pub seen: Mutex<Vec<Delivery>>,
}

impl Decode for Fake {
    fn without_secrets(&self, mut delivery: Delivery) -> Delivery {
        delivery.headers.retain(|(name, _)| name != "authorization" && name != "cookie");
        delivery
    }

    fn disconnect(&self) -> Pending<'_, Result<(), StoreError>> {
        self.disconnected.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    fn decode(&self, delivery: Delivery) -> Pending<'_, Decoded> {
        Box::pin(async move {
            self.decoded.fetch_add(1, Ordering::Relaxed);
            self.seen.lock().unwrap().push(delivery.clone());
            if self.without_secret.load(Ordering::Relaxed) {
                return Ok(Err(Refusal::TryAgain("there is no secret".to_owned())));
            }
            let signed = delivery.headers.iter().filter(|(name, _)| name == "x-signed");
            if signed.map(|(_, value)| value.as_slice()).collect::<Vec<_>>() != [b"yes"] {
                return Ok(Err(Refusal::Unverified));
            }
            let Ok(said) = serde_json::from_slice::<Value>(&delivery.body) else {
                return Ok(Err(Refusal::Unreadable("it is no JSON".to_owned())));
            };
            match said["effect"].as_str() {
                Some("trap") => {
                    let reason = Stop::Trapped("unreachable".to_owned());
                    Err(CallError::Stopped { reason, wrote: false })
                }
                Some("hang") => std::future::pending().await,
                _ => Ok(Ok(Reception { events: events(&said), answer: None })),
            }
        })
    }

    fn renew(&self) -> Pending<'_, bool> {
        let comes = self.secret_comes.load(Ordering::Relaxed);
        if comes {
            self.without_secret.store(false, Ordering::Relaxed);
        }
        Box::pin(async move { comes })
    }
}

fn events(said: &Value) -> Vec<Event> {
    if let Some(all) = said["all"].as_array() {
        return all.iter().flat_map(events).collect();
    }
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    let record = text("record").unwrap_or_default();
    let effect = match said["effect"].as_str() {
        Some("deleted") => Effect::Deleted(record),
        Some("changed") => Effect::Changed(said["input"].to_string()),
        Some("nothing") => Effect::Nothing,
        Some("disconnected") => Effect::Disconnected,
        _ => Effect::Upserted(DataRecord {
            id: record,
            updated_at: text("updated_at"),
            created_at: None,
            version: None,
            data: said["data"].to_string(),
        }),
    };
    let name = "order_changed".to_owned();
    vec![Event {
        id: text("id"),
        object: "orders".to_owned(),
        name,
        occurred_at: text("at"),
        effect,
    }]
}

/// Keeps notes.
#[derive(Default)]
pub struct Noted(pub Mutex<Vec<Note>>);

impl Notes for Noted {
    fn note(&self, note: &Note) {
        self.0.lock().unwrap().push(note.clone());
    }
}

struct Channel(mpsc::UnboundedReceiver<Accepted>);

impl Accept for Channel {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(self.0.recv())
    }
}

/// Everything, with one hook.
pub struct World {
    pub scratch: Scratch,
    pub sqlite: Arc<Sqlite>,
    pub clock: Arc<TokioClock>,
    pub receiver: Arc<Receiver>,
    pub fake: Arc<Fake>,
    pub noted: Arc<Noted>,
    connect: mpsc::UnboundedSender<Accepted>,
    stop: ShutdownTrigger,
    running: JoinHandle<()>,
}

impl World {
    pub async fn new(bounds: ReceiverBounds) -> Self {
        Self::with(bounds, Surroundings::default()).await
    }

    pub async fn with(bounds: ReceiverBounds, surroundings: Surroundings) -> Self {
        let scratch = Scratch::new();
        let clock = Arc::new(TokioClock::starting_at(UNIX_EPOCH + Duration::from_millis(NOW_MS)));
        let sqlite = Arc::new(open(&scratch, clock.clone()));
        shop(&sqlite).await;
        let (fake, noted) = (Arc::<Fake>::default(), Arc::<Noted>::default());
        let receiver = Receiver::new(
            bounds,
            sqlite.clone(),
            clock.clone(),
            noted.clone() as Arc<dyn Notes>,
            surroundings,
        );
        receiver.serve_hooks(vec![hook(&fake)]);
        let (connect, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = Shutdown::new();
        let running = tokio::spawn({
            let receiver = receiver.clone();
            async move {
                receiver.run(Channel(accepted), &stopped).await;
            }
        });
        Self { scratch, sqlite, clock, receiver, fake, noted, connect, stop, running }
    }

    /// A connection from this address.
    pub fn connect_from(&self, address: &str) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        let from: IpAddr = address.parse().unwrap();
        self.connect.send((Box::new(theirs), from)).ok();
        ours
    }

    pub fn connect(&self) -> DuplexStream {
        self.connect_from("198.51.100.7")
    }

    /// Sends bytes on a connection of their own; answers all that comes back.
    pub async fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // A head that is too long is answered before it is written.
        let _ = stream.write_all(request).await;
        rest(&mut stream).await
    }

    /// Delivers a body, signed; answers the status.
    pub async fn deliver(&self, body: &str) -> u16 {
        status(&self.send(&request(&format!("/hooks/{TOKEN}"), "x-signed: yes\r\n", body)).await)
    }

    pub fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now())
    }

    /// Stops the receiver and waits for it.
    pub async fn stop(&mut self) {
        self.begin_to_stop();
        (&mut self.running).await.unwrap();
    }

    pub fn begin_to_stop(&mut self) {
        self.stop.request();
    }

    pub async fn hook_row(&self) -> HookRow {
        self.sqlite.hooks().await.unwrap().remove(0)
    }
}

pub fn open(scratch: &Scratch, clock: Arc<dyn Clock>) -> Sqlite {
    Sqlite::open(&scratch.path().join("state/state.db"), clock).unwrap()
}

/// A connection with a hook.
pub async fn shop(sqlite: &Sqlite) {
    let connection = connector_state::ConnectionRow {
        id: SHOP.to_owned(),
        name: "shop".to_owned(),
        connector: "orders".to_owned(),
        scheme: "key".to_owned(),
        settings: [].into(),
        sealed_key: Sealed(vec![1]),
        made_ms: NOW_MS,
    };
    sqlite.commit(vec![Change::PutConnection(connection)]).await.unwrap();
    sqlite.make_hook(SHOP, TOKEN).await.unwrap();
}

pub fn hook(fake: &Arc<Fake>) -> Hook {
    Hook {
        connection: SHOP.to_owned(),
        token: TOKEN.to_owned(),
        subscription: None,
        decode: fake.clone(),
    }
}

/// A request whose connection ends with it.
pub fn request(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: h.example\r\nconnection: close\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An event that makes record `record` of `data`.
pub fn upsert(id: &str, record: &str, updated_at: &str, data: u32) -> String {
    serde_json::json!({
        "id": id, "record": record, "updated_at": updated_at,
        "data": { "id": record, "n": data },
    })
    .to_string()
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default()
}

pub async fn rest(stream: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// For times in bodies.
pub fn at(ms: u64) -> String {
    let time: SystemTime = UNIX_EPOCH + Duration::from_millis(ms);
    let time = time::OffsetDateTime::from(time);
    time.format(&time::format_description::well_known::Rfc3339).unwrap()
}
