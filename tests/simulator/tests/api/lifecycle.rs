//! What happens to a tracking after its creation.

use aftership_simulator::CustomFieldsUpdate;
use serde_json::{Value, json};

use crate::client::Client;

const CREATE: &str = r#"{"tracking_number":"1234567890","note":"n","title":"t"}"#;

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
