//! What changed: as pages, as lines, and as events that resume where they were cut.

use serde_json::{Value, json};

use super::world::Host;

const LINES: (&str, &str) = ("accept", "application/x-ndjson");
const EVENTS: (&str, &str) = ("accept", "text/event-stream");
const CHANGES: &str = "/v1/changes?connection=default&object=trackings";

fn numbers(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["number"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_a_consumer_is() {
    let host = Host::seeded("pages-of-changes", 3).await;
    let all = numbers(&host.get(CHANGES).await);
    assert_eq!(all.len(), 3);
    let first = host.get(&format!("{CHANGES}&limit=2")).await;
    assert_eq!((numbers(&first), &first["has_more"]), (all[..2].to_vec(), &json!(true)));
    assert_eq!(first["items"][0]["connection"], "default");
    let reached = first["positions"]["default"].as_u64().unwrap();
    assert_eq!(reached, all[1]);
    let rest = host.get(&format!("{CHANGES}&after={reached}")).await;
    assert_eq!((numbers(&rest), &rest["has_more"]), (all[2..].to_vec(), &json!(false)));

    // Pages of one object among others go on where the one before was cut.
    let (mut one_by_one, mut after) = (Vec::new(), 0);
    loop {
        let page = host.get(&format!("{CHANGES}&limit=1&after={after}")).await;
        assert!(numbers(&page).len() <= 1, "{page}");
        one_by_one.extend(numbers(&page));
        after = page["positions"]["default"].as_u64().unwrap_or(after);
        if page["has_more"] == json!(false) {
            break;
        }
    }
    assert_eq!(one_by_one, all);

    // A consumer's position moves when it says so, and not by reading.
    let of_erp = "/v1/changes?consumer=erp&object=trackings";
    assert_eq!(numbers(&host.get(of_erp).await), all);
    assert_eq!(numbers(&host.get(of_erp).await), all);
    let put = "PUT /v1/consumers/erp";
    let kept = host.call(put, &json!({"positions": {"default": reached}})).await;
    assert_eq!(kept.json()["positions"]["default"], reached);
    assert_eq!(numbers(&host.get(of_erp).await), all[2..]);
    assert_eq!(host.get("/v1/consumers/erp").await["positions"]["default"], reached);
    let beyond = host.call(put, &json!({"positions": {"default": 1_000_000}})).await;
    beyond.problem(422, "invalid-input");
    let unknown = host.call(put, &json!({"positions": {"nobody": 1}})).await;
    unknown.problem(404, "not-found");
    assert_eq!(host.send("DELETE /v1/consumers/erp", &[], b"").await.status, 204);
    host.send("DELETE /v1/consumers/erp", &[], b"").await.problem(404, "not-found");
    assert_eq!(host.get("/v1/consumers/erp").await["positions"], json!({}));
    let spaced = host.call("PUT /v1/consumers/a%20b", &json!({"positions": {}})).await;
    spaced.problem(422, "invalid-input");

    for (path, headers, status, kind) in [
        ("/v1/changes?after=1", &[][..], 422, "invalid-input"),
        ("/v1/changes?connection=nobody", &[], 404, "not-found"),
        ("/v1/changes?object=nothing", &[], 404, "not-found"),
        ("/v1/changes?limit=0", &[], 422, "invalid-input"),
        ("/v1/changes?follow=true", &[], 422, "invalid-input"),
        ("/v1/changes", &[("accept", "image/png")], 406, "invalid-input"),
        ("/v1/changes", &[EVENTS], 422, "invalid-input"),
        ("/v1/changes", &[EVENTS, ("last-event-id", "default")], 422, "invalid-input"),
        ("/v1/changes", &[EVENTS, ("last-event-id", "nobody/1")], 404, "not-found"),
    ] {
        let reply = host.send(&format!("GET {path}"), headers, b"").await;
        reply.problem(status, kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_resume_where_they_were_cut() {
    let host = Host::seeded("events", 2).await;
    let mut lines = host.stream(CHANGES, &[LINES]).await;
    assert_eq!(lines.kind, "application/x-ndjson");
    let mut all = Vec::new();
    while let Some(line) = lines.until("\n").await {
        let change: Value = serde_json::from_str(&line).unwrap();
        all.push(format!("/{}", change["number"]));
    }
    assert_eq!(all.len(), 2);

    let mut events = host.stream(CHANGES, &[EVENTS]).await;
    assert_eq!(events.kind, "text/event-stream");
    let (id, kind, change) = events.event().await;
    assert!(id.ends_with(&all[0]) && !id.starts_with("default"), "a name may change: {id}");
    assert_eq!((kind.as_str(), &change["kind"]), ("change", &json!("created")));
    drop(events);
    // The last event's id alone names the connection and the place.
    let resumed = [EVENTS, ("last-event-id", id.as_str())];
    let mut events = host.stream("/v1/changes?object=trackings", &resumed).await;
    let mut follower = host.stream(&format!("{CHANGES}&follow=true"), &[LINES]).await;
    let mut of_all = host.stream("/v1/changes?consumer=erp&object=trackings", &[EVENTS]).await;
    assert!(events.event().await.0.ends_with(&all[1]));
    for id in &all {
        assert!(of_all.event().await.0.ends_with(id));
        follower.until("\n").await.unwrap();
    }

    // What is read now reaches each of them.
    host.shop.simulator.scan(&format!("{:032x}", 1), "InTransit", "on its way").unwrap();
    let sync = json!({"objects": ["trackings"], "full": true});
    let read = host.call("POST /v1/connections/default/sync", &sync).await.json();
    assert_eq!(read["items"][0]["report"]["updated"], 1, "{read}");
    let (id, _, change) = events.event().await;
    assert_eq!(change["kind"], "updated", "{change}");
    assert_eq!(of_all.event().await.0, id);
    assert!(follower.until("\n").await.unwrap().contains("updated"));
    // They end well with the program.
    let (code, said) = host.listener.end("-TERM");
    assert_eq!((code, events.until("\n\nnothing").await), (Some(0), None), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_leave_room_for_requests() {
    let host = Host::seeded("streams", 1).await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(host.stream(CHANGES, &[EVENTS]).await);
    }
    let more = host.send(&format!("GET {CHANGES}"), &[EVENTS], b"").await;
    let more = (more.problem(503, "unavailable"), more.header("retry-after").to_owned());
    assert_eq!((&more.0["retry_after_seconds"], more.1.as_str()), (&json!(15), "15"));
    assert_eq!(host.ask(CHANGES).await.status, 200);
    // A caller that goes makes room.
    drop(streams);
    loop {
        let again = host.begin(host.request(&format!("GET {CHANGES}"), &[EVENTS], b"")).await;
        if again.status() == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_read_is_named() {
    let host = Host::seeded("sync", 1).await;
    let sync = "POST /v1/connections/default/sync";
    let unknown = host.call(sync, &json!({"objects": ["trakings"]})).await;
    unknown.problem(404, "not-found");
    host.call(sync, &json!({"object": "trackings"})).await.problem(422, "invalid-input");
    let full = host.call(sync, &json!({"objects": ["checkpoints"], "full": true})).await.json();
    assert_eq!(full["items"][0]["object"], "trackings", "what holds them is read: {full}");
    assert_eq!(full["items"][0]["report"]["read"], "everything");
    let simulator = &host.shop.simulator;
    simulator.configure(|options| options.api_keys = vec!["asat_another_0123456789".to_owned()]);
    let refused = host.call(sync, &json!({"objects": ["trackings"]})).await.json();
    assert_eq!(refused["items"][0]["problem"]["kind"], "unauthenticated", "{refused}");
}
