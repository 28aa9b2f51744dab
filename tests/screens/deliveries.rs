//! What was received.

use super::browser::Browser;
use crate::webhooks::shop::{SECRET, Shop, event, post, tracking};

const HOSTILE: &str = "\"><img src=x onerror=alert(1)>";

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_filtered_and_opened() {
    let shop = Shop::new("screens-deliveries").await;
    let path = shop.subscribe();
    let browser = Browser::of(shop).await;
    let none = browser.page("/deliveries").await;
    assert!(none.contains("Nothing was received"), "{none}");
    let authority = browser.host.listener.authority.clone();
    let at = "2026-11-21T17:47:10+00:00";
    let send = async |n: usize, id: &str| {
        let body = event(&format!("e{n}"), &tracking(id, at, "InTransit"));
        assert_eq!(post(&authority, &path, &body, SECRET).await, 200);
    };
    send(0, HOSTILE).await;
    let one = browser.until("/deliveries", |page| page.contains("Applied")).await;
    assert!(one.contains("<h1>1 delivery in 24 hours</h1>"), "{one}");
    assert!(one.contains("&#34;&#62;&#60;img"), "{one}");
    for n in 1..120 {
        send(n, &format!("{n:032x}")).await;
    }
    assert_eq!(post(&authority, &path, "no JSON", SECRET).await, 200);
    let page =
        browser.until("/deliveries", |page| page.contains("121 deliveries in 24 hours")).await;
    assert!(page.contains("1 of them could not be applied."), "{page}");
    let data = browser.data("/deliveries?state=dead").await;
    assert_eq!(data["items"].as_array().unwrap().len(), 1, "{data}");
    let halves = data["halves"].as_array().unwrap();
    assert_eq!(
        (halves.len(), halves[47]["dead"].as_u64().unwrap() + halves[46]["dead"].as_u64().unwrap()),
        (48, 1)
    );
    let number = data["items"][0]["number"].as_u64().unwrap();
    // Page by page, each once.
    let (mut seen, mut before) = (0, String::new());
    loop {
        let data =
            browser.data(&format!("/deliveries?event=tracking_update&before={before}")).await;
        seen += data["items"].as_array().unwrap().len();
        let Some(next) = data["next"].as_u64() else { break };
        before = next.to_string();
    }
    assert_eq!(seen, 120);
    let found = browser.data("/deliveries?q=e77").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(browser.ask("/deliveries?state=x").await.status, 422);

    let dead = browser.page(&format!("/deliveries/{number}")).await;
    assert!(dead.contains("Try now") && dead.contains("no JSON"), "{dead}");
    assert!(!dead.contains(&path), "the path is the provider's alone: {dead}");
    let event = browser.data(&format!("/deliveries/{number}")).await["events"][0]["number"].clone();
    let tried =
        browser.done(&format!("/deliveries/{number}/events/{event}/try"), &[("key", "a")]).await;
    assert!(tried.contains("It is tried now"), "{tried}");
    // What the connector makes of one, and nothing is applied.
    let first = browser.data("/deliveries?q=e0&came=all").await["items"][0]["number"].clone();
    let changes = browser.host.get("/v1/changes?connection=default&after=0").await;
    let decoded = browser.page(&format!("/deliveries/{first}/decoded")).await;
    assert!(decoded.contains("tracking_update: upserted"), "{decoded}");
    assert!(!decoded.contains("<img"), "{decoded}");
    assert_eq!(browser.host.get("/v1/changes?connection=default&after=0").await, changes);
    let body = browser.ask(&format!("/deliveries/{first}/body")).await;
    assert!(body.header("content-disposition").starts_with("attachment"), "{body:?}");
    assert!(body.body.contains("\"event_id\":\"e0\""), "{body:?}");
    assert_eq!(browser.ask("/deliveries/9999").await.status, 404);

    // Hidden, a body is neither shown nor given.
    browser.post("/hide", &[("hide", "true"), ("to", "/deliveries")]).await;
    let hidden = browser.page(&format!("/deliveries/{first}")).await;
    assert!(hidden.contains("It is hidden") && !hidden.contains("event_id"), "{hidden}");
    assert_eq!(browser.ask(&format!("/deliveries/{first}/body")).await.status, 403);
    assert!(browser.data(&format!("/deliveries/{first}")).await.get("body").is_none());
}
