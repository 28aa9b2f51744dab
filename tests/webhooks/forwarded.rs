//! Changes that `listen` hands on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_harness::vault::{Secret, sign};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::shop::{SECRET, Shop, event, post, tracking};
use crate::support::listener::until;

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_handed_on_signed_and_chosen() {
    let shop = Shop::new("forward").await;
    let path = shop.subscribe();
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", service.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(serve(service, Arc::clone(&got)));
    let filter = documented("README.md");
    assert_eq!(filter, documented("examples/watch-exceptions/README.md"));
    let listener = shop.listen("listen", &[]);
    // It is picked up while the program runs.
    shop.run(&["forwards", "add", "shop", &url, "--secret-env", "FORWARD", "--only", &filter]);
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
    let forward = &shop.rows(&["forwards", "list"])[0];
    assert_eq!((&forward["name"], &forward["parked"]), (&"shop".into(), &0.into()));
    assert_eq!(listener.end("-TERM").0, Some(0));
}

/// A forward is made, shown, changed, disabled, enabled and removed; its secret and the rest of its URL
/// are shown by none of these.
#[tokio::test(flavor = "multi_thread")]
async fn forwards_are_managed() {
    let shop = Shop::new("forwards").await;
    let add = |more: &[&str]| shop.run(&[&["forwards", "add"], more].concat());
    let made: Value = serde_json::from_str(&add(&["one", "http://127.0.0.1/token"])).unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let template = shop.base.join("chat.json");
    std::fs::write(&template, r#"{"text":"{{/data/id}} is {{/data/record/tag}}"}"#).unwrap();
    let template = template.to_str().unwrap();
    let chat = ["chat", "http://127.0.0.1/chat-token", "--unsigned", "--template", template];
    assert_eq!(add(&[&chat[..], &["--connection", "default"]].concat()), "");
    let list = || shop.run(&["forwards", "list"]);
    let rows = || shop.rows(&["forwards", "list"]);
    assert!(!list().contains(&secret) && !list().contains("token"));
    assert_eq!((&rows()[0]["name"], &rows()[0]["signed"]), (&"chat".into(), &false.into()));
    assert_eq!(
        (&rows()[0]["connection"], &rows()[0]["template"]),
        (&"default".into(), &true.into())
    );
    assert_eq!(
        (&rows()[1]["target"], &rows()[1]["enabled"]),
        (&"http://127.0.0.1".into(), &true.into())
    );
    shop.run(&["forwards", "disable", "one"]);
    assert_eq!(rows()[1]["enabled"], false);
    shop.run(&["forwards", "enable", "one"]);
    let change = [
        "forwards",
        "change",
        "one",
        "--rename",
        "a",
        "--url",
        "https://a.example/t",
        "--only",
        "trackings",
    ];
    shop.run(&change);
    let first = rows().remove(0);
    assert_eq!((&first["name"], &first["target"]), (&"a".into(), &"https://a.example".into()));
    assert_eq!((&first["only"], &first["enabled"]), (&vec!["trackings"].into(), &true.into()));
    let new: Value =
        serde_json::from_str(&shop.run(&["forwards", "change", "a", "--new-secret"])).unwrap();
    assert_ne!(new["secret"].as_str().unwrap(), secret);
    assert!(shop.rows(&["forwards", "parked", "a"]).is_empty());
    shop.run(&["forwards", "retry", "a"]);
    for (wrong, said) in [
        (
            &["forwards", "add", "a", "http://127.0.0.1/x"][..],
            "a forward named \"a\" is there already",
        ),
        (&["forwards", "drop", "a", "7"], "no parked change has such a number"),
        (&["forwards", "change", "a"], "required"),
        (&["forwards", "change", "lost", "--every"], "unknown forward \"lost\""),
    ] {
        let output = shop.output(wrong);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && err.contains(said), "{wrong:?}: {err}");
    }
    // Templates are checked when they are given.
    for (text, said) in [
        ("{", "the template is no JSON"),
        (r#"{"text": {{/data/id}}}"#, "a pointer stands within quotes"),
        (r#"{"text": "{{/data/recrod/tag}}"}"#, "/data/recrod/tag leads to nothing"),
    ] {
        std::fs::write(template, text).unwrap();
        let output = shop.output(&["forwards", "change", "chat", "--template", template]);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && err.contains(said), "{err}");
    }
    // A private target is for --allow-private alone, and a URL that came from the environment is not repeated.
    let mut refused = crate::support::host_command();
    refused.env("CONNECTOR_COMPONENT", crate::support::component());
    refused.env("CONNECTOR_STATE", shop.base.join("state")).env("URL", "http://10.0.0.1/token");
    let output = refused.args(["forwards", "add", "b", "--url-env", "URL"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && err.contains("--allow-private"), "{err}");
    assert!(!err.contains("token"), "{err}");
    shop.run(&["forwards", "remove", "a"]);
    shop.run(&["disconnect"]);
    assert!(rows().is_empty(), "the forward of a connection goes with it");
}

/// The filter that a page shows.
fn documented(page: &str) -> String {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("--only '").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
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
