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
