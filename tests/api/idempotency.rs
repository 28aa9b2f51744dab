//! Writes that are sent again under their key: done once, whoever was lost meanwhile.

use aftership_simulator::{Answer, Matcher};
use serde_json::{Value, json};

use super::world::{Host, Reply, TRACKINGS};
use crate::support::listener::Listener;
use crate::support::world::TRACKINGS as PROVIDERS;

const JSON: (&str, &str) = ("content-type", "application/json");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");

fn wish(number: &str) -> Value {
    json!({"tracking_number": number, "slug": "ups"})
}

async fn keyed(host: &Host, line: &str, key: &str, body: &Value) -> Reply {
    host.send(line, &[JSON, ("idempotency-key", key)], body.to_string().as_bytes()).await
}

fn create() -> String {
    format!("POST {TRACKINGS}/records")
}

/// Requests that made something.
fn posts(host: &Host) -> usize {
    let journal = host.shop.simulator.journal();
    journal.iter().filter(|entry| entry.method == "POST" && entry.path == PROVIDERS).count()
}

fn token(host: &Host, name: &str) -> String {
    let made = host.shop.run(&["tokens", "add", name, "--scope", "write"]);
    serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned()
}

/// Another host of the same state; the first one goes on.
fn beside(host: &mut Host) -> Listener {
    let mut second = host.shop.listen("serve", &["--api", "127.0.0.1:0", "--every", "1h"]);
    host.authority = second.authority("API on ");
    second
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_write_is_done_once_and_answered_the_same() {
    let host = Host::new("keyed").await;
    let first = keyed(&host, &create(), "k1", &wish("KEYED0000001")).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{first:?}");
    let again = keyed(&host, &create(), "k1", &wish("KEYED0000001")).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(posts(&host), 1);
    let other = keyed(&host, &create(), "k1", &wish("KEYED0000002")).await;
    other.problem(422, "invalid-input");
    let other = keyed(&host, &format!("{}?x=1", create()), "k1", &wish("KEYED0000001")).await;
    other.problem(422, "invalid-input");
    // Another caller's key is another key, and none is none.
    let bearer = format!("Bearer {}", token(&host, "shop"));
    let headers = [JSON, ("idempotency-key", "k1"), ("authorization", &bearer)];
    let body = wish("KEYED0000002").to_string();
    assert_eq!(host.send(&create(), &headers, body.as_bytes()).await.status, 201);
    host.call(&create(), &wish("KEYED0000001")).await.problem(409, "conflict");
    // What was judged is judged alike; what nobody could judge is asked anew.
    for replayed in ["", "true"] {
        let refused = keyed(&host, &create(), "k2", &json!({"slug": 7})).await;
        refused.problem(422, "invalid-input");
        assert_eq!(refused.header("idempotency-replayed"), replayed);
    }
    let simulator = &host.shop.simulator;
    let keys = |keys: Vec<String>| simulator.configure(|options| options.api_keys = keys.clone());
    let known = std::sync::Mutex::new(vec![]);
    simulator.configure(|options| *known.lock().unwrap() = options.api_keys.clone());
    keys(vec!["asat_another_0123456789".to_owned()]);
    keyed(&host, &create(), "k3", &wish("KEYED0000003")).await.problem(424, "unauthenticated");
    keys(known.into_inner().unwrap());
    assert_eq!(keyed(&host, &create(), "k3", &wish("KEYED0000003")).await.status, 201);
    // Whatever has become of the name in the path.
    host.shop.run(&["secrets", "set", "api-key", "--from-env", "KEY", "--connection", "old"]);
    for replayed in ["", "true"] {
        let renamed =
            keyed(&host, "PATCH /v1/connections/old", "k5", &json!({"name": "gone"})).await;
        assert_eq!((renamed.status, renamed.header("idempotency-replayed")), (200, replayed));
    }
    // A connection takes its answers along, and that it is gone stays true.
    for replayed in ["", "true"] {
        let removed = keyed(&host, "DELETE /v1/connections/gone", "k4", &json!({})).await;
        assert_eq!((removed.status, removed.header("idempotency-replayed")), (204, replayed));
    }
    let writes = host.shop.run(&["tokens", "writes", "--output", "json"]);
    let writes: Vec<Value> = serde_json::from_str(&writes).unwrap();
    let first_id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(writes.last().unwrap()["target"], format!("trackings/{first_id}"), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused_before_anything_is_done() {
    let host = Host::new("badkeys").await;
    let long = "a".repeat(256);
    for keys in [&[""][..], &[&long], &["a\tb"], &["a", "b"]] {
        let mut headers = vec![JSON];
        headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
        let body = wish("BADKEY00001").to_string();
        let refused = host.send(&create(), &headers, body.as_bytes()).await;
        refused.problem(400, "invalid-input");
    }
    assert_eq!(posts(&host), 0);
    let longest = keyed(&host, &create(), &"a".repeat(255), &wish("BADKEY00001")).await;
    assert_eq!(longest.status, 201);
}

/// The caller goes while the provider, which has the record, does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_had_by_asking_again() {
    let host = Host::new("lostanswer").await;
    let simulator = &host.shop.simulator;
    simulator.answer_next(Matcher::new("POST", PROVIDERS), Answer::hang().executed());
    let (create, wished) = (create(), wish("LOST00000001"));
    let waits = keyed(&host, &create, "lost", &wished);
    let is_sent = async {
        while posts(&host) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { reply = waits => panic!("{reply:?}"), () = is_sent => {} }
    let again = loop {
        let again = keyed(&host, &create, "lost", &wished).await;
        // The host notes that its caller has gone.
        if again.status != 409 {
            break again;
        }
        assert_eq!(again.header("retry-after"), "2", "{again:?}");
    };
    assert_eq!((again.status, again.json()["found"].as_bool()), (201, Some(true)), "{again:?}");
    assert_eq!(posts(&host), 1);
    let replayed = keyed(&host, &create, "lost", &wished).await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.body), ("true", &again.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_tells_the_truth_of_one_that_died() {
    let mut host = Host::new("twohosts").await;
    let simulator = host.shop.simulator.clone();
    let first = host.authority.clone();
    let done = keyed(&host, &create(), "done", &wish("HOSTS0000001")).await;
    let _second = beside(&mut host);
    let second = std::mem::replace(&mut host.authority, first);
    simulator.answer_next(Matcher::new("POST", PROVIDERS), Answer::hang().executed());
    let (create, wished) = (create(), wish("HOSTS0000002"));
    let authority = host.authority.clone();
    let headers = [JSON, ("idempotency-key", "cut")];
    let body = wished.to_string();
    let waits = super::world::send_to(&authority, &create, &headers, body.as_bytes());
    let is_sent = async {
        while posts(&host) == 1 {
            tokio::task::yield_now().await;
        }
    };
    let mut waits = std::pin::pin!(waits);
    tokio::select! { reply = waits.as_mut() => panic!("{reply:?}"), () = is_sent => {} }
    let send = |key: &'static str, wished: Value| {
        let (create, second) = (create.clone(), second.clone());
        async move {
            super::world::send_to(
                &second,
                &create,
                &[JSON, ("idempotency-key", key)],
                wished.to_string().as_bytes(),
            )
            .await
        }
    };
    let told = send("done", wish("HOSTS0000001")).await;
    assert_eq!((told.header("idempotency-replayed"), &told.body), ("true", &done.body));
    let busy = send("cut", wished.clone()).await;
    busy.problem(409, "conflict");
    assert_eq!(busy.header("retry-after"), "2");
    send("cut", wish("HOSTS0000003")).await.problem(422, "invalid-input");
    host.listener.child.kill().unwrap();
    host.listener.child.wait().unwrap();
    let told = loop {
        let told = send("cut", wished.clone()).await;
        if told.status != 409 {
            break told;
        }
    };
    assert_eq!((told.status, told.json()["found"].as_bool()), (201, Some(true)), "{told:?}");
    assert_eq!(posts(&host), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_under_a_key_is_one_run() {
    let host = Host::new("keyedpush").await;
    let push = format!("POST {TRACKINGS}/push?mode=create");
    let send = |source: String| {
        let (host, push) = (&host, &push);
        async move { host.send(push, &[LINES, ("idempotency-key", "p")], source.as_bytes()).await }
    };
    let source = wish("UPLOAD000001").to_string();
    let begun = send(source.clone()).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    host.until(begun.header("location"), |run| run["ended"].is_string()).await;
    // Its run has ended: without the key this would be another one.
    let again = send(source).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &begun.body));
    send(wish("UPLOAD000002").to_string()).await.problem(422, "invalid-input");
    let listed = host.get("/v1/connections/default/pushes").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    // One that is refused before it was whole leaves its key free.
    let (odd, keyed) = (format!("{push}&on_conflict=x"), [LINES, ("idempotency-key", "q")]);
    host.send(&odd, &keyed, b"{}").await.problem(422, "invalid-input");
    let right = host.send(&push, &[LINES, ("idempotency-key", "q")], b"{}").await;
    assert_eq!(right.status, 202, "{right:?}");
}
