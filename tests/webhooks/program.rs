//! `subscribe`, `listen` and what goes with them, as a user has them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aftership_simulator::{Dialer, Options, Server, Simulator, Webhook, webhook_signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_harness::vault::{Secret, sign};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{component, host_command};

const KEY: &str = "asat_events_0123456789abcdef";
const SECRET: &str = "whs_0123456789abcdef";
/// What waits for another process waits no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated account, and a state that has a connection to it with a subscription.
struct Shop {
    simulator: Simulator,
    _server: Server,
    base: PathBuf,
}

impl Shop {
    async fn new(name: &str) -> Self {
        let options =
            Options { api_keys: vec![KEY.to_owned()], limits: false, ..Options::default() };
        let simulator = Simulator::new(options);
        let server = simulator.listen().await.unwrap();
        let base = std::env::temp_dir().join(format!("events-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&base);
        std::fs::create_dir(&base).unwrap();
        let shop = Self { simulator, base, _server: server };
        let setting = format!("base-url={}", shop._server.url());
        shop.run(&["secrets", "set", "api-key", "--from-env", "KEY", "--setting", &setting]);
        shop
    }

    /// The path of the connection, made by a subscription.
    fn subscribe(&self) -> String {
        let url = "https://hooks.example.com";
        let out = self.run(&[
            "subscribe",
            "trackings",
            "--url",
            url,
            "--from-env",
            "SECRET",
            "--no-wait",
            "--output",
            "table",
        ]);
        let (_, rest) = out.split_once(&format!("{url}/hooks/")).unwrap();
        let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        assert_eq!(token.len(), 32, "{out}");
        format!("/hooks/{token}")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = host_command();
        command
            .env("CONNECTOR_COMPONENT", component())
            .env("CONNECTOR_STATE", self.base.join("state"))
            .env("KEY", KEY)
            .env("SECRET", SECRET)
            .env("FORWARD", FORWARD)
            .args(["--allow-private", "--limits", "off"])
            .args(arguments);
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stdout of a command that did what it was asked.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Its lines as JSON.
    #[track_caller]
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.run(arguments);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts a command that listens; answers when it does.
    fn listen(&self, command: &str, more: &[&str]) -> Listener {
        let mut command = self.command(&[command, "--address", "127.0.0.1:0", "--rate", "10000"]);
        command.args(more).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on ") {
            said.clear();
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended");
        }
        let authority = said.trim().rsplit_once("//").unwrap().1.to_owned();
        Listener { child, lines, authority }
    }

    fn tracking(&self, number: usize) -> String {
        let id = format!("{number:032x}");
        self.simulator.insert(&tracking(&id, "2026-11-21T17:47:10+00:00", "Pending")).unwrap();
        id
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// A program that listens; killed when it goes.
struct Listener {
    child: Child,
    lines: BufReader<ChildStderr>,
    authority: String,
}

impl Listener {
    /// Ends it by a signal; answers its exit code and what else it said.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).unwrap();
        (code, rest)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tracking(id: &str, updated_at: &str, tag: &str) -> String {
    json!({
        "id": id, "legacy_id": id, "tracking_number": format!("N{id}"), "slug": "ups",
        "created_at": "2026-11-18T08:47:10+00:00", "updated_at": updated_at, "tag": tag,
        "active": true, "checkpoints": [],
    })
    .to_string()
}

/// Waits until something holds, and fails with what it was when it does not.
async fn until<T: std::fmt::Debug>(mut look: impl FnMut() -> T, holds: impl Fn(&T) -> bool) -> T {
    let began = std::time::Instant::now();
    loop {
        let seen = look();
        if holds(&seen) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_proven_and_each_stage_is_one_change() {
    let shop = Shop::new("proven").await;
    let path = shop.subscribe();
    assert_eq!(path, shop.subscribe(), "a connection has one path");
    let id = shop.tracking(1);
    let listener = shop.listen("serve", &["--every", "1s"]);
    let url = format!("http://{}{path}", listener.authority);
    let webhook = shop.simulator.add_webhook(Webhook::new(&url, SECRET)).unwrap();
    let sender = shop.simulator.clone();
    let sending = tokio::spawn(async move { sender.send_webhooks(Dialer::loopback()).await });
    shop.simulator.send_test_webhook(webhook).unwrap();
    let status = || {
        let rows = shop.rows(&["status", "--output", "ndjson"]);
        rows.into_iter().find(|row| row["subscription"].is_object()).unwrap()
    };
    let proven = until(status, |row| row["subscription"]["proven"].is_string()).await;
    assert_eq!(proven["subscription"]["deliveries"], 1);
    // It waits for what has come already.
    shop.run(&["subscribe", "trackings", "--url", "https://hooks.example.com", "--no-wait"]);

    let changes = || {
        let rows = shop.rows(&["changes", "--output", "ndjson"]);
        rows.into_iter().filter(|row| row["object"] == "trackings").count()
    };
    until(changes, |count| *count == 1).await;
    for (number, tag) in ["InTransit", "OutForDelivery", "Delivered"].iter().enumerate() {
        shop.simulator.scan(&id, tag, "on its way").unwrap();
        until(changes, |count| *count == 2 + number).await;
    }
    let (code, rest) = listener.end("-TERM");
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(changes(), 4, "deliveries and polls make one change each");
    sending.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_waits_for_a_person() {
    let shop = Shop::new("letters").await;
    let path = shop.subscribe();
    let listener = shop.listen("listen", &[]);
    let at = "2026-11-21T17:47:10+00:00";
    for id in ["0a", "0b"] {
        shop.simulator.insert(&tracking(id, at, "InTransit")).unwrap();
    }
    let good = event("e1", &tracking("0a", at, "InTransit"));
    assert_eq!(post(&listener.authority, &path, &good, SECRET).await, 200);
    assert_eq!(post(&listener.authority, &path, "no JSON", SECRET).await, 200);
    assert_eq!(post(&listener.authority, &path, &good, "another").await, 401);
    let deliveries = || shop.rows(&["deliveries", "list"]);
    let kept = until(deliveries, |rows| rows[1]["events"][0]["state"] == "done").await;
    assert_eq!(kept[0]["events"][0]["state"], "dead");
    assert_eq!(kept[1]["events"][0]["record"], "0a");
    // Nobody can tell what the other one was about, so what there is was pulled.
    let exported = || {
        let rows = shop.output(&["export", "trackings"]).stdout;
        let rows = String::from_utf8(rows).unwrap();
        let id = |row: &str| serde_json::from_str::<Value>(row).unwrap()["id"].clone();
        rows.lines().map(id).collect::<Vec<_>>()
    };
    until(exported, |ids| *ids == ["0a", "0b"]).await;

    // One that was saved is verified and decoded as any other.
    let file = shop.base.join("delivery.json");
    std::fs::write(&file, shop.run(&["deliveries", "show", "1", "--output", "json"])).unwrap();
    let replayed = shop.rows(&["deliveries", "replay", file.to_str().unwrap()]);
    assert_eq!((&replayed[0]["id"], &replayed[0]["record"]), (&json!("e1"), &json!("0a")));
    let saved = std::fs::read_to_string(&file).unwrap().replace("InTransit", "Delivered");
    std::fs::write(&file, saved).unwrap();
    let forged = shop.output(&["deliveries", "replay", file.to_str().unwrap()]);
    assert_eq!(forged.status.code(), Some(2));

    let letters = shop.rows(&["dead-letters", "list"]);
    assert_eq!((letters.len(), &letters[0]["raw"]), (1, &json!("no JSON")));
    let number = letters[0]["number"].as_str().unwrap();
    shop.run(&["dead-letters", "replay", number]);
    until(|| shop.rows(&["dead-letters", "list"]).len(), |count| *count == 1).await;
    shop.run(&["dead-letters", "drop", number]);
    assert!(shop.rows(&["dead-letters", "list"]).is_empty());
    assert_eq!(shop.output(&["dead-letters", "drop", number]).status.code(), Some(2));
    let (code, rest) = listener.end("-INT");
    assert_eq!(code, Some(0));
    assert!(rest.contains(&format!("gave up on the event {number}: ")), "{rest}");
    assert!(rest.contains("deliveries may be missing since"), "{rest}");
}

/// Every 200 that a sender saw is in the inbox, whenever the receiver is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_killed_forgets_nothing_that_it_took() {
    let shop = Shop::new("killed").await;
    let path = shop.subscribe();
    let taken = Arc::new(Mutex::new(BTreeSet::new()));
    let mut sent = 0;
    for _ in 0..3 {
        let listener = shop.listen("listen", &[]);
        let before = taken.lock().unwrap().len();
        let senders: Vec<_> = (0..16)
            .map(|sender| {
                let (taken, path) = (Arc::clone(&taken), path.clone());
                let (authority, first) = (listener.authority.clone(), sent + sender * 1_000);
                tokio::spawn(async move {
                    for number in first.. {
                        let (id, at) = (format!("{number:032x}"), "2026-11-21T17:47:10+00:00");
                        let body = event(&id, &tracking(&id, at, "InTransit"));
                        match post(&authority, &path, &body, SECRET).await {
                            200 => taken.lock().unwrap().insert(id),
                            _ => return,
                        };
                    }
                })
            })
            .collect();
        until(|| taken.lock().unwrap().len(), |count| *count >= before + 200).await;
        let _ = listener.end("-KILL");
        for sender in senders {
            sender.await.unwrap();
        }
        sent += 1_000_000;
    }
    let kept = shop.rows(&["deliveries", "list", "--max", "1000000"]);
    let kept: BTreeSet<String> = kept
        .iter()
        .flat_map(|row| row["events"].as_array().unwrap())
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    let taken = taken.lock().unwrap().clone();
    let lost: Vec<_> = taken.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} are lost", lost.len(), taken.len());
    // And the next one applies them.
    let listener = shop.listen("listen", &[]);
    let waiting = || {
        let rows = shop.rows(&["status", "--output", "ndjson"]);
        let row = rows.into_iter().find(|row| row["subscription"].is_object()).unwrap();
        row["subscription"]["waiting"].as_u64().unwrap()
    };
    until(waiting, |waiting| *waiting == 0).await;
    let records = shop.rows(&["export", "trackings"]).len();
    assert_eq!(records, kept.len());
    assert_eq!(listener.end("-TERM").0, Some(0));
}

/// The first signal lets a sender that dawdles come to its end, the second does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_program_at_once() {
    let shop = Shop::new("twice").await;
    let path = shop.subscribe();
    let listener = shop.listen("listen", &[]);
    let mut stream = TcpStream::connect(&listener.authority).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("100 Continue") {
        answer.push(stream.read_u8().await.unwrap().into());
    }
    let id = listener.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(listener.end("-INT").0, Some(130));
}

/// 32 bytes, as the tests' service knows them.
const FORWARD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_handed_on_signed_and_chosen() {
    let shop = Shop::new("forward").await;
    let path = shop.subscribe();
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", service.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(serve(service, Arc::clone(&got)));
    let forward = ["--forward", &url, "--forward-secret-env", "FORWARD"];
    let filter = documented("README.md");
    assert_eq!(filter, documented("examples/watch-exceptions/README.md"));
    let listener = shop.listen("listen", &[&forward[..], &["--only", &filter]].concat());
    let scanned = |tracking: String, tag: &str| {
        let scan = format!(r#""checkpoints":[{{"hash":"{tag}","tag":"{tag}"}}]"#);
        tracking.replace(r#""checkpoints":[]"#, &scan)
    };
    for (number, (id, tag, scan)) in [
        // New ones, and scans, whatever they say.
        ("0a", "OutForDelivery", "Exception"),
        ("0b", "Exception", "Exception"),
        ("0c", "InTransit", "InTransit"),
        ("0a", "Exception", "Exception"),
        // Another change of one that is in trouble already.
        ("0a", "Exception", "InTransit"),
        ("0b", "InTransit", "InTransit"),
        ("0b", "Exception", "Exception"),
        ("0c", "Delivered", "InTransit"),
        ("0c", "Exception", "InTransit"),
    ]
    .into_iter()
    .enumerate()
    {
        let at = format!("2026-11-21T17:47:1{number}+00:00");
        let body = event(&number.to_string(), &scanned(tracking(id, &at, tag), scan));
        assert_eq!(post(&listener.authority, &path, &body, SECRET).await, 200);
    }
    let got = until(|| got.lock().unwrap().clone(), |got| got.len() == 3).await;
    let ids = got.iter().map(|(_, body)| {
        let body: Value = serde_json::from_str(body).unwrap();
        format!("{} {}", body["type"].as_str().unwrap(), body["data"]["id"].as_str().unwrap())
    });
    let ids: Vec<String> = ids.collect();
    assert_eq!(ids, ["0a", "0b", "0c"].map(|id| format!("trackings.updated {id}")));
    let (headers, body) = &got[0];
    let (id, at) = (&headers["webhook-id"], &headers["webhook-timestamp"]);
    let key = Secret::new((0..32).collect::<Vec<u8>>());
    let signature = sign("hmac-sha256", &key, format!("{id}.{at}.{body}").as_bytes()).unwrap();
    assert_eq!(headers["webhook-signature"], format!("v1,{}", STANDARD.encode(signature)));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "trackings.updated");
    assert_eq!(body["data"]["previous"]["tag"], "OutForDelivery");
    assert_eq!(body["data"]["record"]["tag"], "Exception");
    assert_eq!(listener.end("-TERM").0, Some(0));
}

/// The filter that a page shows.
fn documented(page: &str) -> String {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("--only '").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_said() {
    let shop = Shop::new("usage").await;
    let forward = |url: &str, secret: &str| {
        let arguments = ["listen", "--forward", url, "--forward-secret-env", secret];
        let mut command = shop.command(&[]);
        let output = command.args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let only = |filter: &str| {
        let url = "http://127.0.0.1/x";
        let more = ["--forward", url, "--forward-secret-env", "FORWARD", "--only", filter];
        let output = shop.command(&["listen"]).args(more).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (said, word) in [
        (forward("http://127.0.0.1/x", "SECRET"), "whsec_"),
        (forward("ftp://a.example", "FORWARD"), "neither https nor http"),
        (forward("http://127.0.0.1/x", "NO_SUCH"), "NO_SUCH"),
        (only("tag:->Exception"), "OBJECT.tag:->Exception"),
        (only("tracking.tag:->Exception"), "did you mean \"trackings\""),
    ] {
        assert!(said.0 == Some(2) && said.1.contains(word), "{said:?}");
    }
    for wrong in [
        &["listen", "--only", "tag=x"][..],
        &["listen", "--address", "nowhere"],
        &["listen", "--public-url", "nowhere"],
        &["listen", "--tls-cert", "x"],
        &["listen", "--connection", "lost"],
        &["deliveries", "show", "99"],
        &["deliveries", "replay", "/no/such/file"],
        &["dead-letters", "replay", "e99"],
        &["subscribe", "trackings", "--url", "https://a.example?q=1"],
    ] {
        let output = shop.output(wrong);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {err}");
    }
}

fn event(id: &str, tracking: &str) -> String {
    format!(
        r#"{{"event":"tracking_update","event_id":"{id}","is_tracking_first_tag":true,"msg":{tracking},"ts":{}}}"#,
        now_s()
    )
}

fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Delivers a body; answers the status, or 0.
async fn post(authority: &str, path: &str, body: &str, secret: &str) -> u16 {
    let signature = webhook_signature(secret, body.as_bytes());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
         aftership-hmac-sha256: {signature}\r\nas-webhook-version: 2026-07\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = async {
        let mut stream = TcpStream::connect(authority).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = answer.await.unwrap_or_default();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

type Got = Arc<Mutex<Vec<(BTreeMap<String, String>, String)>>>;

/// Takes everything.
async fn serve(listener: TcpListener, got: Got) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut bytes = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            bytes.push(byte);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let headers: BTreeMap<String, String> = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            if body.len() < headers["content-length"].parse().unwrap() {
                continue;
            }
            got.lock().unwrap().push((headers, body.to_owned()));
            bytes.clear();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    }
}
