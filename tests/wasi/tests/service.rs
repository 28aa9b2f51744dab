//! The composed variants, as a platform runs them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::{Request, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use wasi_test::{Platform, Service, composed, root};

const KEY: &str = "asat_canary-0123456789";
const TOKEN: &str = "token-of-the-platform";

fn component() -> PathBuf {
    let given = std::env::var_os("CONNECTOR_COMPONENT").map(PathBuf::from);
    given.unwrap_or_else(|| root().join("dist/aftership-connector.wasm"))
}

/// The service, on a provider at this origin. It is compiled once.
fn service(origin: &str) -> Service {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| composed(&component(), &["front"]).unwrap());
    let mut service = Service::new(bytes).unwrap();
    for (name, value) in [
        ("allow-private", "true"),
        ("front.token", TOKEN),
        ("secret.api-key", KEY),
        ("secret.webhook-secret", "hook-secret"),
        ("setting.base-url", origin),
    ] {
        service.config.push((name.to_owned(), value.to_owned()));
    }
    service
}

async fn ask(service: &Service, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = answer(service, method, path, body).await;
    let body = answer.body();
    (answer.status().as_u16(), serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn answer(service: &Service, method: &str, path: &str, body: &str) -> Response<String> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://service.example{path}"))
        .header("host", "service.example")
        .header("authorization", format!("Bearer {TOKEN}"));
    let answer = service.answer(request.body(body.to_owned()).unwrap()).await.unwrap();
    assert!(!answer.body().contains(KEY), "{}", answer.body());
    answer
}

/// The simulator, ended when dropped.
struct Simulator {
    process: Child,
    origin: String,
}

impl Simulator {
    fn start(trackings: &str) -> Self {
        let program = root().join("target/debug/aftership-simulator");
        let mut command = Command::new(program);
        command.args(["--trackings", trackings, "--api-key", KEY, "--no-limits"]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let origin = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, origin }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers every request alike, and keeps it.
struct Fake {
    origin: String,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut piece = [0; 4_096];
                while !is_whole(&request) {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(length) => request.extend_from_slice(&piece[..length]),
                    }
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { origin, sent }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_trackings_are_listed_and_one_is_created() {
    let simulator = Simulator::start("300");
    let service = service(&simulator.origin);
    let (mut path, mut ids) = ("/v1/objects/trackings/records".to_owned(), Vec::new());
    loop {
        let (status, page) = ask(&service, "GET", &path, "").await;
        assert_eq!(status, 200, "{page}");
        ids.extend(page["items"].as_array().unwrap().iter().map(|it| it["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        let next: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        path = format!("/v1/objects/trackings/records?cursor={next}");
    }
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 300);

    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    let (status, made) = ask(&service, "POST", "/v1/objects/trackings/records", wish).await;
    assert_eq!(status, 201, "{made}");
    let one = format!("/v1/objects/trackings/records/{}", made["id"].as_str().unwrap());
    let (status, found) = ask(&service, "GET", &one, "").await;
    assert_eq!((status, &found["data"]["tracking_number"]), (200, &json!("1Z12345E0205271688")));
    let (status, problem) = ask(&service, "POST", "/v1/objects/trackings/records", wish).await;
    assert_eq!((status, &problem["kind"]), (409, &json!("conflict")));
    assert_eq!(problem["existing"], made["id"]);
    let (status, changed) = ask(&service, "PATCH", &one, r#"{"note":"at the door"}"#).await;
    assert_eq!((status, &changed["record"]["data"]["note"]), (200, &json!("at the door")));
    let (status, _) = ask(&service, "DELETE", &one, "").await;
    assert_eq!(status, 204);
    let (status, problem) = ask(&service, "GET", &one, "").await;
    assert_eq!((status, &problem["kind"]), (404, &json!("not-found")));

    let (status, bad) = ask(&service, "POST", "/v1/objects/trackings/records", "{}").await;
    assert_eq!((status, &bad["kind"]), (422, &json!("invalid-input")));
    assert!(bad["violations"].as_array().is_some_and(|all| !all.is_empty()), "{bad}");
    let (_, objects) = ask(&service, "GET", "/v1/objects", "").await;
    assert!(objects["items"].as_array().unwrap().iter().any(|it| it["name"] == "couriers"));
    let (_, described) = ask(&service, "GET", "/v1/objects/trackings", "").await;
    assert!(described["record_schema"].is_object() && described["create_schema"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_arrives_at_the_provider_and_its_429_is_told() {
    let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}";
    let fake = Fake::start(limited);
    let service = service(&fake.origin);
    let answer = answer(&service, "GET", "/v1/objects/trackings/records", "").await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let problem: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!(problem["kind"], "rate-limited");
    let sent = fake.sent();
    assert_eq!(sent.len(), 1, "it is not repeated: {sent:?}");
    assert!(sent[0].contains(&format!("as-api-key: {KEY}\r\n")), "{}", sent[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_write_is_unknown_and_an_unreachable_provider_is_not() {
    let fake = Fake::start("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"meta\"");
    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    let path = "/v1/objects/trackings/records";
    let (status, problem) = ask(&service(&fake.origin), "POST", path, wish).await;
    assert_eq!((status, &problem["kind"]), (504, &json!("outcome-unknown")));
    assert_eq!(fake.sent().len(), 1);
    let (status, problem) = ask(&service("http://127.0.0.1:9"), "POST", path, wish).await;
    assert_eq!((status, &problem["kind"]), (503, &json!("unavailable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_token_comes_in() {
    let mut service = service("http://127.0.0.1:9");
    let request = |token: &str| {
        let request = Request::get("http://service.example/v1/objects");
        request.header("authorization", token).body(String::new()).unwrap()
    };
    for token in ["", "Bearer ", "Bearer other", TOKEN] {
        assert_eq!(service.answer(request(token)).await.unwrap().status(), 401, "{token}");
    }
    let right = format!("Bearer {TOKEN}");
    assert_eq!(service.answer(request(&right)).await.unwrap().status(), 200);
    service.config.retain(|(name, _)| name != "front.token");
    assert_eq!(service.answer(request(&right)).await.unwrap().status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_verified_and_kept_before_it_is_answered() {
    let body = std::fs::read_to_string(root().join("tests/fixtures/webhook-tracking-update.json"));
    let body = body.unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hook-secret").unwrap();
    mac.update(body.as_bytes());
    let signature = base64(&mac.finalize().into_bytes());
    let deliver = async |service: &Service, signature: &str| {
        let request = Request::post("http://service.example/hooks");
        let request = request.header("aftership-hmac-sha256", signature);
        let request = request.header("content-type", "application/json");
        service.answer(request.body(body.clone()).unwrap()).await.unwrap().status().as_u16()
    };
    let keeper = Fake::start("HTTP/1.1 204 No Content\r\n\r\n");
    let mut service = service("http://127.0.0.1:9");
    assert_eq!(deliver(&service, &signature).await, 503, "nobody keeps it");
    let to = "front.deliveries-to".to_owned();
    service.config.push((to.clone(), format!("{}/events", keeper.origin)));
    assert_eq!(deliver(&service, &signature.replace(['A', 'B'], "C")).await, 401);
    assert_eq!(deliver(&service, "").await, 401);
    assert_eq!(keeper.sent().len(), 0);
    assert_eq!(deliver(&service, &signature).await, 200);
    let sent = keeper.sent();
    let (head, kept) = sent[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /events HTTP/1.1"), "{head}");
    let kept: Value = serde_json::from_str(kept).unwrap();
    assert_eq!(kept["events"][0]["id"], "2b1f0c9d-8e7a-4c6b-9a58-3d2e1f0a9b8c");
    let full = Fake::start("HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 0\r\n\r\n");
    service.config.retain(|(name, _)| *name != to);
    service.config.push((to, full.origin.clone()));
    assert_eq!(deliver(&service, &signature).await, 503, "it comes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_configures_it_where_there_is_no_other_way() {
    let fake = Fake::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let bytes = composed(&component(), &["front", "environment"]).unwrap();
    let mut service = Service::new(&bytes).unwrap();
    for (name, value) in [
        ("CONNECTOR_ALLOW_PRIVATE", "true"),
        ("CONNECTOR_FRONT_TOKEN", TOKEN),
        ("CONNECTOR_SECRET_API_KEY", KEY),
        ("CONNECTOR_SETTING_BASE_URL", &fake.origin),
        ("SECRET_API_KEY", "another"),
    ] {
        service.environment.push((name.to_owned(), value.to_owned()));
    }
    answer(&service, "GET", "/v1/objects/couriers/records", "").await;
    assert!(fake.sent()[0].contains(&format!("as-api-key: {KEY}\r\n")), "{:?}", fake.sent());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_configuration_is_told_and_nothing_is_sent() {
    let fake = Fake::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    for (name, value, rule) in [
        ("setting.base-url", "ftp://provider.example", "H-6"),
        ("customer.base-url", "https://other.example", "H-6"),
        ("allow-private", "false", "H-6"),
        ("scheme", "none", "H-6"),
        ("answer-bytes", "many", "H-19"),
    ] {
        let mut service = service(&fake.origin);
        service.config.retain(|(given, _)| given != name);
        service.config.push((name.to_owned(), value.to_owned()));
        let (status, problem) = ask(&service, "GET", "/healthz", "").await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 500 && detail.starts_with(rule), "{name}: {problem}");
        let (status, _) = ask(&service, "GET", "/v1/objects/trackings/records", "").await;
        assert_eq!(status, 502, "{name}");
    }
    assert_eq!(fake.sent().len(), 0);
}

/// A connector without an interface that the front serves, and what is none at all.
#[test]
fn what_does_not_fit_is_not_composed() {
    let guest = |name: &str| root().join("dist/guests").join(name);
    let why = composed(&guest("sends.wasm"), &["front"]).unwrap_err();
    assert!(why.to_string().contains("does not offer connector:api/actions@0.2.0"), "{why}");
    let why = composed(&guest("imports_more.wasm"), &[]).unwrap_err();
    assert!(why.to_string().starts_with("H-1: "), "{why}");
    let why = composed(&root().join("Cargo.toml"), &[]).unwrap_err();
    assert!(why.to_string().contains("the connector is no component"), "{why}");
}

/// Of another connector, which asks for more than it declares.
#[test]
fn what_is_not_declared_is_refused_by_the_rules_number() {
    let program = env!("CARGO_BIN_EXE_wasi-host");
    let mut command = Command::new(program);
    let mut host = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let fake = Fake::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let ids = ["undeclared endpoint", "another host", "own key header", "two writes"];
    let calls: Vec<Value> =
        ids.iter().map(|id| json!({ "call": "get", "object": "things", "id": id })).collect();
    let job = json!({
        "component": root().join("dist/guests/sends.wasm"), "allow-private": true,
        "settings": { "operator": { "base-url": fake.origin } }, "secrets": { "api-key": [KEY] },
        "bounds": { "answer-bytes": 1_024 }, "calls": calls,
    });
    writeln!(host.stdin.take().unwrap(), "{job}").unwrap();
    let mut reply = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut reply).unwrap();
    let _ = host.wait();
    let reply: Value = serde_json::from_str(&reply).unwrap();
    for (number, rule) in ["H-10", "H-11", "H-12", "H-17"].iter().enumerate() {
        let message = reply["outcomes"][number]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(&format!("{rule}: ")), "{rule}: {reply}");
    }
    let sent = fake.sent();
    assert!(sent.len() == 1 && sent[0].starts_with("POST /things "), "{sent:?}");
}

/// What is composed needs WASI and nothing else, and offers what the connector does.
#[test]
fn only_wasi_is_imported() {
    let platform = Platform::new().unwrap();
    let library = composed(&component(), &[]).unwrap();
    // Whatever were missing would be named here.
    platform.load(&library).unwrap();
    let connectors = vec!["connector:api/catalog@0.2.0", "connector:api/records@0.2.0"];
    let service = composed(&component(), &["front"]).unwrap();
    for (bytes, types, exports) in [
        (&library, vec!["types", "objects", "permissions", "setup"], connectors),
        (&service, vec![], vec!["wasi:http/incoming-handler@0.2.0"]),
    ] {
        let (imported, exported) = platform.names(bytes).unwrap();
        let is_types =
            |name: &str| types.iter().any(|it| name == format!("connector:api/{it}@0.2.0"));
        let is_served = |name: &String| name.starts_with("wasi:") || is_types(name);
        assert!(imported.iter().all(is_served), "{imported:?}");
        assert!(exports.iter().all(|name| exported.contains(&(*name).to_owned())), "{exported:?}");
    }
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let all = group.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
