//! Callers that mean harm, or say little and never end: what others ask and deliver is answered all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::world::Host;
use crate::webhooks::shop::{SECRET, Shop, event, post, tracking};

const CLIENTS: usize = 1_000;
/// How many deliveries are answered meanwhile.
const DELIVERIES: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_of_the_api_do_not_hold_up_the_receiver() {
    let shop = Shop::new("api-crowd").await;
    let path = shop.subscribe();
    let host = Host::of(shop, &[]);
    let connected = Arc::new(AtomicUsize::new(0));
    for number in 0..CLIENTS {
        let (authority, connected) = (host.authority.clone(), Arc::clone(&connected));
        tokio::spawn(async move {
            loop {
                // Where the queue of the system is full it is refused, and tries again at once.
                let Ok(mut stream) = TcpStream::connect(&authority).await else { continue };
                connected.fetch_add(1, Ordering::SeqCst);
                if number % 2 == 1 {
                    let _ = stream.write_all(b"GET /v1/status HTTP/1.1\r\nhost: localh").await;
                }
                // It stays until the host ends it.
                let _ = stream.read(&mut [0]).await;
            }
        });
    }
    let all = async {
        while connected.load(Ordering::SeqCst) < CLIENTS {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(120), all).await.expect("the clients do not come in");
    for number in 0..DELIVERIES {
        let id = format!("{number:032x}");
        let body = event(&id, &tracking(&id, "2026-11-21T17:47:10+00:00", "Pending"));
        assert_eq!(post(&host.listener.authority, &path, &body, SECRET).await, 200);
    }
    let took = host.shop.rows(&["deliveries", "list", "--output", "ndjson"]).len();
    assert_eq!(took, DELIVERIES);
}

/// What two readers could split differently is one request to this one, or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_within_another_is_never_answered() {
    let host = Host::new("smuggled").await;
    let authority = &host.authority;
    let inner = format!("GET /v1/hosts HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    let length = inner.len();
    for head in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        format!("content-length: 0\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}, 0\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length : {length}\r\n"),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding:\x0bchunked\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
        format!("x: y\r\n transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
    ] {
        for inner in [format!("0\r\n\r\n{inner}"), inner.clone()] {
            let request = format!(
                "POST /v1/connections HTTP/1.1\r\nhost: {authority}\r\n\
                 content-type: application/json\r\n{head}\r\n{inner}"
            );
            let mut stream = TcpStream::connect(authority).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            let read = timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await;
            read.expect("it waits for ever").unwrap();
            assert!(
                !answer.contains("\"hosts\"") && !answer.contains("200 OK"),
                "{head}: {answer}"
            );
            assert!(answer.starts_with("HTTP/1.1 4"), "{head}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
        }
    }
}
