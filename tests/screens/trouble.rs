//! What waits for a person, by cause.

use serde_json::json;

use super::browser::Browser;
use crate::webhooks::shop::{SECRET, Shop, post};

#[tokio::test(flavor = "multi_thread")]
async fn troubles_of_a_cause_are_seen_tried_again_and_dropped() {
    let shop = Shop::new("screens-trouble").await;
    let path = shop.subscribe();
    let browser = Browser::of(shop).await;
    let none = browser.page("/trouble").await;
    assert!(
        none.contains("<h1>No trouble</h1>") && none.contains("Nothing waits for you"),
        "{none}"
    );
    for n in 0..230 {
        let body = format!("no JSON {n} <img src=x onerror=alert({n})>");
        assert_eq!(post(&browser.host.listener.authority, &path, &body, SECRET).await, 200);
    }
    let page = browser.until("/trouble", |page| page.contains("230 troubles of 1 cause")).await;
    assert!(page.contains("connector-host dead-letters list"), "{page}");
    assert!(!page.contains("<img"), "{page}");
    let data = browser.data("/trouble?kind=dead-letter&c=default").await;
    assert_eq!(data["counts"], json!({"dead-letter": 230}));
    let key = data["groups"][0]["key"].as_str().unwrap();
    let group = format!("/trouble/{key}");
    let opened = browser.page(&group).await;
    assert!(opened.contains("The oldest 200 are shown, 30 more are meant too"), "{opened}");
    assert!(opened.contains("connector-host dead-letters replay e"), "{opened}");
    let items = browser.data(&group).await["items"].clone();
    let number = items[0]["number"].as_str().unwrap();

    // To apply again needs no question. They fail as they did.
    let again = browser.done(&format!("{group}/replay"), &[("key", "a"), ("number", number)]).await;
    assert!(again.contains("1 is tried again now."), "{again}");
    browser.until("/trouble", |page| page.contains("230 troubles of 1 cause")).await;
    // To drop asks, and what is typed has to be right.
    let drop = format!("{group}/drop");
    let one = [("key", "b"), ("number", number)];
    let asks = browser.post(&drop, &one).await;
    assert!(
        asks.body.contains("Drop 1 trouble?") && asks.body.contains("<code>drop 1</code>"),
        "{asks:?}"
    );
    let wrong =
        browser.post(&drop, &[&one[..], &[("sure", "1"), ("typed", "drop")]].concat()).await;
    assert_eq!(wrong.status, 422);
    let sure = [&one[..], &[("sure", "1"), ("typed", "drop 1")]].concat();
    let dropped = browser.done(&drop, &sure).await;
    assert!(dropped.contains("1 was dropped."), "{dropped}");
    browser.until("/trouble", |page| page.contains("229 troubles of 1 cause")).await;
    let all = [("key", "c"), ("sure", "1"), ("typed", "drop 229")];
    let gone = browser.done(&drop, &all).await;
    assert!(gone.contains("<h1>No trouble</h1>") && gone.contains("229 were dropped."), "{gone}");
    assert_eq!(browser.ask(&group).await.status, 404);
    assert_eq!(browser.forge(&drop).await.status, 403);

    // Who did it is known.
    let writes = browser.host.shop.run(&["tokens", "writes", "--output", "json"]);
    let writes: serde_json::Value = serde_json::from_str(&writes).unwrap();
    let drops =
        writes.as_array().unwrap().iter().filter(|it| it["target"] == format!("{key}/drop"));
    assert_eq!(drops.count(), 2, "{writes}");
    assert!(writes[0]["caller"].as_str().unwrap().starts_with("console "), "{writes}");
}
