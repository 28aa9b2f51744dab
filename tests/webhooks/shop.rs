//! The program with a simulated account and a subscription, and the account's deliveries.

use std::path::PathBuf;
use std::process::{Command, Output};

use aftership_simulator::{Options, Server, Simulator, webhook_signature};
use serde_json::{Value, json};

use crate::support::listener::{Listener, exchange};
use crate::support::{component, host_command, scratch};

pub const KEY: &str = "asat_events_0123456789abcdef";
pub const SECRET: &str = "whs_0123456789abcdef";
/// 32 bytes, as the tests' service knows them.
pub const FORWARD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A simulated account, and a state that has a connection to it with a subscription.
pub struct Shop {
    pub simulator: Simulator,
    server: Server,
    pub base: PathBuf,
}

impl Shop {
    pub async fn new(name: &str) -> Self {
        Self::with(name, |_| {}).await
    }

    /// Of an account that is otherwise.
    pub async fn with(name: &str, change: impl FnOnce(&mut Options)) -> Self {
        let mut options =
            Options { api_keys: vec![KEY.to_owned()], limits: false, ..Options::default() };
        change(&mut options);
        let simulator = Simulator::new(options);
        let server = simulator.listen().await.unwrap();
        let base = scratch(&format!("events-{name}"));
        let shop = Self { simulator, base, server };
        let setting = format!("base-url={}", shop.url());
        shop.run(&["secrets", "set", "api-key", "--from-env", "KEY", "--setting", &setting]);
        shop
    }

    /// Where the account is.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The path of the connection, made by a subscription.
    pub fn subscribe(&self) -> String {
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

    pub fn command(&self, arguments: &[&str]) -> Command {
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

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stdout of a command that did what it was asked.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Its lines as JSON.
    #[track_caller]
    pub fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.run(arguments);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts a command that listens; answers when it does.
    pub fn listen(&self, command: &str, more: &[&str]) -> Listener {
        let mut command = self.command(&[command, "--address", "127.0.0.1:0", "--rate", "10000"]);
        Listener::start(command.args(more))
    }

    pub fn tracking(&self, number: usize) -> String {
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

pub fn tracking(id: &str, updated_at: &str, tag: &str) -> String {
    json!({
        "id": id, "legacy_id": id, "tracking_number": format!("N{id}"), "slug": "ups",
        "created_at": "2026-11-18T08:47:10+00:00", "updated_at": updated_at, "tag": tag,
        "active": true, "checkpoints": [],
    })
    .to_string()
}

pub fn event(id: &str, tracking: &str) -> String {
    format!(
        r#"{{"event":"tracking_update","event_id":"{id}","is_tracking_first_tag":true,"msg":{tracking},"ts":{}}}"#,
        now_s()
    )
}

fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Delivers a body; answers the status, or 0.
pub async fn post(authority: &str, path: &str, body: &str, secret: &str) -> u16 {
    let signature = webhook_signature(secret, body.as_bytes());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
         aftership-hmac-sha256: {signature}\r\nas-webhook-version: 2026-07\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(authority, &request).await.unwrap_or_default();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
