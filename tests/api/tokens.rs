//! Tokens: each route with each kind of token, and what is noted of writes.

use serde_json::{Value, json};

use super::description::{described, operations};
use super::world::{Host, Reply};

/// Runs a command of the host's state, and answers what it prints.
fn run(host: &Host, arguments: &[&str]) -> String {
    let output = host.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A new token.
fn token(host: &Host, name: &str, scope: &str, more: &[&str]) -> String {
    let made = run(host, &[&["tokens", "add", name, "--scope", scope], more].concat());
    serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned()
}

async fn with(host: &Host, token: Option<&str>, line: &str, body: &[u8]) -> Reply {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    host.send(line, &headers, body).await
}

/// Whether a request was let through, however it ended then.
async fn is_let_through(host: &Host, token: Option<&str>, method: &str, path: &str) -> bool {
    let reply = with(host, token, &format!("{method} {path}"), b"{").await;
    match reply.status {
        401 => {
            reply.problem(401, "unauthenticated");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            false
        }
        403 => {
            reply.problem(403, "forbidden");
            false
        }
        _ => true,
    }
}

/// The path of a route, with a connection in it.
fn path_of(route: &str, connection: &str) -> String {
    let path = route.replace("{connection}", connection);
    let parts = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_through_whom_its_scope_names() {
    let host = Host::with("matrix", &["--api-require-token"]).await;
    let all = ["read", "write", "admin"];
    let tokens = all.map(|scope| token(&host, scope, scope, &[]));
    let own = token(&host, "own", "admin", &["--only", "default"]);
    let revoked = token(&host, "revoked", "admin", &[]);
    run(&host, &["tokens", "revoke", "revoked"]);
    let described = described();
    let operations = operations(&described);
    assert!(operations.len() > 40, "{}", operations.len());
    for (method, route, operation) in &operations {
        let scope = operation["x-required-scope"].as_str().unwrap();
        // One that is not there: what is let through is not found, and changes nothing.
        let path = path_of(route, "nobody");
        for token in [None, Some("connhost_wrong"), Some(&*revoked)] {
            let through = is_let_through(&host, token, method, &path).await;
            assert_eq!(through, scope == "open", "{method} {route} {token:?}");
        }
        let needed = all.iter().position(|one| *one == scope);
        for (place, token) in tokens.iter().enumerate() {
            let through = is_let_through(&host, Some(token), method, &path).await;
            assert_eq!(
                through,
                needed.is_none_or(|needed| needed <= place),
                "{method} {route} {place}"
            );
        }
        let through = is_let_through(&host, Some(&own), method, &path).await;
        assert_eq!(through, scope == "open", "{method} {route} of another connection");
        if method == "GET" && scope == "read" {
            let path = path_of(route, "default");
            let through = is_let_through(&host, Some(&own), method, &path).await;
            assert_eq!(through, route.contains("{connection}"), "{method} {route} of its own");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_noted_and_tokens_are_shown_once() {
    let host = Host::new("audit").await;
    let token = token(&host, "shop", "write", &["--only", "default", "--expires", "1d"]);
    let records = "/v1/connections/default/objects/trackings/records";
    let input = json!({"tracking_number": "NOTED12345", "slug": "ups"}).to_string();
    let made = with(&host, Some(&token), &format!("POST {records}"), input.as_bytes()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = with(&host, Some(&token), &format!("POST {records}"), input.as_bytes()).await;
    again.problem(409, "conflict");
    // On this machine nobody needs one; who sends one has it looked at.
    host.send(&format!("DELETE {records}/nothing"), &[], b"").await.problem(404, "not-found");
    with(&host, Some("connhost_wrong"), &format!("GET {records}"), b"")
        .await
        .problem(401, "unauthenticated");
    let writes = run(&host, &["tokens", "writes", "--output", "json"]);
    let writes: Vec<Value> = serde_json::from_str(&writes).unwrap();
    let told: Vec<_> =
        writes.iter().map(|it| (&it["caller"], &it["connection"], &it["outcome"])).collect();
    let (shop, default) = (json!("shop"), json!("default"));
    let wanted = [
        (&json!("local"), &default, &json!("not-found")),
        (&shop, &default, &json!("conflict")),
        (&shop, &default, &json!("ok")),
    ];
    assert_eq!(told, wanted, "{writes:?}");
    assert_eq!(writes[0]["target"], "trackings/nothing");
    assert!(!writes.iter().any(|it| it.to_string().contains("NOTED")), "{writes:?}");
    let listed = run(&host, &["tokens", "list", "--output", "json"]);
    let listed = &serde_json::from_str::<Value>(&listed).unwrap()[0];
    assert_eq!((&listed["only"], &listed["state"]), (&json!(["default"]), &json!("good")));
    let (_, said) = host.listener.end("-TERM");
    for place in [listed.to_string(), said, writes[2].to_string()] {
        assert!(!place.contains(&token), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_refused_with_what_to_do() {
    let host = Host::with("slips", &["--api-require-token"]).await;
    let problem = host.ask("/v1/connections").await.problem(401, "unauthenticated");
    assert!(problem["next"].as_str().unwrap().contains("tokens add"), "{problem}");
    for arguments in [
        &["tokens", "add", "a", "--scope", "all"][..],
        &["tokens", "add", "a", "--scope", "read", "--only", "nobody"],
        &["tokens", "add", "a", "--scope", "read", "--output", "csv"],
        &["tokens", "revoke", "nobody"],
    ] {
        let output = host.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
    token(&host, "a", "read", &[]);
    let again = host.command(&["tokens", "add", "a", "--scope", "read"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

/// An open stream ends when its token is revoked; it is asked for again with each sign of life.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_token_is_revoked() {
    let host = Host::with("ended", &["--api-require-token"]).await;
    let bearer = format!("Bearer {}", token(&host, "follower", "read", &[]));
    let headers = [("authorization", &*bearer), ("accept", "text/event-stream")];
    let mut stream = host.stream("/v1/changes?connection=default", &headers).await;
    run(&host, &["tokens", "revoke", "follower"]);
    while stream.until("\n").await.is_some() {}
    let again = host.send("GET /v1/changes?connection=default", &headers, b"").await;
    again.problem(401, "unauthenticated");
}

/// What other machines reach speaks TLS alone, and needs a token of everybody.
#[tokio::test(flavor = "multi_thread")]
async fn beyond_this_machine_it_is_tls_and_a_token() {
    use std::sync::Arc;

    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, headers: &str) -> String {
        let request = format!(
            "GET /v1/connections HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n{headers}\r\n"
        );
        // A peer that ends in the middle says enough.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let shop = crate::webhooks::shop::Shop::new("api-tls").await;
    let (certificate, key) = (shop.base.join("cert.pem"), shop.base.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let more = ["--api-tls-cert", &certificate, "--api-tls-key", &key];
    let mut listener =
        shop.listen("serve", &[&["--api", "0.0.0.0:0", "--every", "1h"], &more[..]].concat());
    let authority = listener.authority("API on ");
    let port = authority.rsplit_once(':').unwrap().1.to_owned();
    let made = shop.run(&["tokens", "add", "far", "--scope", "read"]);
    let token = serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned();

    let connect = async || {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    };
    let nobody = ask(connect().await, "").await;
    assert!(nobody.starts_with("HTTP/1.1 401"), "{nobody}");
    let known = ask(connect().await, &format!("authorization: Bearer {token}\r\n")).await;
    assert!(known.starts_with("HTTP/1.1 200"), "{known}");
    let plain = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let plain = ask(plain, &format!("authorization: Bearer {token}\r\n")).await;
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_called_as_who_needs_no_token() {
    let host = Host::new("local").await;
    let refused = host.command(&["tokens", "add", "local", "--scope", "read"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}
