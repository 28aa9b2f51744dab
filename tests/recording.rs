//! Calls that were recorded are made again.

mod released;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aftership_simulator::{Answer, Matcher, Options, Simulator};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_harness::contract::actions::Invocation;
use host_harness::contract::limits::Rate;
use host_harness::contract::records::ListRequest;
use host_harness::contract::subscriptions::{Delivery, Refusal};
use host_harness::egress::Limiter;
use host_harness::retry::{Policy, first_attempt};
use host_harness::runtime::recording::{CallEnd, RecordedCall, Recorder};
use host_harness::runtime::{Connection, Connector, Runtime, RuntimeOptions};
use host_harness::vault::{self, Secret};
use serde_json::{Value, json};

use crate::support::wire::{Wire, answer};
use crate::support::world::{KEY, NOW_MS, TRACKINGS, World, connecting, list};
use crate::support::{Watch, component, guest, runtime};

const HOOK_SECRET: &str = "whs_canary_0123456789";
const WISH: &str =
    r#"{"tracking_number":"1Z12345E0205271688","slug":"ups","title":"for anna@example.com"}"#;

/// Keeps calls in memory, as JSON.
#[derive(Default)]
struct Calls(Mutex<Vec<String>>);

impl Recorder for Calls {
    fn record(&self, call: RecordedCall, _: usize) {
        self.0.lock().unwrap().push(serde_json::to_string(&call).unwrap());
    }
}

impl Calls {
    /// Of `connector`, from now on.
    async fn of(connector: &Connector) -> Arc<Self> {
        let calls = Arc::<Self>::default();
        connector.record(calls.clone()).await;
        calls
    }

    /// Those so far.
    fn take(&self) -> Vec<RecordedCall> {
        let calls = std::mem::take(&mut *self.0.lock().unwrap());
        calls.iter().map(|call| serde_json::from_str(call).unwrap()).collect()
    }
}

/// Each of `calls` goes now as it went.
async fn assert_equal(connector: &Connector, calls: &[RecordedCall]) {
    for call in calls {
        let found = connector.replay(call.clone(), false).await;
        assert!(found.is_none(), "{}: {}", call.export, found.unwrap());
    }
}

async fn loaded() -> Connector {
    runtime().load(&component()).await.unwrap()
}

fn delivery(secret: &str) -> Delivery {
    let body = r#"{"event":"tracking_update","event_id":"94dadd60-ed26-46d0-aa52-3ced925a50ff","msg":{"id":"0b02015fc7fd4f3c8d5490cece4d124d","tracking_number":"61293150000079650811","slug":"dhl","title":"Café","updated_at":"2026-11-21T17:47:10+00:00"},"ts":1795283230}"#;
    let signature = vault::sign("hmac-sha256", &Secret::new(secret), body.as_bytes()).unwrap();
    let headers = [
        ("as-signature", "x".to_owned()),
        ("aftership-hmac-sha256", STANDARD.encode(signature)),
        ("as-webhook-version", "2026-07".to_owned()),
        ("authorization", format!("Bearer {HOOK_SECRET}")),
    ];
    Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: "https://host.example/hooks/k3".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.into_bytes())).into(),
        body: body.as_bytes().to_vec(),
        received_at: "2026-11-22T12:00:00+00:00".to_owned(),
    }
}

/// Calls of every kind, of an account with so many trackings; those that fail and one whose answer is
/// lost among them.
async fn day(connector: &Connector, trackings: usize) -> Vec<RecordedCall> {
    let calls = Calls::of(connector).await;
    let world = World::of(connector, |_| {}).await;
    world.simulator.seed(7, trackings);
    let connection = &world.connection;
    for object in ["trackings", "couriers", "carrier-connections", "checkpoints"] {
        connection.check(object).await.unwrap();
        connection.describe(object).await.unwrap();
        let mut scan = connection.scan(ListRequest::all(object));
        while let Some(page) = scan.next().await.unwrap() {
            if object == "trackings" {
                connection.derive(&["checkpoints".to_owned()], page.records).await.unwrap();
            }
        }
    }
    let lost = Answer::real().truncated(20);
    world.simulator.answer_next(Matcher::new("POST", TRACKINGS), lost);
    let id = connection.create("trackings", WISH).await.unwrap().record().unwrap().id;
    connection.create("trackings", WISH).await.unwrap_err();
    connection.find("trackings", WISH).await.unwrap();
    connection.update("trackings", &id, r#"{"title":"new"}"#).await.unwrap();
    connection.get("trackings", &id).await.unwrap();
    connection.get("trackings", "nothing").await.unwrap_err();
    let done = Invocation {
        object: "trackings".to_owned(),
        action: "mark-as-completed".to_owned(),
        id: Some(id.clone()),
        input: r#"{"reason":"DELIVERED"}"#.to_owned(),
        attempt: first_attempt().unwrap(),
    };
    connection.invoke(&done).await.unwrap();
    connection.delete("trackings", &id).await.unwrap();

    let builder = connecting(connector, &world.simulator, &world.watch, KEY);
    let builder = builder.secret("webhook-secret", Secret::new(HOOK_SECRET));
    let receiving = builder.build().await.unwrap();
    receiving.receive(delivery(HOOK_SECRET)).await.unwrap().unwrap();
    let refused = receiving.receive(delivery("another secret")).await.unwrap();
    assert_eq!(refused.unwrap_err(), Refusal::Unverified);
    calls.take()
}

#[tokio::test(start_paused = true)]
async fn a_day_is_replayed_bit_for_bit_and_holds_no_secret() {
    let connector = loaded().await;
    let day = day(&connector, 230).await;
    let exports: BTreeSet<&str> = day.iter().map(|call| call.export.as_str()).collect();
    let expected = [
        "actions.invoke",
        "auth.check",
        "catalog.describe",
        "catalog.get-manifest",
        "derived.derive",
        "records.create",
        "records.delete",
        "records.find",
        "records.get",
        "records.list",
        "records.update",
        "subscriptions.receive",
    ];
    assert_eq!(exports.into_iter().collect::<Vec<_>>(), expected);
    let again = day.iter().filter(|call| call.arguments["attempt"]["again"] == json!(true)).count();
    assert!(again > 0, "no call looked for the lost one");
    let imports: BTreeSet<_> =
        day.iter().flat_map(|call| &call.imports).map(|it| it.import.as_str()).collect();
    for import in ["clock.now-ms", "http.send", "secrets.verify", "settings.get"] {
        assert!(imports.contains(import), "{import} was never asked: {imports:?}");
    }
    let text = serde_json::to_string(&day).unwrap();
    assert!(text.contains("anna@example.com"), "values are kept");
    for secret in [KEY, HOOK_SECRET, &STANDARD.encode(KEY), &STANDARD.encode(HOOK_SECRET)] {
        assert!(!text.contains(secret), "{secret} is in the recording");
    }
    // In a runtime of its own, with nothing of the day around it.
    assert_equal(&loaded().await, &day).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_difference_is_shown_where_it_is() {
    let connector = loaded().await;
    let day = day(&connector, 230).await;
    let call = |export: &str| day.iter().find(|call| call.export == export).unwrap().clone();
    let found = async |call: &RecordedCall| {
        let found = connector.replay(call.clone(), false).await.unwrap();
        (found.place, found.recorded, found.now)
    };
    let get = call("records.get");
    let at = get.imports.iter().position(|it| it.import == "http.send").unwrap();

    let mut other = get.clone();
    other.imports[at].asked["request"]["path_with_query"] = json!("/elsewhere");
    let (place, recorded, now) = found(&other).await;
    assert_eq!(place, format!("import {}/http.send/request/path_with_query", at + 1));
    assert!(recorded == "\"/elsewhere\"" && now.contains("/tracking/2026-07/"), "{now}");

    // An answer that was not given: the connector answers otherwise.
    let mut other = get.clone();
    let body = &mut other.imports[at].answer["Ok"]["body"];
    *body = body.as_str().unwrap().replace("\"title\":\"new\"", "\"title\":\"newer\"").into();
    let (place, recorded, now) = found(&other).await;
    assert_eq!(place, "end/Answered/Ok/data");
    assert!(recorded.contains("new\\\"") && now.contains("newer"), "{recorded} {now}");

    let mut other = get.clone();
    let mut clock = call("records.list").imports.into_iter();
    let clock = clock.find(|it| it.import == "clock.now-ms").unwrap();
    other.imports.insert(at, clock);
    let (place, recorded, now) = found(&other).await;
    assert_eq!(place, format!("import {}", at + 1));
    assert!(recorded.contains("clock.now-ms") && now.contains("http.send"), "{recorded} {now}");

    let mut other = get.clone();
    other.imports.push(other.imports[at].clone());
    let (_, recorded, now) = found(&other).await;
    assert!(recorded.contains("http.send") && now.contains("ends"), "{recorded} {now}");

    let mut other = get.clone();
    other.imports.truncate(at);
    let (place, recorded, now) = found(&other).await;
    assert!(recorded == "null" && now.contains("http.send"), "{place} {recorded} {now}");

    let mut other = get;
    other.export = "records.forget".to_owned();
    let (_, _, now) = found(&other).await;
    assert!(now.contains("no call of this name"), "{now}");
}

/// Of a call that waits for a limit, the run that ended is kept, once; of one that nobody waits for
/// any more, what it had asked.
#[tokio::test(start_paused = true)]
async fn calls_that_wait_are_kept_once() {
    let connector = loaded().await;
    let calls = Calls::of(&connector).await;
    let clock = Arc::new(aftership_simulator::TokioClock::new(NOW_MS));
    let api_keys = vec![KEY.to_owned()];
    let simulator = Simulator::new(Options { api_keys, clock, ..Options::default() });
    let slow = Rate::new(1, Duration::from_secs(20));
    let limiter = Arc::new(Limiter::default().instead("trackings-list", slow));
    let builder = connecting(&connector, &simulator, &Arc::<Watch>::default(), KEY);
    let connection = builder.limiter(limiter).policy(Policy::once()).build().await.unwrap();
    for _ in 0..2 {
        connection.list(&list(None, None)).await.unwrap();
    }
    let soon = Duration::from_secs(1);
    let request = list(None, None);
    tokio::time::timeout(soon, connection.list(&request)).await.unwrap_err();
    let late = Answer::real().delayed(Duration::from_secs(5));
    simulator.answer_next(Matcher::any(), late);
    tokio::time::timeout(soon, connection.get("trackings", "1")).await.unwrap_err();

    // After that for the manifest.
    let calls = calls.take().split_off(1);
    let ends: Vec<_> = calls.iter().map(|call| (call.suspended, &call.end)).collect();
    let answered = |end: &CallEnd| matches!(end, CallEnd::Answered(_));
    let cut = |end: &CallEnd| matches!(end, CallEnd::Cut(why) if why.contains("dropped"));
    assert!(ends[0].0 == 0 && answered(ends[0].1), "{ends:?}");
    assert!(ends[1].0 > 0 && answered(ends[1].1), "{ends:?}");
    assert!(cut(ends[2].1) && cut(ends[3].1) && ends.len() == 4, "{ends:?}");
    for (call, is_answered) in calls.iter().zip([true, true, false, false]) {
        let sent: Vec<_> = call.imports.iter().filter(|it| it.import == "http.send").collect();
        assert!(sent.len() == 1 && sent[0].is_answered == is_answered, "{call:?}");
    }
    assert_equal(&connector, &calls).await;
}

/// What stops a call each time stops it again; what may have been chance is a cut.
#[tokio::test]
async fn calls_that_were_stopped_say_so() {
    let mut options = RuntimeOptions::default();
    options.bounds.cpu = Duration::from_millis(200);
    let runtime = Runtime::new(&options).unwrap();
    for (name, is_cut) in [("traps", false), ("grows", false), ("loops", true)] {
        let connector = guest(&runtime, name).await;
        let calls = Calls::of(&connector).await;
        let wire = Wire::new(|_| answer("200 OK", "{}"));
        let builder = Connection::builder(&connector).allow_private();
        let builder = builder.setting("base-url", "http://api.example.com");
        let builder = builder.secret("api-key", Secret::new(KEY)).network(Arc::new(wire));
        let connection = builder.policy(Policy::once()).build().await.unwrap();
        connection.list(&ListRequest::all("things")).await.unwrap_err();
        let calls = calls.take().split_off(1);
        assert_eq!(calls.len(), 1, "{name}");
        assert_eq!(matches!(calls[0].end, CallEnd::Cut(_)), is_cut, "{name}: {:?}", calls[0].end);
        assert_equal(&connector, &calls).await;
        if !is_cut {
            // A version that is mended answers where this one was stopped.
            let good = guest(&runtime, "sends").await;
            assert!(good.replay(calls[0].clone(), false).await.is_some(), "{name}");
        }
    }
}

/// A page of a shape that a redacted recording keeps is read as the whole one was.
#[tokio::test(start_paused = true)]
async fn a_redacted_day_holds_no_value_and_keeps_its_shape() {
    let connector = loaded().await;
    let mut day = day(&connector, 230).await;
    let (mut values, mut names) = (BTreeSet::new(), BTreeSet::new());
    for call in &day {
        for import in call.imports.iter().filter(|it| it.import == "http.send") {
            let body = import.answer["Ok"]["body"].as_str().unwrap_or_default();
            collect(&serde_json::from_str(body).unwrap_or_default(), &mut values, &mut names);
        }
    }
    day.iter_mut().for_each(RecordedCall::redact);
    // Names of members and of the contract stay; what is short may be found by chance.
    names.insert("trackings".to_owned());
    values.retain(|value| !names.contains(value));
    values.retain(|value| value.chars().filter(char::is_ascii_alphanumeric).count() > 4);
    assert!(values.len() > 1_000, "{}", values.len());
    // Manifest and schemas hold names, too.
    let data: Vec<_> = day.iter().filter(|call| !call.export.starts_with("catalog.")).collect();
    let text = serde_json::to_string(&data).unwrap();
    let texts: BTreeSet<&str> = text.split(['"', '\\', '/', '?', '&', '=']).collect();
    let left: Vec<_> = values.iter().filter(|value| texts.contains(value.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!text.contains("anna@") && !text.contains("1Z12345E0205271688"));
    for call in day {
        let export = call.export.clone();
        let request = &call.arguments["request"];
        let goes_by_values =
            request["object"] == "checkpoints" || !request["start"]["At"].is_null();
        let found = connector.replay(call, true).await;
        // What goes by values of its input, by codes in answers, by a cursor's age or by ids that tell
        // records apart, cannot go as it went.
        let by_shape = ["catalog.describe", "records.list", "auth.check"];
        if by_shape.contains(&export.as_str()) && !goes_by_values {
            assert!(found.is_none(), "{export}: {}", found.unwrap());
        }
    }
}

/// The texts and numbers of a document, and the names of its members.
fn collect(value: &Value, found: &mut BTreeSet<String>, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            collect(value, found, names);
        }),
        Value::Array(items) => items.iter().for_each(|value| collect(value, found, names)),
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Number(number) => drop(found.insert(number.to_string())),
        _ => {}
    }
}
