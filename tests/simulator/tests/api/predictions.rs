//! Predictions of delivery dates.

use aftership_simulator::PredictAnswer;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const PREDICT: &str = "/tracking/2026-07/estimated-delivery-date/predict";
const BATCH: &str = "/tracking/2026-07/estimated-delivery-date/predict-batch";

/// A good request, picked up on a Monday.
fn request() -> Value {
    json!({
        "slug": "fedex",
        "service_type_name": "GROUND",
        "origin_address": {"country_region": "USA", "state": "WA", "postal_code": "98101"},
        "destination_address": {"country_region": "USA", "city": "Reno", "postal_code": "89501"},
        "weight": {"unit": "kg", "value": 2.5},
        "package_count": 2,
        "pickup_time": "2026-11-23 15:00:00",
    })
}

/// The same with the pickup to be found from an order.
fn ordered(estimated_pickup: &Value) -> Value {
    let mut request = request();
    request["pickup_time"] = Value::Null;
    request["estimated_pickup"] = estimated_pickup.clone();
    request
}

async fn predict(client: &Client, body: &Value) -> Answer {
    client.send("POST", PREDICT, &body.to_string()).await
}

fn weekday(date: &Value) -> time::Weekday {
    let mut parts = date.as_str().unwrap().split('-').map(|part| part.parse::<i32>().unwrap());
    let [year, month, day] = std::array::from_fn(|_| parts.next().unwrap());
    let month = time::Month::try_from(u8::try_from(month).unwrap()).unwrap();
    time::Date::from_calendar_date(year, month, u8::try_from(day).unwrap()).unwrap().weekday()
}

#[tokio::test]
async fn a_prediction_repeats_what_was_asked_and_adds_the_days() {
    let client = Client::new();
    let answer = predict(&client, &request()).await;
    assert_eq!((answer.status, answer.code()), (200, 200), "{}", answer.text);
    let data = answer.data();
    for name in ["slug", "service_type_name", "weight", "package_count", "pickup_time"] {
        assert_eq!(data[name], request()[name], "{name}");
    }
    assert_eq!(
        data["origin_address"],
        json!({"country_region": "USA", "state": "WA", "postal_code": "98101",
               "raw_location": null, "city": null})
    );
    assert_eq!(data["estimated_pickup"], Value::Null);
    assert_eq!(data["confidence_code"], 10000);
    assert_eq!(data["id"].as_str().unwrap().len(), 32);
    assert_eq!(data.as_object().unwrap().len(), 13);
    let day = |name: &str| data[name].as_str().unwrap().to_owned();
    let (min, likely, max) = (
        day("estimated_delivery_date_min"),
        day("estimated_delivery_date"),
        day("estimated_delivery_date_max"),
    );
    assert!("2026-11-23" < min.as_str() && min < likely && likely < max, "{min} {likely} {max}");
    let mut again = predict(&client, &request()).await.data().clone();
    assert_ne!(again["id"], data["id"], "nothing is stored, each has its own id");
    again["id"] = data["id"].clone();
    assert_eq!(&again, data);
}

#[tokio::test]
async fn deliveries_fall_on_working_days_and_take_longer_abroad() {
    let client = Client::new();
    for day in 1..=28 {
        let mut body = request();
        body["pickup_time"] = json!(format!("2026-02-{day:02} 08:00:00"));
        let home = predict(&client, &body).await;
        body["destination_address"]["country_region"] = json!("DEU");
        let abroad = predict(&client, &body).await;
        for answer in [&home, &abroad] {
            for name in ["", "_min", "_max"] {
                let date = &answer.data()[format!("estimated_delivery_date{name}")];
                let weekday = weekday(date).number_days_from_monday();
                assert!(weekday < 5, "{date}");
            }
        }
        let likely = |answer: &Answer| answer.data()["estimated_delivery_date"].to_string();
        assert!(likely(&home) <= likely(&abroad));
        assert_eq!(abroad.data()["confidence_code"], 20001);
    }
}

#[tokio::test]
async fn the_pickup_follows_from_the_order() {
    let client = Client::new();
    // 2026-11-20 is a Friday.
    let rows = [
        (json!({"order_time": "2026-11-20 15:00:00"}), "2026-11-20 18:00:00"),
        (json!({"order_time": "2026-11-20 18:00:00"}), "2026-11-20 18:00:00"),
        (json!({"order_time": "2026-11-20 18:00:01"}), "2026-11-23 18:00:00"),
        (json!({"order_time": "2026-11-21 09:00:00"}), "2026-11-23 18:00:00"),
        (
            json!({"order_time": "2026-11-20 15:00:00", "order_cutoff_time": "12:30:00",
                   "business_days": [6, 7]}),
            "2026-11-21 12:30:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00",
                   "order_processing_time": {"unit": "day", "value": 6}}),
            "2026-11-30 18:00:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00", "business_days": [1, 2, 3, 4, 5, 6, 7],
                   "order_processing_time": {"unit": "day", "value": 1}}),
            "2026-11-21 18:00:00",
        ),
    ];
    for (order, pickup) in rows {
        let answer = predict(&client, &ordered(&order)).await;
        let shown = &answer.data()["estimated_pickup"];
        assert_eq!(shown["pickup_time"], pickup, "{order}: {}", answer.text);
        for (name, value) in order.as_object().unwrap() {
            assert_eq!(&shown[name], value);
        }
        assert_eq!(answer.data()["pickup_time"], Value::Null);
    }
    let answer = predict(&client, &ordered(&json!({"order_time": "2026-11-20 15:00:00"}))).await;
    assert_eq!(
        answer.data()["estimated_pickup"],
        json!({"order_time": "2026-11-20 15:00:00", "order_cutoff_time": "18:00:00",
               "business_days": [1, 2, 3, 4, 5],
               "order_processing_time": {"unit": "day", "value": 0},
               "pickup_time": "2026-11-20 18:00:00"})
    );
}

/// A good request with one member changed; the path is a JSON pointer.
fn changed(path: &str, value: Value) -> Value {
    let mut body = request();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::String(gone) if gone == "-" => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    body
}

#[tokio::test]
async fn each_rule_names_its_member() {
    let client = Client::new();
    let long = |length: usize| json!("x".repeat(length));
    let rows = [
        ("/slug", json!("-"), "`slug`"),
        ("/slug", json!("FedEx"), "`slug`"),
        ("/service_type_name", json!(7), "`service_type_name`"),
        ("/origin_address", json!("-"), "`origin_address`"),
        ("/origin_address", json!("WA"), "`origin_address`"),
        ("/origin_address/country_region", json!("-"), "`origin_address.country_region`"),
        ("/origin_address/country_region", json!("US"), "`origin_address.country_region`"),
        ("/origin_address/country", json!("USA"), "`origin_address.country`"),
        ("/destination_address/postal_code", json!("-"), "`destination_address.state`"),
        ("/destination_address/postal_code", json!(""), "`destination_address.state`"),
        ("/destination_address/postal_code", json!(89501), "`destination_address.postal_code`"),
        ("/destination_address/city", long(257), "`destination_address.city`"),
        ("/destination_address/raw_location", long(513), "`destination_address.raw_location`"),
        ("/weight", json!(2.5), "`weight`"),
        ("/weight/unit", json!("-"), "`weight.unit`"),
        ("/weight/value", json!("2"), "`weight.value`"),
        ("/weight/value", json!(-1), "`weight.value`"),
        ("/package_count", json!(0), "`package_count`"),
        ("/package_count", json!(1.5), "`package_count`"),
        ("/package_count", json!("1"), "`package_count`"),
        ("/pickup_time", json!("-"), "`pickup_time`"),
        ("/pickup_time", json!(""), "`pickup_time`"),
        ("/pickup_time", json!("tomorrow"), "`pickup_time`"),
        ("/pickup_time", json!("2026-02-30 15:00:00"), "`pickup_time`"),
        ("/pickup_time", json!("9999-12-31 15:00:00"), "`pickup_time`"),
        ("/estimated_pickup", json!("2026-11-23 15:00:00"), "`estimated_pickup`"),
        ("/confidence_code", json!(1), "`confidence_code`"),
    ];
    for (path, value, word) in rows {
        let answer = predict(&client, &changed(path, value)).await;
        assert_eq!((answer.status, answer.code()), (400, 400), "{path}: {}", answer.text);
        assert_eq!(answer.json["meta"]["type"], "BadRequest");
        assert_eq!(answer.data(), &json!({}));
        let message = answer.json["meta"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{path}: {message}");
    }
    let order = |name: &str, value: Value| {
        let mut order = json!({"order_time": "2026-11-20 15:00:00"});
        order[name] = value;
        ordered(&order)
    };
    for (name, value) in [
        ("order_time", Value::Null),
        ("order_time", json!("2026-11-20")),
        ("order_cutoff_time", json!("24:00:00")),
        ("business_days", json!([])),
        ("business_days", json!([8])),
        ("business_days", json!("1")),
        ("order_processing_time", json!(1)),
        ("order_processing_time", json!({"unit": 7, "value": 1})),
        ("order_processing_time", json!({"unit": "day", "value": -1})),
        ("pickup_time", json!("2026-11-20 18:00:00")),
    ] {
        let answer = predict(&client, &order(name, value.clone())).await;
        assert_eq!(answer.code(), 400, "{name}: {value}");
        assert!(answer.text.contains(&format!("estimated_pickup.{name}")), "{}", answer.text);
    }
    assert_eq!(client.send("POST", PREDICT, "[]").await.code(), 4001);
}

#[tokio::test]
async fn the_edges_of_the_rules_are_taken() {
    let client = Client::new();
    for (path, value) in [
        ("/service_type_name", Value::Null),
        ("/weight", Value::Null),
        ("/package_count", Value::Null),
        ("/estimated_pickup", Value::Null),
        ("/origin_address/postal_code", Value::Null),
        ("/destination_address/city", json!("é".repeat(256))),
        ("/destination_address/raw_location", json!("é".repeat(512))),
        ("/weight/value", json!(0)),
        ("/pickup_time", json!("2026-11-23T15:00:00+01:00")),
        ("/pickup_time", json!("2026-11-23 15:00")),
    ] {
        let answer = predict(&client, &changed(path, value)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let vague = changed("/origin_address/postal_code", Value::Null);
    assert_eq!(predict(&client, &vague).await.data()["confidence_code"], 30004);
    client.simulator.configure(|options| options.lenient = true);
    assert_eq!(predict(&client, &changed("/origin_address/x", json!(1))).await.status, 200);
}

/// The service has answered so.
#[tokio::test]
async fn a_pickup_may_be_told_and_estimated() {
    let client = Client::new();
    let mut body = request();
    for (order, shown) in [
        (json!({"order_cutoff_time": "20:00"}), ""),
        (
            json!({"order_time": "2026-11-20 15:00:00", "business_days": [0, 6]}),
            "2026-11-21 18:00:00",
        ),
        (
            json!({"order_time": "2026-11-20 09:00:00",
                   "order_processing_time": {"unit": "hours", "value": 3}}),
            "2026-11-20 18:00:00",
        ),
    ] {
        body["estimated_pickup"] = order;
        let answer = predict(&client, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.data()["pickup_time"], "2026-11-23 15:00:00");
        assert_eq!(answer.data()["estimated_pickup"]["pickup_time"], shown);
        let alone = predict(&client, &ordered(&body["estimated_pickup"])).await;
        assert_eq!(alone.status, if shown.is_empty() { 400 } else { 200 }, "{}", alone.text);
    }
}

#[tokio::test]
async fn the_answer_may_be_a_list_of_one() {
    let client = Client::with(|options| options.predict_answer = PredictAnswer::List);
    let answer = predict(&client, &request()).await;
    let list = answer.data()["estimated_delivery_dates"].as_array().unwrap();
    assert_eq!((list.len(), &list[0]["slug"]), (1, &json!("fedex")));
    assert_eq!(answer.data().as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_or_not_at_all() {
    let client = Client::new();
    let batch = |requests: &[Value]| json!({ "estimated_delivery_dates": requests }).to_string();
    let mut requests: Vec<_> =
        (1..=5).map(|count| changed("/package_count", json!(count))).collect();
    let answer = client.send("POST", BATCH, &batch(&requests)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.data()["estimated_delivery_dates"].as_array().unwrap();
    let counts: Vec<_> = list.iter().map(|one| one["package_count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5]);
    assert_eq!(
        list.iter().map(|one| &one["id"]).collect::<std::collections::HashSet<_>>().len(),
        5
    );

    requests[3]["slug"] = json!("?");
    let answer = client.send("POST", BATCH, &batch(&requests)).await;
    assert_eq!((answer.status, answer.data()), (400, &json!({})));
    assert!(answer.text.contains("`estimated_delivery_dates[3].slug`"), "{}", answer.text);
    requests[3] = json!("x");
    assert_eq!(client.send("POST", BATCH, &batch(&requests)).await.code(), 400);

    let six = vec![request(); 6];
    for body in [&batch(&[]), &batch(&six), "{}", r#"{"estimated_delivery_dates":{}}"#] {
        assert_eq!(client.send("POST", BATCH, body).await.code(), 400, "{body}");
    }
    assert_eq!(client.send("POST", BATCH, &request().to_string()).await.code(), 400);
}

#[tokio::test]
async fn an_account_may_have_no_predictions() {
    let client = Client::with(|options| options.predictions = false);
    for path in [PREDICT, BATCH] {
        let answer = client.send("POST", path, &request().to_string()).await;
        assert_eq!((answer.status, answer.code()), (403, 403));
        assert_eq!(answer.json["meta"]["type"], "Forbidden");
    }
    assert_eq!(client.list("").await.status, 200);
}
