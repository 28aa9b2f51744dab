//! Records written through the API: once, and with the provider's answer told truly.

use aftership_simulator::{Answer, Matcher};
use serde_json::json;

use super::world::{Host, TRACKINGS};
use crate::support::world::TRACKINGS as PROVIDERS;

const JSON: (&str, &str) = ("content-type", "application/json");
const NUMBER: &str = "1Z12345E0205271688";

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_changed_acted_on_and_removed() {
    let host = Host::new("written").await;
    let wish = json!({"tracking_number": NUMBER, "slug": "ups"});
    let found = host.call(&format!("POST {TRACKINGS}/find"), &wish).await.json();
    assert_eq!(found["items"], json!([]));
    let made = host.call(&format!("POST {TRACKINGS}/records"), &wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let place = made.header("location").to_owned();
    let made = made.json();
    assert_eq!(place, format!("{TRACKINGS}/records/{}", made["id"].as_str().unwrap()));
    assert_eq!(made["record"]["data"]["tracking_number"], NUMBER);
    let found = host.call(&format!("POST {TRACKINGS}/find"), &wish).await.json();
    assert_eq!(found["items"][0]["id"], made["id"]);
    let again = host.call(&format!("POST {TRACKINGS}/records"), &wish).await;
    let problem = again.problem(409, "conflict");
    assert_eq!(problem["existing"], made["id"], "{problem}");

    let tag = host.ask(&format!("{place}?live=true")).await.header("etag").to_owned();
    let patch = br#"{"note":"leave at the door"}"#;
    let weak = [JSON, ("if-match", &*format!("W/{tag}"))];
    host.send(&format!("PATCH {place}"), &weak, patch).await.problem(412, "conflict");
    let changed = host.send(&format!("PATCH {place}"), &[JSON, ("if-match", &tag)], patch).await;
    assert_eq!(changed.json()["record"]["data"]["note"], "leave at the door", "{changed:?}");
    let stale = host.send(&format!("PATCH {place}"), &[JSON, ("if-match", &tag)], patch).await;
    stale.problem(412, "conflict");
    let stale = host.send(&format!("DELETE {place}"), &[("if-match", &tag)], b"").await;
    stale.problem(412, "conflict");

    let done = format!("POST {place}/actions/mark-as-completed");
    let outcome = host.call(&done, &json!({"reason": "DELIVERED"})).await;
    assert_eq!(outcome.status, 200, "{outcome:?}");
    assert_eq!(outcome.json()["changed"][0]["id"], made["id"]);
    let unknown = host.call(&format!("POST {place}/actions/mark"), &json!({})).await;
    unknown.problem(404, "not-found");
    let of_none = host.call(&format!("POST {TRACKINGS}/actions/retrack"), &json!({})).await;
    of_none.problem(404, "not-found");
    let detect = "POST /v1/connections/default/objects/couriers/actions/detect";
    let detected = host.call(detect, &json!({"tracking_number": NUMBER})).await;
    assert!(
        detected.json()["output"].is_object() || detected.json()["output"].is_array(),
        "{detected:?}"
    );

    assert_eq!(host.send(&format!("DELETE {place}"), &[], b"").await.status, 204);
    host.send(&format!("DELETE {place}"), &[], b"").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_faults_are_told_apart() {
    let host = Host::new("refused").await;
    let make = format!("POST {TRACKINGS}/records");
    let refused = host.call(&make, &json!({"slug": 7})).await.problem(422, "invalid-input");
    assert_eq!(refused["source"], "request");
    let pointers: Vec<&str> = refused["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["pointer"].as_str().unwrap())
        .collect();
    assert!(pointers.contains(&"/slug"), "{refused}");
    for (body, status) in [(&b"{"[..], 400), (b"\xff", 400), (&[b'['; 1_000], 400)] {
        host.send(&make, &[JSON], body).await.problem(status, "invalid-input");
    }
    host.send(&make, &[("content-type", "text/csv")], b"{}").await.problem(415, "invalid-input");
    let absent =
        host.call("POST /v1/connections/default/objects/couriers/records", &json!({})).await;
    absent.problem(501, "unsupported");
    assert!(host.shop.simulator.journal().iter().all(|entry| entry.method != "POST"));

    // The account's trouble is not the caller's.
    let simulator = &host.shop.simulator;
    simulator.configure(|options| options.api_keys = vec!["asat_another_0123456789".to_owned()]);
    let account = host.ask(&format!("{TRACKINGS}/records?live=true")).await;
    let account = account.problem(424, "unauthenticated");
    assert_eq!(
        (&account["source"], &account["provider"]["status"]),
        (&json!("account"), &json!(401))
    );
}

/// What is written is known at once, as ours, and no scan tells it again.
#[tokio::test(flavor = "multi_thread")]
async fn writes_are_in_what_is_kept_and_in_the_changes() {
    let host = Host::new("mirrored").await;
    let wish = json!({"tracking_number": NUMBER, "slug": "ups"});
    let made = host.call(&format!("POST {TRACKINGS}/records"), &wish).await;
    let place = made.header("location").to_owned();
    assert_eq!(host.get(&place).await["data"]["tracking_number"], NUMBER);
    host.call(&format!("PATCH {place}"), &json!({"note": "leave at the door"})).await;
    assert_eq!(host.get(&place).await["data"]["note"], "leave at the door");
    let done = format!("POST {place}/actions/mark-as-completed");
    assert_eq!(host.call(&done, &json!({"reason": "DELIVERED"})).await.status, 200);
    assert_eq!(host.get(&place).await["data"]["tag"], "Delivered");
    // The command line tells its writes by the same function.
    let id = made.json()["id"].as_str().unwrap().to_owned();
    host.shop.run(&["update", "trackings", &id, "--data", "{\"note\":\"by hand\"}"]);
    assert_eq!(host.get(&place).await["data"]["note"], "by hand");
    assert_eq!(host.send(&format!("DELETE {place}"), &[], b"").await.status, 204);
    host.ask(&place).await.problem(404, "not-found");
    host.call("POST /v1/connections/default/sync", &json!({"objects": ["trackings"]})).await;
    let changes = host.get("/v1/changes?connection=default&object=trackings").await;
    let of_record = changes["items"].as_array().unwrap().iter().filter(|it| it["id"] == *id);
    let told: Vec<_> = of_record.map(|it| (it["kind"].as_str().unwrap(), &it["ours"])).collect();
    let ours = &json!(true);
    let wanted = [
        ("created", ours),
        ("updated", ours),
        ("updated", ours),
        ("updated", ours),
        ("deleted", ours),
    ];
    assert_eq!(told, wanted);
}

/// A caller that goes takes its work along.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_stops_its_work() {
    let host = Host::seeded("cancelled", 1).await;
    let simulator = &host.shop.simulator;
    let before = host.requests();
    simulator.answer_next(Matcher::path(PROVIDERS), Answer::hang());
    let asked = {
        let live = format!("{TRACKINGS}/records?live=true");
        let waits = host.ask(&live);
        let is_asked = async {
            while host.requests() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { _ = waits => false, () = is_asked => true }
    };
    assert!(asked);
    // The connection's place at the provider is free again, and nothing is sent twice.
    simulator.clear_answers();
    assert_eq!(host.ask(&format!("{TRACKINGS}/records?live=true")).await.status, 200);
    assert_eq!(host.requests(), before + 2);
}
