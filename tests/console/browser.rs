//! The same in a real browser: `make test-browser`.

use std::path::PathBuf;
use std::process::Command;

use aftership_simulator::webhook_signature;
use serde_json::{Map, Value, json};

use super::world::Desk;
use crate::connecting::chromium;
use crate::webhooks::shop::{SECRET, Shop, event, tracking};

/// Where `make test-browser` installs what drives the browser.
fn modules() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/browser")
}

/// Walks through the screens of a console that nobody has signed in to yet.
fn walk(name: &str, desk: &Desk, paths: &[(&str, String)], deliveries: Option<Value>) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let paths: Map<String, Value> =
        paths.iter().map(|(name, path)| ((*name).to_owned(), path.clone().into())).collect();
    let mut command = Command::new("node");
    command
        .arg(root.join("tests/browser/console.mjs"))
        .current_dir(modules())
        .env("CONSOLE_ORIGIN", format!("http://{}", desk.authority))
        .env("CONSOLE_LINK", &desk.link)
        .env("CONSOLE_NAME", name)
        .env("CONSOLE_PICTURES", root.join("dist/console"))
        .env("CONSOLE_PATHS", Value::Object(paths).to_string())
        .env("CHROMIUM", chromium().unwrap());
    if let Some(deliveries) = deliveries {
        command.env("CONSOLE_DELIVERIES", deliveries.to_string());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{said}");
}

fn screens(record: Option<&str>) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = [
        ("overview", "/"),
        ("connection", "/c/default"),
        ("credentials", "/c/default/credentials"),
        ("settings", "/c/default/settings"),
        ("limits", "/c/default/limits"),
        ("records", "/c/default/records/trackings"),
        ("checkpoints", "/c/default/records/checkpoints"),
        ("live", "/live"),
        ("connect", "/connect"),
        ("disconnect", "/c/default/disconnect"),
        ("rename", "/c/default/rename"),
        ("analytics", "/analytics?c=default"),
        ("deliveries", "/deliveries"),
        ("pushes", "/pushes"),
        ("push", "/pushes/new"),
        ("trouble", "/trouble"),
    ]
    .map(|(name, path)| (name, path.to_owned()))
    .to_vec();
    all.extend(record.map(|id| ("record", format!("/c/default/records/trackings/{id}"))));
    all
}

/// Waits, in a session of its own, until everything is read; the link is the browser's.
async fn read(desk: &mut Desk) {
    desk.cookie = desk.with_token("read").await;
    desk.until_read().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and Node: `make test-browser` installs them and runs this"]
async fn a_browser_walks_through_a_console_with_no_record() {
    let mut desk = Desk::unsigned(Shop::new("console-browser-none").await, &[]);
    read(&mut desk).await;
    walk("none", &desk, &screens(None), None);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and Node: `make test-browser` installs them and runs this"]
async fn a_browser_walks_through_a_console_with_one_record_and_sees_a_delivery() {
    let shop = Shop::new("console-browser-one").await;
    let id = shop.tracking(1);
    let path = shop.subscribe();
    let mut desk = Desk::unsigned(shop, &[]);
    read(&mut desk).await;
    let good = event("e1", &tracking(&id, "2026-11-22T17:47:10+00:00", "InTransit"));
    let delivery = |body: &str| {
        json!({
            "url": format!("http://{}{path}", desk.listener.authority),
            "headers": {
                "aftership-hmac-sha256": webhook_signature(SECRET, body.as_bytes()),
                "as-webhook-version": "2026-07", "content-type": "application/json",
            },
            "body": body,
        })
    };
    let deliveries = json!({"good": delivery(&good), "bad": delivery("no JSON")});
    walk("one", &desk, &screens(Some(&id)), Some(deliveries));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and Node: `make test-browser` installs them and runs this"]
async fn a_browser_walks_through_a_console_with_ten_thousand_records() {
    let shop = Shop::new("console-browser-many").await;
    shop.simulator.seed(7, 10_000);
    let mut desk = Desk::unsigned(shop, &[]);
    read(&mut desk).await;
    let listed = desk.json("/c/default/records/trackings").await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    walk("many", &desk, &screens(Some(&id)), None);
}
