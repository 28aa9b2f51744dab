//! Every operation of trackings, once through the whole.

use std::time::Duration;

use aftership_simulator::{Answer, CustomFieldsUpdate, DuplicateAnswer, Matcher, RetrackAnswer};
use host_harness::contract::actions::Invocation;
use host_harness::contract::batches::{Operation, Removal};
use host_harness::contract::types::ErrorKind;
use host_harness::retry::first_attempt;
use host_harness::runtime::id_of;
use serde_json::{Value, json};

use crate::support::world::{TRACKINGS, World, connect, kind};
use crate::support::{component, runtime};

const NUMBER: &str = "1Z12345E0205271688";

fn action(name: &str, id: &str, input: Value) -> Invocation {
    Invocation {
        object: "trackings".to_owned(),
        action: name.to_owned(),
        id: Some(id.to_owned()),
        input: input.to_string(),
        attempt: first_attempt().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn check_tells_whether_the_key_works() {
    let world = World::new().await;
    world.connection.check("trackings").await.unwrap();
    let connector = runtime().load(&component()).await.unwrap();
    let wrong = connect(&connector, &world.simulator, &world.watch, "asat_wrong").await;
    assert_eq!(kind(wrong.check("trackings").await), ErrorKind::Unauthenticated);
    world.simulator.configure(|options| options.forbidden = true);
    assert_eq!(kind(world.connection.check("trackings").await), ErrorKind::Forbidden);
    assert!(matches!(kind(world.connection.check("orders").await), ErrorKind::NotFound));
}

#[tokio::test(start_paused = true)]
async fn a_tracking_is_had_by_each_of_its_ids() {
    let world = World::new().await;
    let wish = json!({"tracking_number": NUMBER, "slug": "ups", "id": "my-order_1"}).to_string();
    let created = world.connection.create("trackings", &wish).await.unwrap().record().unwrap();
    assert_eq!(created.id, "my-order_1");
    let id = world.create("9400110898825022579493", "usps").await;
    let legacy = world.stored(&id)["legacy_id"].as_str().unwrap().to_owned();
    for any in ["my-order_1", id.as_str(), legacy.as_str()] {
        let record = world.connection.get("trackings", any).await.unwrap();
        let data: Value = serde_json::from_str(&record.data).unwrap();
        assert!(data["id"] == any || data["legacy_id"] == any, "{any}");
    }
    assert_eq!(
        kind(world.connection.get("trackings", "0b02015fc7fd4f3c8d5490cece4d124d").await),
        ErrorKind::NotFound
    );
    let before = world.requests().len();
    for bad in ["", "..", "a\u{0}b"] {
        let refused = kind(world.connection.get("trackings", bad).await);
        assert!(matches!(refused, ErrorKind::InvalidInput(_)), "{bad:?}: {refused:?}");
    }
    assert_eq!(world.requests().len(), before, "an id that can be none costs no request");
}

#[tokio::test(start_paused = true)]
async fn find_answers_what_a_create_would_collide_with() {
    let world = World::new().await;
    let ups = world.create(NUMBER, "ups").await;
    let fedex = world.create(NUMBER, "fedex").await;
    world.create("1Z12345E0205271689", "ups").await;
    for (wish, expected) in [
        (json!({"tracking_number": NUMBER, "slug": "ups"}), vec![&ups]),
        (json!({"tracking_number": NUMBER}), vec![&fedex, &ups]),
        (json!({"tracking_number": NUMBER, "slug": "dhl"}), vec![]),
        (json!({"tracking_number": "1Z12345E020527168"}), vec![]),
    ] {
        let found = world.connection.find("trackings", &wish.to_string()).await.unwrap();
        let mut ids: Vec<&String> = found.iter().map(|record| &record.id).collect();
        let mut expected = expected;
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected, "{wish}");
    }
}

#[tokio::test(start_paused = true)]
async fn create_update_and_delete_change_what_is_stored() {
    let world = World::new().await;
    let id = world.create(NUMBER, "ups").await;
    assert_eq!(world.stored(&id)["tracking_number"], NUMBER);
    let patch =
        json!({"title": "Shoes", "note": "at the door", "custom_fields": {"a": "b"}}).to_string();
    let written = world.connection.update("trackings", &id, &patch).await.unwrap();
    assert_eq!(id_of(&written.item), id);
    assert_eq!(world.stored(&id)["title"], "Shoes");
    let cleared = json!({"note": null}).to_string();
    world.connection.update("trackings", &id, &cleared).await.unwrap();
    assert!(matches!(&world.stored(&id)["note"], Value::Null | Value::String(_)));
    assert_ne!(world.stored(&id)["note"], "at the door");
    world.connection.delete("trackings", &id).await.unwrap();
    assert_eq!(world.simulator.count(), 0);
    assert_eq!(kind(world.connection.delete("trackings", &id).await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_does_not_take_away_is_told() {
    let world = World::new().await;
    world.simulator.configure(|options| options.custom_fields_update = CustomFieldsUpdate::Merge);
    let id = world.create(NUMBER, "ups").await;
    let update = |patch: Value| {
        let (world, id, patch) = (&world, id.as_str(), patch.to_string());
        async move { world.connection.update("trackings", id, &patch).await }
    };
    update(json!({"custom_fields": {"a": "1", "b": "2"}})).await.unwrap();
    update(json!({"custom_fields": {"a": "3"}})).await.unwrap();
    for patch in [json!({"custom_fields": {"b": null}}), json!({"custom_fields": null})] {
        assert_eq!(kind(update(patch).await), ErrorKind::Conflict(None));
    }
    assert_eq!(world.stored(&id)["custom_fields"], json!({"a": "3", "b": "2"}));
}

#[tokio::test(start_paused = true)]
async fn input_that_cannot_be_right_costs_no_request() {
    let world = World::new().await;
    for (wish, pointer) in [
        (json!({}), "/tracking_number"),
        (json!({"tracking_number": "abc"}), "/tracking_number"),
        (json!({"tracking_number": 7}), "/tracking_number"),
        (json!({"tracking_number": NUMBER, "colour": "red"}), "/colour"),
        (json!({"tracking_number": NUMBER, "slug": ["ups"]}), "/slug"),
        (json!({"tracking_number": NUMBER, "customers": [{}, {}, {}, {}]}), "/customers"),
        (json!({"tracking_number": NUMBER, "custom_fields": {"a": 1}}), "/custom_fields/a"),
        (
            json!({"tracking_number": NUMBER, "last_mile": {"slug": "usps"}}),
            "/last_mile/tracking_number",
        ),
        (json!("text"), ""),
    ] {
        let refused = kind(world.connection.create("trackings", &wish.to_string()).await);
        let ErrorKind::InvalidInput(violations) = refused else { panic!("{wish}: {refused:?}") };
        assert!(
            violations.iter().any(|violation| violation.pointer == pointer),
            "{wish}: {violations:?}"
        );
    }
    let not_updatable = json!({"tracking_number": "1Z"}).to_string();
    let refused = kind(world.connection.update("trackings", "0b02015f", &not_updatable).await);
    assert!(matches!(refused, ErrorKind::InvalidInput(_)));
    let malformed = world.connection.create("trackings", "{\"tracking_number\":").await;
    assert!(matches!(kind(malformed), ErrorKind::InvalidInput(_)));
    assert!(world.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_names_the_existing_tracking_in_every_shape() {
    for (shape, named) in [
        (DuplicateAnswer::Flat, true),
        (DuplicateAnswer::Nested, true),
        (DuplicateAnswer::Empty, false),
    ] {
        let world = World::with(|options| options.duplicate_answer = shape).await;
        let id = world.create(NUMBER, "ups").await;
        let wish = json!({"tracking_number": NUMBER, "slug": "ups"}).to_string();
        let refused = kind(world.connection.create("trackings", &wish).await);
        assert_eq!(refused, ErrorKind::Conflict(named.then_some(id)), "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_test_courier_delivers_and_can_be_retracked() {
    let world = World::new().await;
    let id = world.create("ITD-0-12345678", "testing-courier").await;
    let retrack = action("retrack", &id, json!({}));
    let active = kind(world.connection.invoke(&retrack).await);
    assert!(matches!(active, ErrorKind::Conflict(_)), "only inactive trackings: {active:?}");
    tokio::time::sleep(Duration::from_secs(15)).await;
    let record = world.connection.get("trackings", &id).await.unwrap();
    let data: Value = serde_json::from_str(&record.data).unwrap();
    assert_eq!((&data["tag"], &data["active"]), (&json!("Delivered"), &json!(false)));
    let outcome = world.connection.invoke(&retrack).await.unwrap();
    assert_eq!(world.stored(&id)["active"], true);
    assert_eq!(outcome.written.len(), 1, "a whole answer is what the record is now");
}

#[tokio::test(start_paused = true)]
async fn a_partial_retrack_answer_is_no_record() {
    let world = World::with(|options| options.retrack_answer = RetrackAnswer::Partial).await;
    let id = world.create("ITD-0-12345678", "testing-courier").await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let outcome = world.connection.invoke(&action("retrack", &id, json!({}))).await.unwrap();
    assert!(outcome.written.is_empty() && outcome.output.contains(&id), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn mark_as_completed_sets_the_status_of_its_reason() {
    for (reason, tag, subtag) in [
        ("DELIVERED", "Delivered", "Delivered_001"),
        ("LOST", "Exception", "Exception_013"),
        ("RETURNED_TO_SENDER", "Exception", "Exception_011"),
    ] {
        let world = World::new().await;
        let id = world.create(NUMBER, "ups").await;
        let mark = action("mark-as-completed", &id, json!({ "reason": reason }));
        world.connection.invoke(&mark).await.unwrap();
        let stored = world.stored(&id);
        assert_eq!((&stored["tag"], &stored["subtag"]), (&json!(tag), &json!(subtag)));
        assert_eq!(stored["active"], false);
    }
    let world = World::new().await;
    let wrong = action("mark-as-completed", "x", json!({"reason": "EATEN"}));
    assert!(matches!(kind(world.connection.invoke(&wrong).await), ErrorKind::InvalidInput(_)));
    assert!(world.requests().is_empty());
}

/// The answer of a create is lost in every way; it is made once, and found.
#[tokio::test(start_paused = true)]
async fn a_lost_create_is_found_and_never_doubled() {
    for lost in [
        Answer::reset().executed(),
        Answer::hang().executed(),
        Answer::real().truncated(20),
        Answer::new(502, "Interal Error").header("content-type", "text/plain").executed(),
        Answer::new(200, "<html>").header("content-type", "text/html").executed(),
    ] {
        let world = World::new().await;
        world.simulator.answer_next(Matcher::new("POST", TRACKINGS), lost.clone());
        let wish = json!({"tracking_number": NUMBER, "slug": "ups"}).to_string();
        let created = world.connection.create("trackings", &wish).await.unwrap();
        assert!(created.found, "{lost:?}");
        assert_eq!(world.simulator.count(), 1, "{lost:?}");
        let writes = world.requests().iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(writes, 1, "{lost:?}");
    }
}

/// The request was lost, not the answer: after the index had its time it is sent again.
#[tokio::test(start_paused = true)]
async fn a_create_that_never_arrived_is_sent_again() {
    for lost in [Answer::reset(), Answer::hang(), Answer::new(500, "")] {
        let world = World::new().await;
        world.simulator.answer_next(Matcher::new("POST", TRACKINGS), lost.clone());
        world.create(NUMBER, "ups").await;
        assert_eq!(world.simulator.count(), 1, "{lost:?}");
        let looks = world.requests().iter().filter(|request| request.starts_with("GET")).count();
        assert_eq!(looks, 1, "2 seconds later, before it is sent again");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_updates_and_deletes_are_repeated_to_the_same_end() {
    for lost in [Answer::reset().executed(), Answer::new(503, "").executed(), Answer::reset()] {
        let world = World::new().await;
        let id = world.create(NUMBER, "ups").await;
        world.simulator.answer_next(Matcher::new("PUT", TRACKINGS), lost.clone());
        world.connection.update("trackings", &id, r#"{"title":"Shoes"}"#).await.unwrap();
        assert_eq!(world.stored(&id)["title"], "Shoes");
        world.simulator.answer_next(Matcher::new("DELETE", TRACKINGS), lost);
        world.connection.delete("trackings", &id).await.unwrap();
        assert_eq!(world.simulator.count(), 0);
    }
}

/// What certainly failed last does not make certain what came before.
#[tokio::test(start_paused = true)]
async fn an_open_attempt_is_not_hidden_by_a_later_refusal() {
    let world = World::new().await;
    let id = world.create(NUMBER, "ups").await;
    let refusal = r#"{"meta":{"code":401,"message":"The API key is invalid.","type":"Unauthorized"},"data":{}}"#;
    let refusal = Answer::new(401, refusal).header("content-type", "application/json");
    world.simulator.answer_next(Matcher::new("PUT", TRACKINGS), Answer::reset().executed());
    world.simulator.answer_next(Matcher::new("PUT", TRACKINGS), refusal);
    let updated = world.connection.update("trackings", &id, r#"{"title":"Shoes"}"#).await;
    assert_eq!(world.stored(&id)["title"], "Shoes");
    assert_eq!(kind(updated), ErrorKind::OutcomeUnknown);
}

/// An action whose answer was lost looks first, and is not done twice.
#[tokio::test(start_paused = true)]
async fn a_lost_action_is_not_done_twice() {
    let world = World::new().await;
    let id = world.create(NUMBER, "ups").await;
    world.simulator.answer_next(Matcher::new("POST", TRACKINGS), Answer::reset().executed());
    let mark = action("mark-as-completed", &id, json!({"reason": "DELIVERED"}));
    world.connection.invoke(&mark).await.unwrap();
    let by_user = |tracking: &Value| {
        let checkpoints = tracking["checkpoints"].as_array().unwrap();
        checkpoints.iter().filter(|checkpoint| checkpoint["source"] == "user").count()
    };
    assert_eq!(by_user(&world.stored(&id)), 1);
    let id = world.create("ITD-0-12345678", "testing-courier").await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.simulator.answer_next(Matcher::new("POST", TRACKINGS), Answer::reset().executed());
    let outcome = world.connection.invoke(&action("retrack", &id, json!({}))).await.unwrap();
    assert_eq!(
        outcome.written.len(),
        1,
        "the conflict of the second try means that the first did it"
    );
    assert_eq!(world.stored(&id)["active"], true);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_the_write_and_sends_nothing() {
    let world = World::new().await;
    let wish = json!({"tracking_number": NUMBER, "slug": "ups"}).to_string();
    let planned =
        world.connection.plan("trackings", &Operation::Create(wish.clone())).await.unwrap();
    assert_eq!(
        (planned.method.as_str(), planned.url.as_str()),
        ("POST", "http://api.simulated/tracking/2026-07/trackings")
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&planned.body.unwrap()).unwrap(),
        serde_json::from_str::<Value>(&wish).unwrap()
    );
    assert!(planned.headers.contains(&("as-api-key".to_owned(), "[secret api-key]".to_owned())));
    let delete = Operation::Delete(Removal { id: "a".to_owned(), expected: None });
    let deleted = world.connection.plan("trackings", &delete).await.unwrap();
    assert_eq!(deleted.method, "DELETE");
    assert!(world.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_says_so() {
    let world = World::new().await;
    let unknown = action("explode", "a", json!({}));
    assert_eq!(kind(world.connection.invoke(&unknown).await), ErrorKind::NotFound);
    assert_eq!(
        kind(world.connection.derive(&["trackings".to_owned()], vec![]).await),
        ErrorKind::Unsupported
    );
    assert_eq!(kind(world.connection.get("orders", "1").await), ErrorKind::NotFound);
    assert!(world.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_runtime_counts_what_it_does() {
    let runtime = runtime();
    let world = World::of(&runtime.load(&component()).await.unwrap(), |_| {}).await;
    let id = world.create(NUMBER, "ups").await;
    world.simulator.answer_next(Matcher::any(), Answer::new(503, ""));
    world.connection.get("trackings", &id).await.unwrap();
    let missing = world.connection.get("trackings", "0b02015fc7fd4f3c8d5490cece4d124d").await;
    assert_eq!(kind(missing), ErrorKind::NotFound);
    let metrics = runtime.metrics();
    assert_eq!(metrics.calls, 4);
    assert_eq!(Vec::from_iter(metrics.errors.clone()), [("not-found", 1), ("unavailable", 1)]);
    assert_eq!(Vec::from_iter(metrics.requests_by_class()), [(2, 2), (4, 1), (5, 1)]);
    assert_eq!(metrics.retries, 1);
    assert!(metrics.sent_bytes > 20 && metrics.received_bytes > 200, "bytes are counted");
}
