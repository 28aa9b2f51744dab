//! AfterShip's trackings.

use host_harness::contract::actions::Outcome;
use host_harness::contract::types::{DataRecord, ErrorKind, WrittenRecord};
use serde_json::{Value, json};

use super::{UPS, accepted, all, all_valid, steps, try_invoke, valid};
use crate::support::world::{World, kind};

const OBJECT: &str = "trackings";

#[tokio::test(start_paused = true)]
async fn list() {
    let world = World::new().await;
    world.simulator.seed(5, 250);
    let records = world.scan(all(OBJECT, None)).await;
    assert_eq!(records.len(), 250);
    for (record, data) in records.iter().zip(all_valid(&world, OBJECT, &records).await) {
        assert_eq!(data, world.stored(&record.id));
    }
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    let record = world.connection.get(OBJECT, &id).await.unwrap();
    assert_eq!(valid(&world, OBJECT, &record).await, world.stored(&id));
}

#[tokio::test(start_paused = true)]
async fn find() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    let wish = |slug: &str| json!({"tracking_number": UPS, "slug": slug}).to_string();
    let found = world.connection.find_each(OBJECT, &[wish("dhl"), wish("ups")]).await.unwrap();
    let ids: Vec<Vec<&str>> =
        found.iter().map(|list| list.iter().map(|record| record.id.as_str()).collect()).collect();
    assert_eq!(ids, [vec![], vec![id.as_str()]]);
    assert_eq!(world.requests().len(), 2, "the creation, and one request for both");
}

#[tokio::test(start_paused = true)]
async fn create() {
    let world = World::new().await;
    let wish = json!({"tracking_number": UPS, "slug": "ups", "title": "Shoes"}).to_string();
    let made = world.connection.create(OBJECT, &wish).await.unwrap().record().unwrap();
    assert_eq!(valid(&world, OBJECT, &made).await["title"], "Shoes");
    let again = world.connection.create(OBJECT, &wish).await;
    assert_eq!(kind(again), ErrorKind::Conflict(Some(made.id)));
}

#[tokio::test(start_paused = true)]
async fn update() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    let written = world.connection.update(OBJECT, &id, r#"{"note":"at the door"}"#).await.unwrap();
    assert_eq!(valid(&world, OBJECT, &written.record().unwrap()).await["note"], "at the door");
    assert_eq!(world.stored(&id)["note"], "at the door");
}

#[tokio::test(start_paused = true)]
async fn delete() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    world.connection.delete(OBJECT, &id).await.unwrap();
    assert!(world.simulator.tracking(&id).is_none());
    assert_eq!(kind(world.connection.delete(OBJECT, &id).await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn subscribe() {
    let world = World::new().await;
    let ours = steps(&world, OBJECT, "https://hooks.example.com/a").await;
    let webhooks = steps(&world, "webhooks", "https://hooks.example.com/a").await;
    assert_eq!(format!("{ours:?}"), format!("{webhooks:?}"));
}

#[tokio::test(start_paused = true)]
async fn retrack() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    complete(&world, &id).await;
    assert_eq!(world.stored(&id)["active"], false);
    let outcome = try_invoke(&world, OBJECT, "retrack", Some(&id), "{}").await.unwrap();
    let described = world.connection.connector().describe(OBJECT).await.unwrap();
    let retrack = described.actions.iter().find(|action| action.name == "retrack").unwrap();
    assert_eq!(accepted(&retrack.output_schema, &outcome.output)["active"], true);
    assert_eq!(world.stored(&id)["active"], true);
}

#[tokio::test(start_paused = true)]
async fn mark_as_completed() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    let after = complete(&world, &id).await;
    assert_eq!((&after["tag"], &after["active"]), (&json!("Delivered"), &json!(false)));
    assert_eq!(world.stored(&id), after);
}

async fn complete(world: &World, id: &str) -> Value {
    let input = r#"{"reason":"DELIVERED"}"#;
    let outcome = try_invoke(world, OBJECT, "mark-as-completed", Some(id), input).await.unwrap();
    valid(world, OBJECT, changed(&outcome)).await
}

fn changed(outcome: &Outcome) -> &DataRecord {
    match &outcome.written[0].item {
        WrittenRecord::Whole(record) => record,
        other @ WrittenRecord::Id(_) => panic!("{other:?}"),
    }
}
