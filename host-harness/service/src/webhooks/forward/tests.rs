use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use connector_runtime::AddressSpace::{self, Private, Public};
use connector_runtime::egress::{
    Connect, EgressOptions, HttpClient, Origin, Pending, Resolve, Stream,
};
use connector_state::Store as _;
use connector_state::mirror::{Batch, ChangeKind, ChangeRow, Mirror as _, Source};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;
use crate::vault::Secret;
use crate::webhooks::tests::provider::record;
use crate::webhooks::tests::world::{NOW_MS, SHOP, World};
use crate::webhooks::{Note, ReceiverBounds};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub fn outgoing(
    number: u64,
    object: &str,
    id: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Outgoing {
    Outgoing {
        change: ChangeRow {
            number,
            connection: SHOP.to_owned(),
            object: object.to_owned(),
            id: id.to_owned(),
            kind: ChangeKind::Updated,
            ours: false,
            source: None,
            at_ms: NOW_MS,
            updated_at: None,
            previous: None,
            hash: Some([1; 32]),
            members: vec![],
        },
        connection: "shop".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

/// From a message's data to a status.
type Judge = dyn Fn(&Value) -> u16 + Send + Sync;

/// A service in memory: it checks what it gets, and keeps it.
#[derive(Clone)]
struct Service {
    taken: Arc<Mutex<Vec<(String, Value)>>>,
    tries: Arc<Mutex<u32>>,
    judge: Arc<Mutex<Arc<Judge>>>,
}

impl Service {
    /// Sends to it.
    fn client(&self) -> Arc<HttpClient> {
        let mut options = EgressOptions::default();
        options.network = Arc::new(self.clone());
        Arc::new(HttpClient::new(options).unwrap())
    }

    fn new() -> Self {
        let judge: Arc<Judge> = Arc::new(|_| 200);
        let judge = Arc::new(Mutex::new(judge));
        Self { taken: Arc::default(), tries: Arc::default(), judge }
    }

    fn judges(&self, judge: impl Fn(&Value) -> u16 + Send + Sync + 'static) {
        *self.judge.lock().unwrap() = Arc::new(judge);
    }

    /// Record and its number `n`, in the order in which they were taken.
    fn taken(&self) -> Vec<String> {
        let show = |(_, data): &(String, Value)| {
            let data = &data["data"];
            let n = &data["record"]["n"];
            format!("{} {n}", data["id"].as_str().unwrap())
        };
        self.taken.lock().unwrap().iter().map(show).collect()
    }

    fn tries(&self) -> u32 {
        *self.tries.lock().unwrap()
    }

    /// Answers a request, if it is a Standard Webhooks message.
    fn answer(&self, head: &str, body: &str) -> u16 {
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
        };
        assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
        let message = Message { id: header("webhook-id"), body: body.to_owned() };
        let signer = Signer::read(&Secret::new(SECRET)).unwrap();
        let expected = signer.sign(&message, header("webhook-timestamp").parse().unwrap());
        assert_eq!(header("webhook-signature"), expected);
        *self.tries.lock().unwrap() += 1;
        let data: Value = serde_json::from_str(body).unwrap();
        let judge = Arc::clone(&self.judge.lock().unwrap());
        let status = judge(&data["data"]);
        if status == 200 {
            self.taken.lock().unwrap().push((message.id, data));
        }
        status
    }
}

impl Resolve for Service {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec!["127.0.0.1:80".parse().unwrap()]) })
    }
}

impl Connect for Service {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, mut theirs) = duplex(64 * 1024);
        let service = self.clone();
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Ok(byte) = theirs.read_u8().await {
                bytes.push(byte);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() < length.unwrap().parse().unwrap() {
                    continue;
                }
                let status = service.answer(head, body);
                bytes.clear();
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                theirs.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

struct Post {
    world: World,
    service: Service,
}

impl Post {
    async fn new() -> Self {
        let post =
            Self { world: World::new(ReceiverBounds::default()).await, service: Service::new() };
        post.forwarder(&[]).open().await.unwrap();
        post
    }

    fn forwarder(&self, filters: &[&str]) -> Forwarder {
        let signer = Signer::read(&Secret::new(SECRET)).unwrap();
        let http = self.service.client();
        let address = Origin::of_url("http://127.0.0.1/hook", AddressSpace::Private).unwrap();
        let target = ForwardTarget::new(address, http, signer);
        let filters = filters.iter().map(|filter| filter.parse().unwrap()).collect();
        let noted = Arc::clone(&self.world.noted) as Arc<dyn Notes>;
        let (outbox, clock) = (self.world.sqlite.clone(), self.world.clock.clone());
        Forwarder { outbox, clock, notes: noted, target, filters }
    }

    async fn forward(&self, filters: &[&str], seconds: u64) {
        let stop = sleep(Duration::from_secs(seconds));
        self.forwarder(filters).run(&Notify::new(), stop).await;
    }

    /// The record changes.
    async fn change(&self, id: &str, n: u32) {
        let at = format!("2026-11-22T10:{:02}:{:02}Z", n / 60, n % 60);
        let batch = Batch {
            records: vec![record(id, &at, n)],
            ..Batch::new(
                SHOP,
                "orders",
                Source::Page,
                self.world.sqlite.moment(SHOP).await.unwrap(),
            )
        };
        self.world.sqlite.apply(batch).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_change_is_handed_on_once_as_it_was() {
    let post = Post::new().await;
    for n in 1..4 {
        post.change("r1", n).await;
        post.change("r2", n).await;
    }
    post.forward(&[], 5).await;
    assert_eq!(post.service.taken(), ["r1 1", "r2 1", "r1 2", "r2 2", "r1 3", "r2 3"]);
    let second = post.service.taken.lock().unwrap()[2].1.clone();
    assert_eq!(second["type"], "orders.updated");
    assert_eq!(second["data"]["members"], serde_json::json!(["n"]));
    assert_eq!(second["data"]["previous"], serde_json::json!({ "n": 1 }));
    // The next one goes on from there, and nothing is kept of what all have seen.
    post.change("r1", 4).await;
    post.forward(&[], 120).await;
    assert_eq!(post.service.taken().len(), 7);
    while post.world.sqlite.maintain().await.unwrap() {}
    let kept: i64 = post.world.sqlite.with_connection(|on| {
        on.query_row("SELECT count(*) FROM forward_versions", (), |row| row.get(0)).unwrap()
    });
    assert_eq!(kept, 0);
}

#[tokio::test(start_paused = true)]
async fn filters_choose() {
    let post = Post::new().await;
    for n in 1..6 {
        post.change("r1", n).await;
    }
    post.forward(&["orders.n=2", "orders.n:3->4"], 5).await;
    assert_eq!(post.service.taken(), ["r1 2", "r1 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_away_misses_nothing_and_is_not_pressed() {
    let post = Post::new().await;
    post.service.judges(|_| 503);
    for n in 1..100 {
        post.change(&format!("r{}", n % 10), n).await;
    }
    post.forward(&[], 3_600).await;
    assert!(post.service.tries() < 100, "{}", post.service.tries());
    let fails = |note: &Note| matches!(note, Note::Failing { .. });
    assert_eq!(post.world.noted.0.lock().unwrap().iter().filter(|note| fails(note)).count(), 1);
    post.service.judges(|_| 200);
    post.forward(&[], 10).await;
    assert_eq!(post.service.taken().len(), 99);
    let mut ids: Vec<_> =
        post.service.taken.lock().unwrap().iter().map(|one| one.0.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 99);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_taken_holds_up_itself_alone_and_keeps_its_order() {
    let post = Post::new().await;
    post.service.judges(|data| if data["id"] == "bad" { 400 } else { 200 });
    for n in 1..4 {
        post.change("bad", n).await;
        post.change("good", n).await;
    }
    post.forward(&[], 60).await;
    assert_eq!(post.service.taken(), ["good 1", "good 2", "good 3"]);
    post.change("bad", 4).await;
    post.change("good", 4).await;
    post.forward(&[], 2).await;
    post.service.judges(|_| 200);
    post.forward(&[], 3_600).await;
    assert_eq!(post.service.taken()[3..], ["good 4", "bad 1", "bad 2", "bad 3", "bad 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_a_repeat_under_the_same_id() {
    let post = Post::new().await;
    post.change("r1", 1).await;
    let lost = Arc::new(Mutex::new(true));
    post.service
        .judges(move |_| if std::mem::take(&mut *lost.lock().unwrap()) { 500 } else { 200 });
    post.forward(&[], 30).await;
    assert_eq!((post.service.taken().len(), post.service.tries()), (1, 2));
}

#[test]
fn only_the_operator_opens_private_targets() {
    let target = Origin::of_url;
    for url in ["http://127.0.0.1/x", "http://a.example/x", "https://10.0.0.1/x"] {
        assert!(target(url, Public).is_err(), "{url}");
        assert!(target(url, Private).is_ok(), "{url}");
    }
    for url in ["https://me:pw@a.example/x", "ftp://a.example", "a.example"] {
        assert!(target(url, Private).is_err(), "{url}");
    }
    assert!(target("https://a.example/x", Public).is_ok());
}
