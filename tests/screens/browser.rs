//! Somebody who is signed in to the console of a program that serves an account.

use serde_json::Value;

use crate::api::{Host, Reply, send_to};
use crate::support::listener::Listener;
use crate::webhooks::shop::Shop;

const FORM: &str = "application/x-www-form-urlencoded";

/// The program, and a session of its console.
pub struct Browser {
    pub host: Host,
    authority: String,
    cookie: String,
}

impl Browser {
    /// Signs in to the console of a host of this account.
    pub async fn of(shop: Shop) -> Self {
        let mut host = Host::of(shop, &["--console", "127.0.0.1:0"]);
        let (authority, link) = place(&mut host.listener);
        let mut browser = Self { host, authority, cookie: String::new() };
        let (_, key) = link.split_once("?t=").unwrap();
        let reply = browser.post("/login", &[("t", key)]).await;
        assert_eq!(reply.status, 303, "{reply:?}");
        browser.cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
        browser
    }

    pub async fn new(name: &str) -> Self {
        Self::of(Shop::new(&format!("screens-{name}")).await).await
    }

    async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let own = [
            ("cookie", self.cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("host", self.authority.as_str()),
        ];
        send_to(&self.authority, line, &[&own, headers].concat(), body).await
    }

    /// What a browser gets; a page has no script of others, and is not too large.
    pub async fn ask(&self, path: &str) -> Reply {
        let reply = self.send(&format!("GET {path}"), &[("accept", "text/html")], b"").await;
        if reply.header("content-type").starts_with("text/html") {
            check(&reply);
        }
        reply
    }

    /// The page at a path.
    pub async fn page(&self, path: &str) -> String {
        let reply = self.ask(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.body
    }

    /// The data of a page.
    pub async fn data(&self, path: &str) -> Value {
        let accept = [("accept", "application/json")];
        let reply = self.send(&format!("GET {path}"), &accept, b"").await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let headers = [("content-type", FORM), ("accept", "text/html")];
        let reply = self.send(&format!("POST {path}"), &headers, form.finish().as_bytes()).await;
        if reply.status == 200 {
            check(&reply);
        }
        reply
    }

    /// Sends a form that is done, and answers the page that it leads to.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let reply = self.post(path, fields).await;
        assert_eq!(reply.status, 303, "{path}: {reply:?}");
        self.page(reply.header("location")).await
    }

    /// Sends a form with a file, as browsers do.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], file: (&str, &str)) -> Reply {
        const BOUNDARY: &str = "----a-boundary-of-its-own";
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let (name, content) = file;
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n"
        ));
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("content-type", kind.as_str()), ("accept", "text/html")];
        self.send(&format!("POST {path}"), &headers, body.as_bytes()).await
    }

    /// Reads a page until it is as it is to be.
    pub async fn until(&self, path: &str, holds: impl Fn(&str) -> bool) -> String {
        let began = std::time::Instant::now();
        loop {
            let page = self.page(path).await;
            if holds(&page) {
                return page;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(60), "{path}: {page}");
            tokio::task::yield_now().await;
        }
    }

    /// Sends a form as a page of a stranger would.
    pub async fn forge(&self, path: &str) -> Reply {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("sec-fetch-site", "cross-site"),
            ("content-type", FORM),
        ];
        send_to(&self.authority, &format!("POST {path}"), &headers, b"").await
    }
}

/// Where the console is, and the link that signs in.
fn place(listener: &mut Listener) -> (String, String) {
    let said = listener.authority("console on ");
    let (authority, link) = said.split_once('/').unwrap();
    (authority.to_owned(), link.to_owned())
}

/// What holds for each page.
#[track_caller]
fn check(reply: &Reply) {
    let body = &reply.body;
    assert!(gzipped(body) <= 100_000, "{} bytes", gzipped(body));
    let policy = reply.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for inline in [" style=", "href=\"javascript:", "<script>", "<img"] {
        assert!(!body.contains(inline), "{inline} in {body}");
    }
    assert!(body.contains("<h1>"), "{body}");
}

fn gzipped(text: &str) -> usize {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}
