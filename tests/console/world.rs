//! The program while it serves a console, and somebody who is signed in.

use serde_json::{Value, json};

pub use crate::api::Reply;
use crate::api::send_to;
use crate::support::listener::Listener;
use crate::webhooks::shop::Shop;

/// The listener, and a browser's session.
pub struct Desk {
    pub shop: Shop,
    pub listener: Listener,
    pub authority: String,
    /// The link that the program printed.
    pub link: String,
    /// The session's cookie.
    pub cookie: String,
}

impl Desk {
    /// With so many trackings that it has read, and somebody signed in by the link.
    pub async fn new(name: &str, trackings: usize) -> Self {
        let shop = Shop::new(&format!("console-{name}")).await;
        (1..=trackings).for_each(|number| drop(shop.tracking(number)));
        Self::of(shop, &[]).await
    }

    /// Serves what is kept of this account, once it is read.
    pub async fn of(shop: Shop, more: &[&str]) -> Self {
        let mut desk = Self::unsigned(shop, more);
        desk.sign_in().await;
        desk.until_read().await;
        desk
    }

    /// With nobody signed in.
    pub fn unsigned(shop: Shop, more: &[&str]) -> Self {
        let more = [&["--console", "127.0.0.1:0", "--every", "1h"], more].concat();
        let mut listener = shop.listen("serve", &more);
        let said = listener.authority("console on ");
        let (authority, link) = said.split_once('/').unwrap();
        let (authority, link) = (authority.to_owned(), format!("/{link}"));
        Self { shop, listener, authority, link, cookie: String::new() }
    }

    /// Signs in by the link.
    pub async fn sign_in(&mut self) {
        let key = self.link.split_once("t=").unwrap().1.to_owned();
        let reply = self.post("/login", &[("t", &key)]).await;
        assert_eq!(reply.status, 303, "{reply:?}");
        self.cookie = cookie_of(&reply);
    }

    /// Waits until everything was read once.
    pub async fn until_read(&self) {
        let began = std::time::Instant::now();
        loop {
            let seen = self.json("/c/default").await;
            let objects = seen["objects"].as_array().unwrap();
            let is_read = |object: &Value| object["completed"].is_string();
            if objects.len() >= 3 && objects.iter().all(is_read) {
                return;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(60), "{seen}");
            tokio::task::yield_now().await;
        }
    }

    pub async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        send_to(&self.authority, line, headers, body).await
    }

    /// A page, as a browser asks for it.
    pub async fn page(&self, path: &str) -> Reply {
        let headers = [("accept", "text/html"), ("cookie", self.cookie.as_str())];
        self.send(&format!("GET {path}"), &headers, b"").await
    }

    /// The text of a page that is there.
    pub async fn text(&self, path: &str) -> String {
        let reply = self.page(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.body
    }

    /// The data of a page.
    pub async fn json(&self, path: &str) -> Value {
        let headers = [("accept", "application/json"), ("cookie", self.cookie.as_str())];
        let reply = self.send(&format!("GET {path}"), &headers, b"").await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, "application/json"),
            "{path}: {reply:?}"
        );
        reply.json()
    }

    /// Sends a form from a page of the console.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let origin = format!("http://{}", self.authority);
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", self.cookie.as_str()),
            ("origin", origin.as_str()),
        ];
        self.send(&format!("POST {path}"), &headers, encoded(fields).as_bytes()).await
    }

    /// Sends a form, and answers the page that it leads to.
    pub async fn act(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let reply = self.post(path, fields).await;
        assert_eq!(reply.status, 303, "{path}: {reply:?}");
        self.text(reply.header("location")).await
    }

    /// A session of a token of this scope, beside the one by the link.
    pub async fn with_token(&self, scope: &str) -> String {
        let made = self.shop.run(&["tokens", "add", scope, "--scope", scope, "--output", "ndjson"]);
        let made: Value = serde_json::from_str(made.trim()).unwrap();
        let reply = self.post("/login", &[("token", made["token"].as_str().unwrap())]).await;
        assert_eq!(reply.status, 303, "{reply:?}");
        cookie_of(&reply)
    }
}

/// The pair of the cookie that an answer sets.
pub fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A form's body.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let pair = |(name, value): &(&str, &str)| format!("{}={}", escaped(name), escaped(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// A tracking in which nobody means well.
pub fn hostile(id: &str, title: &str) -> String {
    json!({
        "id": id, "legacy_id": id, "tracking_number": format!("N{id}"), "slug": "ups",
        "created_at": "2026-11-18T08:47:10+00:00", "updated_at": "2026-11-21T17:47:10+00:00",
        "tag": "InTransit", "active": true, "title": title, "note": title, "order_number": "1001",
        "order_id_path": "javascript:alert(1)",
        "customers": [{"name": "Ann Canary", "email": "ann@canary.example"}],
        "checkpoints": [{
            "slug": "ups", "tag": "InTransit", "message": title, "city": title,
            "created_at": "2026-11-18T08:47:10+00:00", "checkpoint_time": "2026-11-18T08:47:10+00:00",
        }],
    })
    .to_string()
}
