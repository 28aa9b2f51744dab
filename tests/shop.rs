//! A connector of another provider, `examples/shop-connector`, in the same host: nothing there
//! knows it.

mod desk;
mod listening;

use std::path::Path;

use serde_json::{Value, json};

use desk::{Desk, callback, visit};

/// An event of the first order's fulfillment.
fn event(desk: &Desk) -> String {
    let fulfillment = desk.fake.shop().orders[0]["fulfillments"][0]["id"].clone();
    json!({ "fulfillmentId": fulfillment, "status": "DELIVERED", "happenedAt": "2026-11-22T09:00:00Z" })
        .to_string()
}

fn events(desk: &Desk) -> usize {
    let events = desk.fake.shop().orders[0]["fulfillments"][0]["events"].clone();
    events.as_array().unwrap().len()
}

fn values(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_checked_listed_and_written_to() {
    let desk = Desk::connected().await;
    let ids: Vec<String> = (0..3).map(|_| desk.fake.shop().add_order(|_| {})).collect();
    let checked = desk.run(&["check"]).quiet();
    assert_eq!(checked.matches("\"usable\"").count(), 3, "{checked}");

    let listed = values(&desk.run(&["list", "orders", "--page-size", "2"]).quiet());
    let names: Vec<&Value> = listed.iter().map(|order| &order["id"]).collect();
    assert_eq!(names, ids.iter().collect::<Vec<_>>());
    let held = values(&desk.run(&["list", "orders", "--with", "fulfillments"]).quiet());
    assert_eq!(held.len(), 6, "{held:?}");
    let paid = desk.run(&["list", "fulfillments", "--filter", "financial_status=refunded"]);
    assert_eq!(paid.quiet(), "");

    let create = ["create", "fulfillment-events", "--data", &event(&desk)];
    let made = values(&desk.run(&create).quiet());
    assert_eq!(made[0]["status"], "DELIVERED");
    let costs: Vec<u64> = desk.fake.shop().journal.iter().map(|(_, cost)| *cost).collect();
    assert!(costs.iter().all(|cost| *cost <= 1_000), "{costs:?}");
    let wrong = r#"{"fulfillmentId":"gid://shopify/Fulfillment/9","status":"DELIVERED","happenedAt":"2026-11-22T09:00:00Z"}"#;
    let ended = desk.run(&["create", "fulfillment-events", "--data", wrong]);
    ended.failed(1, &["Fulfillment does not exist"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_made_once() {
    let desk = Desk::connected().await;
    desk.fake.shop().add_order(|_| {});
    desk.fake.shop().lose = true;
    let ended = desk.run(&["create", "fulfillment-events", "--data", &event(&desk)]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(events(&desk), 1);
    let journal = desk.fake.shop().journal.clone();
    let writes = journal.iter().filter(|(name, _)| name == "mutation CreateEvent").count();
    assert_eq!(writes, 1, "it looked, and did not send again: {journal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_brought_up_to_date_by_what_changed() {
    let desk = Desk::connected().await;
    let ids: Vec<String> = (0..60).map(|_| desk.fake.shop().add_order(|_| {})).collect();
    let synced = values(&desk.run(&["sync", "orders"]).quiet());
    assert_eq!((&synced[0]["created"], &synced[0]["read"]), (&60.into(), &"everything".into()));
    desk.fake.shop().change_order(&ids[7], |order| order["note"] = "leave at the door".into());
    let synced = values(&desk.run(&["sync", "orders"]).quiet());
    assert_eq!(
        (&synced[0]["updated"], &synced[0]["created"]),
        (&1.into(), &0.into()),
        "{synced:?}"
    );
    assert_ne!(synced[0]["read"], "everything", "{synced:?}");
    assert_eq!(desk.run(&["export", "fulfillments"]).quiet().lines().count(), 60);
    let order = values(&desk.run(&["export", "orders"]).quiet());
    let order = order.iter().find(|order| order["id"] == ids[7]).unwrap();
    assert_eq!(order["note"], "leave at the door");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_query_is_asked_again() {
    let desk = Desk::connected().await;
    desk.fake.shop().add_order(|_| {});
    desk.fake.shop().throttle = 1;
    let ended = desk.run(&["list", "orders"]);
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 1), "{}", ended.err);
    let asked = desk.fake.shop().journal.iter().filter(|(name, _)| name == "query Orders").count();
    assert_eq!(asked, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_renewed() {
    let desk = Desk::connected().await;
    desk.fake.shop().now_ms += 7_200_000;
    let checked = desk.run(&["check", "orders"]).quiet();
    assert!(checked.contains("\"usable\""), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_shops_callback_connects_nobody() {
    let desk = Desk::new().await;
    desk.fake.shop().callback_shop = Some("other".to_owned());
    let waiting = desk.connect(&[]);
    let page = visit(&callback(&desk.fake, &waiting.url)).await;
    assert!(page.contains("Not connected"), "{page}");
    let (code, err) = waiting.ended();
    assert!(code != Some(0) && err.contains("of the shop other.myshopify.com"), "{code:?} {err}");
    assert_eq!(desk.fake.shop().journal, [], "no code was handed over");
    assert_eq!(desk.run(&["list", "orders"]).code, Some(2));
}

/// A customer chooses which shop, never which domain.
#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_no_label_is_refused() {
    let desk = Desk::new().await;
    for shop in ["shop=acme.evil.example", "shop=evil.example/", "shop=a@b", "shop=", "shop=-"] {
        let connect = ["connect", "oauth2", "--print-url", "--setting", "client-id=app-7"];
        let mut connect = connect.to_vec();
        connect.extend(["--secret-env", "client-secret=APP", "--setting", shop]);
        let ended = desk.run(&connect);
        assert!(ended.code != Some(0) && ended.err.contains("shop"), "{shop}: {}", ended.err);
    }
    assert_eq!(desk.fake.shop().journal, []);
}

#[test]
fn the_host_names_no_provider() {
    fn sources(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|name| name == "tests");
            match path.extension() {
                _ if is_test => {}
                Some(kind) if kind == "rs" => into.push(path),
                _ if path.is_dir() => sources(&path, into),
                _ => {}
            }
        }
    }
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("host-harness"), &mut all);
    assert!(all.len() > 100);
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        let named = ["aftership", "shopify"].iter().find(|name| text.contains(*name));
        assert_eq!(named, None, "{}", path.display());
    }
}
