//! Delivery dates: those inside trackings, and AfterShip's predictions.

use host_harness::contract::types::ErrorKind;
use serde_json::{Value, json};

use super::{UPS, all, all_valid, invoke, pointers, try_invoke};
use crate::support::world::{World, kind};

const OBJECT: &str = "estimated-delivery-dates";

fn request() -> Value {
    json!({
        "slug": "fedex",
        "origin_address": { "country_region": "USA", "state": "WA", "postal_code": "98108" },
        "destination_address": { "country_region": "USA", "state": "CA", "postal_code": "92019" },
        "pickup_time": "2026-11-23 15:00:00",
    })
}

async fn dated() -> World {
    let world = World::new().await;
    world.simulator.seed(5, 60);
    world.create(UPS, "ups").await;
    world
}

#[tokio::test(start_paused = true)]
async fn list() {
    let world = dated().await;
    let records = world.scan(all(OBJECT, None)).await;
    assert!(!records.is_empty() && records.len() <= 60, "one for each tracking that has a date");
    for (record, data) in records.iter().zip(all_valid(&world, OBJECT, &records).await) {
        let tracking = world.stored(&record.id);
        for (name, value) in data.as_object().unwrap() {
            if name != "tracking_id" {
                assert_eq!(&tracking[name], value, "{name}, as it came");
            }
        }
    }
    let judged = |record: &&_| {
        let record: &host_harness::contract::types::DataRecord = record;
        record.data.contains("\"on_time_status\":\"")
    };
    assert!(records.iter().any(|record| judged(&record)), "on-time status and difference show");
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = dated().await;
    let records = world.scan(all(OBJECT, None)).await;
    assert_eq!(world.connection.get(OBJECT, &records[0].id).await.unwrap(), records[0]);
    let fresh = world.create(UPS, "fedex").await;
    assert_eq!(kind(world.connection.get(OBJECT, &fresh).await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn derive() {
    let world = dated().await;
    let parents = world.scan(all("trackings", None)).await;
    let before = world.requests().len();
    let derived = world.connection.derive(&[OBJECT.to_owned()], parents).await.unwrap().remove(0);
    assert_eq!(world.requests().len(), before, "no request");
    let derived: Vec<_> = derived.into_iter().flatten().collect();
    let listed = world.scan(all(OBJECT, None)).await;
    assert_eq!(derived.len(), listed.len());
    assert!(derived.iter().all(|record| listed.contains(record)));
}

#[tokio::test(start_paused = true)]
async fn predict() {
    let world = World::new().await;
    let one = invoke(&world, OBJECT, "predict", request()).await;
    assert!(one["estimated_delivery_date"].as_str().unwrap().starts_with("2026-"), "{one}");
    let before = world.requests().len();
    let mut nowhere = request();
    nowhere["destination_address"] = json!({ "country_region": "USA" });
    let refused = try_invoke(&world, OBJECT, "predict", None, &nowhere.to_string()).await;
    assert!(pointers(refused)[0].starts_with("/destination_address"));
    assert_eq!(world.requests().len(), before, "refused before it was sent");
}

#[tokio::test(start_paused = true)]
async fn predict_batch() {
    let world = World::new().await;
    let batch = |count: usize| json!({ "estimated_delivery_dates": vec![request(); count] });
    let five = invoke(&world, OBJECT, "predict-batch", batch(5)).await;
    assert_eq!(five["estimated_delivery_dates"].as_array().unwrap().len(), 5);
    let before = world.requests().len();
    for wrong in [0, 6] {
        let batch = batch(wrong).to_string();
        let refused = try_invoke(&world, OBJECT, "predict-batch", None, &batch).await;
        assert_eq!(pointers(refused), ["/estimated_delivery_dates"]);
    }
    assert_eq!(world.requests().len(), before, "refused before it was sent");
}
