//! What waits for a person, by cause, and what is done about all of a cause.

use serde_json::{Value, json};

use super::world::{Host, TRACKINGS};
use crate::support::world::TRACKINGS as PROVIDERS;
use crate::webhooks::shop::{SECRET, Shop, event, post, tracking};

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");

fn groups(document: &Value) -> &Vec<Value> {
    document["groups"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_a_cause_are_one_group_and_treated_as_one() {
    let shop = Shop::new("api-troubles").await;
    let path = shop.subscribe();
    let host = Host::of(shop, &[]);
    let none = host.get("/v1/troubles").await;
    assert_eq!((groups(&none).len(), &none["is_partial"]), (0, &json!(false)));
    for n in 0..5 {
        let body = format!("no JSON {n} \"{n}\"");
        assert_eq!(post(&host.listener.authority, &path, &body, SECRET).await, 200);
    }
    let found = host.until("/v1/troubles", |all| all["counts"]["dead-letter"] == 5).await;
    let [group] = &groups(&found)[..] else { panic!("one cause: {found}") };
    let (key, reason) = (group["key"].as_str().unwrap(), group["reason"].as_str().unwrap());
    assert_eq!((&group["count"], &group["kind"]), (&json!(5), &json!("dead-letter")));
    assert_eq!(group["can"], json!(["replay", "drop"]));
    assert!(!reason.is_empty());
    let bars: u64 = group["bars"].as_array().unwrap().iter().map(|bar| bar.as_u64().unwrap()).sum();
    assert_eq!(bars, 5);
    let opened = host.get(&format!("/v1/troubles/{key}?limit=2")).await;
    let first = &opened["items"][0];
    assert_eq!(opened["items"].as_array().unwrap().len(), 2);
    assert_eq!((&opened["group"]["key"], &opened["group"]["count"]), (&json!(key), &json!(5)));
    assert!(first["number"].as_str().unwrap().starts_with('e') && first["delivery"].is_u64());

    // Some of them, and then all that are left.
    let call = |what: &str| format!("POST /v1/troubles/{key}/{what}");
    let some = json!({"numbers": [first["number"], "e999", "x"], "connection": "default"});
    let dropped = host.call(&call("drop"), &some).await.json();
    assert_eq!(dropped, json!({"done": 1, "passed": 0, "more": false}));
    let again = host.call(&call("replay"), &json!({})).await.json();
    assert_eq!(again["done"], 4, "{again}");
    // They fail as they did.
    host.until("/v1/troubles", |all| all["counts"]["dead-letter"] == 4).await;
    assert_eq!(host.call(&call("theirs"), &json!({})).await.json()["done"], 0);
    assert_eq!(host.call(&call("drop"), &json!({})).await.json()["done"], 4);
    assert_eq!(groups(&host.get("/v1/troubles").await).len(), 0);
    host.ask(&format!("/v1/troubles/{key}")).await.problem(404, "not-found");
    host.call(&call("burn"), &json!({})).await.problem(404, "not-found");
    host.ask("/v1/troubles?kind=x").await.problem(422, "invalid-input");
    host.ask("/v1/troubles?connection=x").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_decoded_again_and_an_event_tried_before_its_time() {
    let shop = Shop::new("api-decode").await;
    let path = shop.subscribe();
    let host = Host::of(shop, &[]);
    let good = event("e1", &tracking("0a", "2026-11-21T17:47:10+00:00", "InTransit"));
    assert_eq!(post(&host.listener.authority, &path, &good, SECRET).await, 200);
    let listed =
        host.until("/v1/deliveries", |page| page["items"][0]["events"][0]["state"] == "done").await;
    let number = &listed["items"][0]["number"];
    let told = host.get(&format!("/v1/deliveries/{number}/events")).await;
    assert_eq!(
        (&told["items"][0]["id"], &told["items"][0]["effect"]),
        (&json!("e1"), &json!("upserted"))
    );
    assert_eq!(told["items"][0]["data"]["tag"], "InTransit");
    let changes = host.get("/v1/changes?connection=default&after=0").await;
    assert_eq!(changes["items"].as_array().unwrap().len(), 1, "nothing is applied: {changes}");
    host.ask("/v1/deliveries/999/events").await.problem(404, "not-found");
}

/// A record that somebody changed since this host knows it: the item waits, and goes as it is decided.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_shown_decided_and_carried_out() {
    let host = Host::new("conflicts").await;
    let push = format!("POST {TRACKINGS}/push?on_conflict=park");
    let wish = |n: usize, title: &str| {
        let number = format!("1Z12345E02052700{n:02}");
        json!({"tracking_number": number, "slug": "ups", "title": title}).to_string()
    };
    let lines = |title: &str| [wish(1, title), wish(2, title), wish(3, title)].join("\n");
    let begun = host.send(&push, &[LINES], lines("ours").as_bytes()).await;
    host.until(begun.header("location"), |run| run["done"] == 3).await;
    let ids = host.get(&format!("{TRACKINGS}/records?sort=tracking_number")).await;
    let ids: Vec<String> = ids["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect();
    for id in &ids {
        host.shop.simulator.update(id, r#"{"title":"theirs"}"#).unwrap();
    }
    let begun = host.send(&push, &[LINES], lines("newer").as_bytes()).await;
    let place = begun.header("location").to_owned();
    host.until(&place, |run| run["parked"] == 3).await;
    let waiting = host.get(&format!("{place}/conflicts?limit=2")).await;
    let first = &waiting["items"][0];
    assert_eq!((&first["index"], waiting["next"].as_str()), (&json!(0), Some("2")));
    let members = first["members"].to_string();
    assert!(members.contains("theirs") && members.contains("newer"), "{members}");
    let troubles = host.get("/v1/troubles?kind=conflict").await;
    let [group] = &groups(&troubles)[..] else { panic!("{troubles}") };
    assert_eq!((&group["count"], &group["can"]), (&json!(3), &json!(["ours", "theirs"])));

    let decide = format!("POST {place}/decide");
    let seen =
        json!([{"index": 0, "theirs": first["theirs"]}, {"index": 1, "theirs": "0".repeat(64)}]);
    let ours = host.call(&decide, &json!({"decision": "ours", "items": seen})).await.json();
    assert_eq!(ours, json!({"decided": 1, "passed": 1}), "another change was not seen");
    let title = |id: &str| -> Value {
        let text = host.shop.simulator.tracking(id).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["title"].clone()
    };
    host.until(&place, |run| run["done"] == 1).await;
    assert_eq!((title(&ids[0]), title(&ids[1])), (json!("newer"), json!("theirs")));
    let key = group["key"].as_str().unwrap();
    let rest = host.call(&format!("POST /v1/troubles/{key}/theirs"), &json!({})).await.json();
    assert_eq!(rest["done"], 2);
    host.until(&place, |run| run["ended"].is_string()).await;
    assert_eq!((title(&ids[1]), title(&ids[2])), (json!("theirs"), json!("theirs")));
    host.call(&decide, &json!({"decision": "mine"})).await.problem(422, "invalid-input");
    host.call(&decide, &json!({"decision": "ours", "items": [{"index": 1, "theirs": "x"}]}))
        .await
        .problem(422, "invalid-input");
}

/// A source is kept, looked at, and begun or forgotten; what failed of it comes back as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_upload_is_planned_then_begun_or_discarded() {
    let host = Host::new("held").await;
    let csv = [("content-type", "text/csv")];
    let push = format!("POST {TRACKINGS}/push?hold=true");
    let source = "tracking_number,slug,colour\n1Z12345E0205271688,ups,\n\"\",ups,\n1Z12345E0205271689,ups,red\n";
    let held = host.send(&push, &csv, source.as_bytes()).await;
    assert_eq!(held.status, 202, "{held:?}");
    let place = held.header("location").to_owned();
    let plan = host.get(&format!("{place}/plan?limit=2")).await;
    let items = plan["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["write"]), (2, &json!("create")), "{plan}");
    assert_eq!(items[0]["request"]["body"]["tracking_number"], "1Z12345E0205271688");
    let posts = || {
        host.shop
            .simulator
            .journal()
            .iter()
            .filter(|it| it.method == "POST" && it.path == PROVIDERS)
            .count()
    };
    assert_eq!(posts(), 0, "nothing was written");
    let run = host.get(&place).await;
    assert_eq!((&run["open"], &run["done"]), (&json!(3), &json!(0)), "{run}");
    // Forgotten, it is as if it had not been sent.
    assert_eq!(host.send(&format!("DELETE {place}"), &[], b"").await.status, 204);
    host.ask(&place).await.problem(404, "not-found");

    let held = host.send(&push, &csv, source.as_bytes()).await;
    let place = held.header("location").to_owned();
    assert_eq!(host.send(&format!("POST {place}/resume"), &[], b"").await.status, 202);
    let run = host.until(&place, |run| run["ended"].is_string()).await;
    assert!(run["failed"].as_u64().unwrap() >= 1, "{run}");
    let failed = host.ask(&format!("{place}/failed")).await;
    assert_eq!(failed.header("content-type"), "text/csv");
    assert!(failed.body.starts_with("tracking_number,slug,colour\n\"\",ups,\n"), "{failed:?}");
    host.send(&format!("DELETE {place}"), &[], b"").await.problem(409, "conflict");
}
