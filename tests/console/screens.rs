//! Each screen with nothing, one and some hundred records: there, small, as data too, and without a script
//! in it.

use std::io::Write as _;

use serde_json::Value;

use super::world::{Desk, Reply};
use crate::webhooks::shop::{SECRET, Shop, event, post, tracking};

/// Bytes of a page, packed, that none has.
const LARGEST: usize = 100 * 1024;

const SCREENS: [&str; 11] = [
    "/",
    "/c/default",
    "/c/default/credentials",
    "/c/default/settings",
    "/c/default/limits",
    "/c/default/records/trackings",
    "/c/default/records/checkpoints",
    "/c/default/records/couriers",
    "/live",
    "/connect",
    "/records",
];

fn packed(text: &str) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

/// What every page has, and what none has.
fn check(path: &str, reply: &Reply) {
    let policy = reply.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    let body = &reply.body;
    for never in ["<style", " style=\"", " onclick=", "<script>", "=\"http:", "=\"https:", "=\"//"]
    {
        assert!(!body.contains(never), "{path} holds {never}");
    }
    assert_eq!(body.matches("<h1>").count(), 1, "{path}");
    assert!(body.contains("id=\"command\"") || path == "/missing", "{path} names no command");
    assert!(packed(body) <= LARGEST, "{path}: {}", packed(body));
}

async fn all(desk: &Desk) {
    for path in SCREENS {
        let reply = desk.page(path).await;
        if path == "/records" {
            // Of the only connection there is no question.
            assert_eq!(reply.header("location"), "/c/default/records");
            continue;
        }
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        check(path, &reply);
        if path != "/connect" {
            desk.json(path).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_is_there_with_no_record() {
    let desk = Desk::new("none", 0).await;
    all(&desk).await;
    assert!(desk.text("/c/default/records/trackings").await.contains("No trackings yet"));
    assert!(desk.text("/").await.contains("1 connection, all good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_is_there_with_one_record() {
    let desk = Desk::new("one", 1).await;
    all(&desk).await;
    let id = format!("{:032x}", 1);
    let path = format!("/c/default/records/trackings/{id}");
    let reply = desk.page(&path).await;
    check(&path, &reply);
    assert!(reply.body.contains("First seen"), "{}", reply.body);
    assert_eq!(desk.json(&path).await["record"]["data"]["id"], id);
    assert_eq!(desk.page("/c/default/records/trackings/none").await.status, 404);
    assert_eq!(desk.page("/c/none").await.status, 404);
    assert_eq!(desk.page("/c/default?kind=odd").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_hundred_records_come_page_by_page() {
    let desk = Desk::new("many", 250).await;
    all(&desk).await;
    let mut path = "/c/default/records/trackings".to_owned();
    let (mut pages, mut ids) = (0, std::collections::BTreeSet::new());
    loop {
        pages += 1;
        let data = desk.json(&path).await;
        ids.extend(
            data["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        // What leads on stands in the page.
        let page = desk.text(&path).await;
        let next = page
            .split_once("rel=\"next\"")
            .map(|(before, _)| before.rsplit_once("href=\"").unwrap().1);
        match next.map(|next| next.split('"').next().unwrap().replace("&#38;", "&")) {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((pages, ids.len()), (3, 250));
    let one = desk.json(&format!("/c/default/records/trackings?q=N{:032x}", 7)).await;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let none = desk.text("/c/default/records/trackings?status=Delivered").await;
    assert!(none.contains("None of 250 trackings is like that"), "{none}");
    let all = desk
        .text("/c/default/records/trackings?status=Pending&carrier=ups&days=30&sort=number")
        .await;
    assert!(all.contains("aria-current=\"true\">"), "{all}");
    let file = desk.page("/c/default/records/trackings?format=csv").await;
    assert_eq!(
        (file.header("content-type"), file.body.lines().count()),
        ("text/csv; charset=utf-8", 251)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_a_difference_in_the_history_and_comes_live() {
    let shop = Shop::new("console-history").await;
    let id = shop.tracking(1);
    let hooks = shop.subscribe();
    let desk = Desk::of(shop, &[]).await;
    let headers = [("accept", "text/event-stream"), ("cookie", desk.cookie.as_str())];
    let mut stream =
        crate::api::stream_of(&desk.authority, "/events?topics=changes", &headers).await;
    assert_eq!(stream.kind, "text/event-stream");
    // It has begun, so what comes now comes here.
    stream.until("\n\n").await.unwrap();
    let body = event("e1", &tracking(&id, "2026-11-22T17:47:10+00:00", "InTransit"));
    assert_eq!(post(&desk.listener.authority, &hooks, &body, SECRET).await, 200);
    let told = stream.until("\n\n").await.unwrap();
    assert!(
        told.contains("event: change") && told.contains("In transit") && told.contains(&id),
        "{told}"
    );
    let path = format!("/c/default/records/trackings/{id}");
    let page = desk.text(&path).await;
    assert!(page.contains("<b>Pending → In transit</b>"), "{page}");
    let history = desk.json(&path).await["history"].clone();
    let numbers: Vec<u64> =
        history.as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers.len(), 2);
    let compared = desk.json(&format!("{path}?a={}&b={}", numbers[1], numbers[0])).await;
    let tag = |place: &&Value| place["pointer"] == "tag";
    let places = compared["compared"].as_array().unwrap();
    let place = places.iter().find(tag).unwrap();
    assert_eq!((&place["before"], &place["after"]), (&"Pending".into(), &"InTransit".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_asked_for_and_stands_in_the_timeline() {
    let desk = Desk::new("asked", 1).await;
    let scans = async || {
        let data = desk.json("/c/default").await;
        let of = |object: &&Value| object["object"] == "trackings";
        data["objects"].as_array().unwrap().iter().find(of).unwrap()["scan"].as_u64().unwrap()
    };
    let before = scans().await;
    let said = desk.act("/c/default/sync", &[("key", "k1")]).await;
    assert!(said.contains("is being read"), "{said}");
    let began = std::time::Instant::now();
    while scans().await == before {
        assert!(began.elapsed() < std::time::Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    let page = desk.text("/c/default?kind=reading").await;
    assert!(page.contains("Read all trackings"), "{page}");
    let checked = desk.act("/c/default/check", &[]).await;
    assert!(checked.contains("usable"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_by_its_form_and_its_secret_is_typed_again() {
    let desk = Desk::new("made", 0).await;
    let (key, url) = (crate::webhooks::shop::KEY, desk.shop.url());
    let fields = |name: &'static str, secret: &'static str| {
        vec![("scheme", "api-key"), ("name", name), ("secret.api-key", secret)]
    };
    let mut missing = fields("second", "");
    missing.push(("setting.base-url", &url));
    let refused = desk.post("/connect", &missing).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.contains("is needed") && refused.body.contains("value=\"second\""),
        "{}",
        refused.body
    );
    let mut good = fields("second", key);
    good.push(("setting.base-url", &url));
    let said = desk.act("/connect", &good).await;
    assert!(said.contains("second is kept"), "{said}");
    assert!(!said.contains(key));
    assert_eq!(desk.json("/").await["items"].as_array().unwrap().len(), 2);
    assert!(desk.text("/records").await.contains("/c/second/records"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_ever_and_change_their_names() {
    let desk = Desk::new("files", 0).await;
    let page = desk.text("/").await;
    let paths = page.split('"').filter(|part| part.starts_with("/assets/"));
    for path in paths {
        let file = desk.send(&format!("GET {path}"), &[], b"").await;
        assert_eq!(
            (file.status, file.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(desk.send("GET /assets/0/console.css", &[], b"").await.status, 404);
}
