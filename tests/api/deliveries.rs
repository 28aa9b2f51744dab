//! Deliveries and dead letters through the API.

use serde_json::json;

use super::world::Host;
use crate::webhooks::shop::{SECRET, Shop, event, post, tracking};

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_shown_and_dead_letters_dealt_with() {
    let shop = Shop::new("api-deliveries").await;
    let path = shop.subscribe();
    let host = Host::of(shop, &[]);
    let at = "2026-11-21T17:47:10+00:00";
    let good = event("e1", &tracking("0a", at, "InTransit"));
    assert_eq!(post(&host.listener.authority, &path, &good, SECRET).await, 200);
    assert_eq!(post(&host.listener.authority, &path, "no JSON", SECRET).await, 200);
    let listed =
        host.until("/v1/deliveries", |page| page["items"][1]["events"][0]["state"] == "done").await;
    assert_eq!((&listed["next"], listed["items"].as_array().unwrap().len()), (&json!(null), 2));
    let first = host.get("/v1/deliveries?limit=1").await;
    let next = first["next"].as_str().unwrap();
    let second =
        host.get(&format!("/v1/deliveries?limit=1&cursor={next}&connection=default")).await;
    assert_eq!(
        (&second["items"][0]["events"][0]["id"], &second["next"]),
        (&json!("e1"), &json!(null))
    );
    let number = &second["items"][0]["number"];
    let whole = host.ask(&format!("/v1/deliveries/{number}")).await;
    assert!(!whole.body.contains(&path), "the path is the provider's alone: {}", whole.body);
    assert_eq!(whole.json()["body"], good);
    host.ask("/v1/deliveries/99999").await.problem(404, "not-found");
    host.ask("/v1/deliveries/x").await.problem(400, "invalid-input");
    host.ask("/v1/deliveries?cursor=x").await.problem(422, "invalid-input");

    let letters = host.get("/v1/dead-letters").await;
    let letter = letters["items"][0]["number"].as_str().unwrap();
    assert_eq!((&letters["items"][0]["raw"], &letters["next"]), (&json!("no JSON"), &json!(null)));
    let replay = format!("POST /v1/dead-letters/{letter}/replay");
    assert_eq!(host.send(&replay, &[], b"").await.status, 204);
    host.until("/v1/dead-letters", |page| page["items"][0]["number"] == letter).await;
    assert_eq!(host.send(&format!("DELETE /v1/dead-letters/{letter}"), &[], b"").await.status, 204);
    host.send(&format!("DELETE /v1/dead-letters/{letter}"), &[], b"")
        .await
        .problem(404, "not-found");
    host.send(&replay, &[], b"").await.problem(404, "not-found");
    let of_scan = host.send("POST /v1/dead-letters/3/replay", &[], b"").await;
    of_scan.problem(422, "invalid-input");
    host.send("DELETE /v1/dead-letters/x", &[], b"").await.problem(404, "not-found");
}
