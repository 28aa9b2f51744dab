//! The real component in the real host, against the simulator: in one runtime, over
//! streams in memory, on a clock that both share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aftership_simulator::{Options, Simulator};
use host_harness::clock::TokioClock;
use host_harness::contract::records::{ListRequest, Start, View};
use host_harness::contract::types::{DataRecord, ErrorKind};
use host_harness::egress::{Connect, Pending, Resolve, Stream};
use host_harness::retry::Policy;
use host_harness::runtime::{Builder, CallError, Connection, Connector};
use host_harness::vault::Secret;
use serde_json::Value;
use tokio::io::duplex;

use super::{Watch, component, runtime};

/// 2026-11-22T12:00:00Z.
pub const NOW_MS: u64 = 1_795_348_800_000;
/// The one key that the simulator accepts.
pub const KEY: &str = "asat_canary_0123456789";
/// Path of the endpoint that every test needs.
pub const TRACKINGS: &str = "/tracking/2026-07/trackings";

/// A simulated account and a connection to it.
pub struct World {
    /// The account.
    pub simulator: Simulator,
    /// Calls that are repeated.
    pub connection: Connection,
    /// What was seen.
    pub watch: Arc<Watch>,
}

impl World {
    /// An empty account.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An empty account of another kind.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::of(&runtime().load(&component()).await.unwrap(), change).await
    }

    /// As [`World::with`], with a connector that is loaded already.
    pub async fn of(connector: &Connector, change: impl FnOnce(&mut Options)) -> Self {
        Self::ahead(connector, 0, change).await
    }

    /// As [`World::of`], with a host whose clock is ahead by so many seconds.
    pub async fn ahead(
        connector: &Connector,
        ahead_s: i64,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options {
            api_keys: vec![KEY.to_owned()],
            clock: Arc::new(aftership_simulator::TokioClock::new(NOW_MS)),
            ..Options::default()
        };
        change(&mut options);
        let simulator = Simulator::new(options);
        let watch = Arc::default();
        let connection = connecting(connector, &simulator, &watch, KEY);
        let start_ms = simulator.now_ms().saturating_add_signed(ahead_s * 1_000);
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(start_ms);
        let connection = connection.clock(Arc::new(TokioClock::starting_at(start)));
        let connection = connection.build().await.unwrap();
        let policy = Policy::default().seed(7);
        Self { simulator, connection: connection.with_policy(policy), watch }
    }

    /// The connection with calls that are made once.
    pub fn once(&self) -> Connection {
        self.connection.clone().with_policy(Policy::once())
    }

    /// Walks all pages.
    pub async fn scan(&self, request: ListRequest) -> Vec<DataRecord> {
        let mut scan = self.connection.scan(request);
        let mut records = Vec::new();
        while let Some(page) = scan.next().await.unwrap() {
            assert!(page.unreadable.is_empty());
            records.extend(page.records);
        }
        records
    }

    /// Makes a tracking, and answers its id.
    pub async fn create(&self, number: &str, slug: &str) -> String {
        let wish = serde_json::json!({ "tracking_number": number, "slug": slug }).to_string();
        self.connection.create("trackings", &wish).await.unwrap().record().unwrap().id
    }

    /// A tracking as the simulator has it.
    pub fn stored(&self, id: &str) -> Value {
        serde_json::from_str(&self.simulator.tracking(id).unwrap()).unwrap()
    }

    /// Method and path with query of every request so far.
    pub fn requests(&self) -> Vec<String> {
        let journal = self.simulator.journal().into_iter();
        let line =
            |query: Option<String>| query.map_or_else(String::new, |query| format!("?{query}"));
        journal
            .map(|entry| format!("{} {}{}", entry.method, entry.path, line(entry.query)))
            .collect()
    }
}

/// A connection of `connector` to `simulator`, in memory.
pub async fn connect(
    connector: &Connector,
    simulator: &Simulator,
    watch: &Arc<Watch>,
    key: &str,
) -> Connection {
    connecting(connector, simulator, watch, key).build().await.unwrap()
}

/// As [`connect`], with room for more.
pub fn connecting(
    connector: &Connector,
    simulator: &Simulator,
    watch: &Arc<Watch>,
    key: &str,
) -> Builder {
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(simulator.now_ms());
    Connection::builder(connector)
        .setting("base-url", "http://api.simulated")
        .allow_private()
        .secret("api-key", Secret::new(key))
        .observer(watch.clone())
        .clock(Arc::new(TokioClock::starting_at(start)))
        .network(Arc::new(Simulated(simulator.clone())))
}

/// Everything of `object`, in pages of `page_size`.
pub fn list(filter: Option<Value>, page_size: Option<u32>) -> ListRequest {
    let filter = filter.map(|filter| filter.to_string());
    ListRequest {
        object: "trackings".to_owned(),
        start: Start::Beginning,
        page_size,
        filter,
        view: View { fields: vec![], options: None },
    }
}

/// The kind of an error that a connector gave.
pub fn kind<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorKind {
    match result {
        Err(CallError::Connector(error)) => error.kind,
        other => panic!("expected an error of the connector, got {other:?}"),
    }
}

/// The simulator as the network of a connection.
struct Simulated(Simulator);

impl Resolve for Simulated {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

impl Connect for Simulated {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, theirs) = duplex(256 * 1024);
        let simulator = self.0.clone();
        tokio::spawn(async move { simulator.serve_stream(theirs).await });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}
