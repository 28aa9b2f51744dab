//! What a caller may not do: each is refused as a problem, and hurts nobody else.

use serde_json::json;

use super::world::Host;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_a_problem() {
    let host = Host::new("unreadable").await;
    let make = "POST /v1/connections";
    for (headers, body, status) in [
        (&[JSON][..], &b"{"[..], 400),
        (&[JSON], b"", 400),
        (&[JSON], b"\xff\xfe{}", 400),
        (&[JSON], b"[]", 422),
        (&[], b"{}", 415),
        (&[("content-type", "text/plain")], b"{}", 415),
        (&[JSON, ("content-encoding", "gzip")], b"{}", 415),
        (&[JSON], &[b'['; 100_000], 400),
        (&[JSON], &[b' '; 1024 * 1024 + 1], 413),
    ] {
        let reply = host.send(make, headers, body).await;
        let problem = reply.problem(status, "invalid-input");
        assert_eq!(problem["source"], "request");
    }
    for (line, status, kind) in [
        ("GET /", 404, "not-found"),
        ("GET /v2/connections", 404, "not-found"),
        ("GET /v1/connections/", 404, "not-found"),
        ("PUT /v1/connections", 405, "unsupported"),
        ("OPTIONS /v1/connections", 405, "unsupported"),
        ("GET /v1/connections?limit=0", 422, "invalid-input"),
        ("GET /v1/connections?limit=1001", 422, "invalid-input"),
        ("GET /v1/connections?limit=x", 400, "invalid-input"),
        ("GET /v1/connections?limt=1", 400, "invalid-input"),
        ("GET /v1/connections?limit=1&limit=2", 400, "invalid-input"),
        ("GET /v1/connections/%ff", 400, "invalid-input"),
    ] {
        let reply = host.send(line, &[], b"").await;
        reply.problem(status, kind);
    }
    let wrong = host.send("PUT /v1/connections", &[], b"").await;
    assert_eq!(wrong.header("allow"), "GET, POST");
    let head = host.send("HEAD /v1/connections", &[], b"").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// A page that a browser of this machine shows may not use the API, whatever name leads to it.
#[tokio::test(flavor = "multi_thread")]
async fn pages_in_a_browser_are_refused() {
    let host = Host::new("pages").await;
    let foreign = host.send("GET /healthz", &[("host", "evil.example")], b"").await;
    foreign.problem(421, "forbidden");
    let foreign = host.send("GET /healthz", &[("host", "localhost.evil.example:1")], b"").await;
    foreign.problem(421, "forbidden");
    for own in ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8081"] {
        let reply = host.send("GET /healthz", &[("host", own)], b"").await;
        assert_eq!(reply.status, 200, "{own}");
    }
    for header in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let body = json!({"name": "a"}).to_string();
        let reply = host.send("POST /v1/connections", &[JSON, header], body.as_bytes()).await;
        reply.problem(403, "forbidden");
    }
    let token = host.send("GET /v1/connections", &[("authorization", "Basic eDp5")], b"").await;
    token.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_could_reach_is_refused_at_the_start() {
    let host = Host::new("reach").await;
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ended = host.command(&["serve", "--address", "127.0.0.1:0", "--api", address]).output();
        let ended = ended.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains("--api-tls-cert") && said.contains("token"), "{said}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::webhooks::shop::Shop;

    let shop = Shop::new("api-socket").await;
    let path = shop.base.join("api.sock");
    let api = format!("unix:{}", path.display());
    // One that was left behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut listener = shop.listen("serve", &["--api", &api]);
    while tokio::net::UnixStream::connect(&path).await.is_err() {
        assert!(listener.child.try_wait().unwrap().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (code, said) = listener.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(!path.exists());
}

/// What a host serves is one connection's or all connections', and never more than was meant.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_of_one_connection_is_refused() {
    let host = Host::new("narrow").await;
    let ended =
        host.command(&["serve", "--connection", "default", "--api", "127.0.0.1:0"]).output();
    let ended = ended.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("--only"), "{said}");
}
