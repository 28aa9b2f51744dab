//! What happens to a tracking after its creation.

use aftership_simulator::{CustomFieldsUpdate, RetrackAnswer};
use serde_json::{Value, json};

use crate::client::{Client, TRACKINGS, tracking};

const CREATE: &str = r#"{"tracking_number":"1234567890","note":"n","title":"t"}"#;

#[tokio::test]
async fn the_test_courier_delivers_within_nine_seconds() {
    let client = Client::new();
    let id = client.created(r#"{"tracking_number":"ITD-0-12345678"}"#).await;
    let stage = async || {
        let answer = client.get(&id).await;
        let data = answer.data();
        let count = data["checkpoints"].as_array().unwrap().len();
        (data["subtag"].as_str().unwrap().to_owned(), count, data["active"].as_bool().unwrap())
    };
    let at = |subtag: &str, count, active| (subtag.to_owned(), count, active);
    assert_eq!(stage().await, at("Pending_001", 0, true));
    client.clock.advance(2_999);
    assert_eq!(stage().await, at("Pending_001", 0, true));
    client.clock.advance(1);
    assert_eq!(stage().await, at("InfoReceived_001", 1, true));
    client.clock.advance(3_000);
    assert_eq!(stage().await, at("InTransit_001", 2, true));
    client.clock.advance(3_000);
    assert_eq!(stage().await, at("Delivered_001", 3, false));
    client.clock.advance(86_400_000);
    assert_eq!(stage().await, at("Delivered_001", 3, false));

    let answer = client.get(&id).await;
    let data = answer.data();
    assert_eq!(data["updated_at"], "2026-11-22T12:00:09+00:00");
    assert_eq!(data["tracked_count"], 3);
    assert_eq!(data["tag"], "Delivered");
    for (place, checkpoint) in data["checkpoints"].as_array().unwrap().iter().enumerate() {
        let seconds = 3 * (place + 1);
        assert_eq!(checkpoint["created_at"], format!("2026-11-22T12:00:0{seconds}+00:00"));
        assert_eq!(checkpoint["source"], "carrier");
        let hash = checkpoint["hash"].as_str().unwrap();
        assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[tokio::test]
async fn the_test_courier_shows_in_lists_by_its_change() {
    let client = Client::new();
    let id = client.created(r#"{"tracking_number":"ANY-1","slug":"testing-courier"}"#).await;
    client.created(CREATE).await;
    client.clock.advance(20_000);
    let late = "updated_at_min=2026-11-22T12:00:09%2B00:00";
    assert_eq!(client.scan(late).await, [id.as_str()]);
    assert_eq!(client.scan("tag=Delivered").await, [id]);
}

#[tokio::test]
async fn the_test_courier_stops_when_its_tracking_is_completed_or_gone() {
    let client = Client::new();
    let id = client.created(r#"{"tracking_number":"ITD-1"}"#).await;
    client.act(&id, "mark-as-completed", r#"{"reason":"LOST"}"#).await;
    let gone = client.created(r#"{"tracking_number":"ITD-2"}"#).await;
    client.simulator.remove(&gone).unwrap();
    client.created(r#"{"tracking_number":"1234567890"}"#).await;
    client.clock.advance(20_000);
    assert_eq!(client.get(&id).await.data()["subtag"], "Exception_013");
    assert_eq!(client.scan("tag=Pending").await.len(), 1);
}

#[tokio::test]
async fn a_removed_tracking_does_not_hurry_the_next() {
    let client = Client::new();
    let gone = client.created(r#"{"tracking_number":"ITD-1"}"#).await;
    client.clock.advance(1_000);
    client.simulator.remove(&gone).unwrap();
    let id = client.created(r#"{"tracking_number":"ITD-2"}"#).await;
    client.clock.advance(2_000);
    assert_eq!(client.get(&id).await.data()["tag"], "Pending");
    client.clock.advance(1_000);
    assert_eq!(client.get(&id).await.data()["tag"], "InfoReceived");
}

#[tokio::test]
async fn the_test_courier_goes_on_after_an_update() {
    let client = Client::with(|options| options.test_courier_step_ms = 100);
    let id = client.created(r#"{"tracking_number":"ITD-1"}"#).await;
    client.clock.advance(150);
    client.put(&id, r#"{"title":"t"}"#).await;
    client.simulator.configure(|options| options.test_courier_step_ms = 1_000);
    client.clock.advance(1_049);
    assert_eq!(client.get(&id).await.data()["tag"], "InTransit");
    client.clock.advance(1);
    let answer = client.get(&id).await;
    assert_eq!(answer.data()["tag"], "Delivered");
    assert_eq!(answer.data()["title"], "t");
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let client = Client::new();
    let id = client.created(CREATE).await;
    let before = client.get(&id).await;
    client.clock.advance(1_500);
    let body = r#"{"note":"","title":"Ü","custom_fields":{"b":"2"},"slug":"dhl-germany",
        "last_mile":{"slug":"ups","tracking_number":"1Z"}}"#;
    let answer = client.put(&id, body).await;
    assert_eq!((answer.status, answer.code()), (200, 200), "{}", answer.text);
    let mut expected = before.data().clone();
    for (name, value) in [
        ("note", Value::Null),
        ("title", json!("Ü")),
        ("custom_fields", json!({"b": "2"})),
        ("slug", json!("dhl-germany")),
        ("updated_at", json!("2026-11-22T12:00:01+00:00")),
        (
            "last_mile",
            json!({"slug": "ups", "tracking_number": "1Z", "source": "user",
                   "courier_tracking_link": null, "courier_redirect_link": null}),
        ),
    ] {
        expected[name] = value;
    }
    assert_eq!(answer.data(), &expected);
    assert_eq!(client.get(&id).await.data(), &expected);
    assert_eq!(client.scan("slug=dhl-germany").await, [id.as_str()]);
    assert_eq!(client.scan("slug=dhl").await, Vec::<String>::new());
    assert_eq!(client.put(&id, r#"{"last_mile":null}"#).await.data()["last_mile"], Value::Null);
}

#[tokio::test]
async fn an_update_is_refused_by_the_same_rules() {
    let client = Client::new();
    let id = client.created(CREATE).await;
    client.created(r#"{"tracking_number":"1234567890","slug":"aeronet"}"#).await;
    for (body, code) in [
        ("", 4001),
        ("[]", 4001),
        (r#"{"id":"x"}"#, 400),
        (r#"{"tracking_number":"X1234"}"#, 400),
        (r#"{"shipment_tags":[]}"#, 400),
        (r#"{"courier_connection_id":"x"}"#, 400),
        (r#"{"slug_group":"dhl-group"}"#, 400),
        (r#"{"tag":"Delivered"}"#, 400),
        (r#"{"title":null}"#, 4008),
        (r#"{"customers":[{},{},{},{}]}"#, 4008),
        (r#"{"slug":"DHL"}"#, 4010),
        (r#"{"slug":"aeronet"}"#, 4003),
        (r#"{"last_mile":{"slug":"ups"}}"#, 4009),
    ] {
        let answer = client.put(&id, body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
    }
    assert_eq!(client.get(&id).await.data()["title"], "t");
}

#[tokio::test]
async fn an_update_clears_what_a_create_must_not_leave_empty() {
    let client = Client::new();
    let texts =
        ["title", "order_id", "order_id_path", "language", "pickup_location", "pickup_note"];
    let customers = |text: &str| json!([{"role": text, "name": text}]);
    let filled = |text: &str| {
        let mut body: Value = texts.iter().map(|name| ((*name).to_owned(), json!(text))).collect();
        body["customers"] = customers(text);
        body
    };
    let mut create = filled("x");
    create["tracking_number"] = json!("1234567890");
    let id = client.created(&create.to_string()).await;
    let answer = client.put(&id, &filled("").to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for name in texts {
        assert_eq!(answer.data()[name], Value::Null, "{name}");
        let mut create = json!({"tracking_number": "1234567891"});
        create[name] = json!("");
        assert_eq!(client.create(&create.to_string()).await.code(), 4008, "{name}");
    }
    assert_eq!(answer.data()["customers"][0]["name"], "");
}

#[tokio::test]
async fn custom_fields_are_replaced_or_merged() {
    let client = Client::new();
    let id = client
        .created(r#"{"tracking_number":"1234567890","custom_fields":{"a":"1","b":"2"}}"#)
        .await;
    client.simulator.configure(|options| options.custom_fields_update = CustomFieldsUpdate::Merge);
    let fields = async |given: &str| {
        let answer = client.put(&id, &format!(r#"{{"custom_fields":{given}}}"#)).await;
        answer.data()["custom_fields"].clone()
    };
    assert_eq!(fields(r#"{"b":"3","c":"4"}"#).await, json!({"a": "1", "b": "3", "c": "4"}));
    assert_eq!(fields("{}").await, json!({"a": "1", "b": "3", "c": "4"}));
    client
        .simulator
        .configure(|options| options.custom_fields_update = CustomFieldsUpdate::Replace);
    assert_eq!(fields(r#"{"d":"5"}"#).await, json!({"d": "5"}));
}

#[tokio::test]
async fn a_deleted_tracking_is_answered_once_more() {
    let client = Client::new();
    let id = client.created(CREATE).await;
    let before = client.get(&id).await;
    let path = format!("{TRACKINGS}/{id}");
    assert_eq!(client.send("DELETE", &path, "").await.data(), before.data());
    for method in ["GET", "DELETE", "PUT"] {
        let answer = client.send(method, &path, "{}").await;
        assert_eq!((answer.status, answer.code()), (404, 4004), "{method}");
        assert_eq!(answer.json["meta"]["type"], "BadRequest");
    }
    assert_eq!(client.simulator.count(), 0);
    client.created(CREATE).await;
}

#[tokio::test]
async fn malformed_ids_are_told() {
    let client = Client::new();
    let long = "x".repeat(129);
    for id in ["a.b", "a%20b", "%C3%A9", long.as_str()] {
        let answer = client.get(id).await;
        assert_eq!((answer.status, answer.code()), (400, 4015), "{id}");
    }
}

#[tokio::test]
async fn completion_follows_the_reason() {
    for (reason, tag, subtag, returned) in [
        ("DELIVERED", "Delivered", "Delivered_001", false),
        ("LOST", "Exception", "Exception_013", false),
        ("RETURNED_TO_SENDER", "Exception", "Exception_011", true),
    ] {
        let client = Client::new();
        let id = client.created(CREATE).await;
        client.clock.advance(5_000);
        let body = format!(r#"{{"reason":"{reason}","event_datetime":"2026-11-20"}}"#);
        let answer = client.act(&id, "mark-as-completed", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let data = answer.data();
        assert_eq!((&data["tag"], &data["subtag"]), (&json!(tag), &json!(subtag)));
        assert_eq!(data["active"], false);
        assert_eq!(data["return_to_sender"], returned);
        assert_eq!(data["updated_at"], "2026-11-22T12:00:05+00:00");
        let checkpoint = &data["checkpoints"][0];
        assert_eq!(
            (&checkpoint["source"], &checkpoint["subtag"]),
            (&json!("user"), &json!(subtag))
        );
        assert_eq!(checkpoint["checkpoint_time"], "2026-11-20");
        assert_eq!(client.scan(&format!("return_to_sender={returned}")).await.len(), 1);
    }
}

#[tokio::test]
async fn completion_needs_a_known_reason() {
    let client = Client::new();
    let id = client.created(CREATE).await;
    for (body, code) in [
        ("", 4001),
        ("{}", 4009),
        (r#"{"reason":null}"#, 4008),
        (r#"{"reason":"delivered"}"#, 4008),
        (r#"{"reason":"LOST","event_datetime":"yesterday"}"#, 4008),
        (r#"{"reason":"LOST","event_datetime":null}"#, 4008),
        (r#"{"reason":"LOST","more":1}"#, 400),
    ] {
        assert_eq!(client.act(&id, "mark-as-completed", body).await.code(), code, "{body}");
    }
    assert_eq!(client.act("unknown", "mark-as-completed", "{}").await.code(), 4004);
}

#[tokio::test]
async fn retracks_are_for_inactive_trackings_and_limited() {
    for most in [1, 3] {
        let client = Client::with(|options| options.max_retracks = most);
        let id = client.created(CREATE).await;
        assert_eq!(client.act(&id, "retrack", "").await.code(), 4013);
        for _ in 0..most {
            client.act(&id, "mark-as-completed", r#"{"reason":"LOST"}"#).await;
            let answer = client.act(&id, "retrack", "").await;
            assert_eq!((answer.status, &answer.data()["active"]), (200, &json!(true)));
            assert_eq!(answer.data()["tag"], "Exception");
        }
        client.act(&id, "mark-as-completed", r#"{"reason":"LOST"}"#).await;
        let answer = client.act(&id, "retrack", "").await;
        assert_eq!((answer.status, answer.code()), (400, 4016));
    }
}

#[tokio::test]
async fn a_retrack_may_answer_partially() {
    let client = Client::with(|options| options.retrack_answer = RetrackAnswer::Partial);
    let one = tracking("a", "2026-11-20T00:00:00+00:00", r#","active":false,"title":"t""#);
    client.simulator.insert(&one).unwrap();
    let answer = client.act("a", "retrack", "").await;
    assert_eq!(
        answer.data(),
        &json!({"id": "a", "tracking_number": "N-a", "slug": "dhl", "active": true})
    );
    assert_eq!(client.get("a").await.data()["title"], "t");
}

#[tokio::test]
async fn customers_are_replaced_by_an_update() {
    let client = Client::new();
    let id = client
        .created(r#"{"tracking_number":"1234567890","customers":[{"name":"A"},{"name":"B"}]}"#)
        .await;
    let update = r#"{"customers":[{"email":"c@example.com","phone_number":"+1555"}]}"#;
    let answer = client.put(&id, update).await;
    assert_eq!(
        answer.data()["customers"],
        json!([{"role": null, "name": null, "phone_number": "+1555", "email": "c@example.com",
                "language": null, "id": null}])
    );
    assert_eq!(client.put(&id, r#"{"customers":[]}"#).await.data()["customers"], json!([]));
}
