//! Who is told about a tracking, inside trackings.

use host_harness::contract::types::{ErrorKind, Written};
use serde_json::{Value, json};

use super::{UPS, all, pointers, valid};
use crate::support::world::{World, kind};

const OBJECT: &str = "notifications";

fn wish(id: &str, emails: &[&str]) -> String {
    let customers: Vec<Value> = emails.iter().map(|email| json!({ "email": email })).collect();
    json!({ "tracking_id": id, "customers": customers }).to_string()
}

fn emails(record: &Value) -> Vec<&str> {
    let customers = record["customers"].as_array().unwrap();
    customers.iter().map(|customer| customer["email"].as_str().unwrap()).collect()
}

async fn add(world: &World, id: &str, addresses: &[&str]) -> Written {
    world.once().create(OBJECT, &wish(id, addresses)).await.unwrap().written
}

#[tokio::test(start_paused = true)]
async fn list() {
    let world = World::new().await;
    let told = world.create(UPS, "ups").await;
    world.create(UPS, "fedex").await;
    add(&world, &told, &["ann@example.com"]).await;
    let records = world.scan(all(OBJECT, None)).await;
    assert_eq!(records.len(), 1, "only trackings that somebody is told about");
    let data = valid(&world, OBJECT, &records[0]).await;
    assert_eq!((records[0].id.as_str(), emails(&data)), (told.as_str(), vec!["ann@example.com"]));
    let channel = json!([{ "channel": "email", "address": "ann@example.com" }]);
    assert_eq!(data["recipients"], channel);
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    assert_eq!(kind(world.connection.get(OBJECT, &id).await), ErrorKind::NotFound);
    let written = add(&world, &id, &["ann@example.com"]).await;
    assert_eq!(world.connection.get(OBJECT, &id).await.unwrap(), written.record().unwrap());
}

#[tokio::test(start_paused = true)]
async fn derive() {
    let world = World::new().await;
    let told = world.create(UPS, "ups").await;
    let item = add(&world, &told, &["ann@example.com"]).await.record().unwrap();
    world.create(UPS, "fedex").await;
    let parents = world.scan(all("trackings", None)).await;
    let derived = world.connection.derive(&[OBJECT.to_owned()], parents).await.unwrap();
    assert_eq!(derived.into_iter().flatten().flatten().collect::<Vec<_>>(), [item]);
}

#[tokio::test(start_paused = true)]
async fn find() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    let input = wish(&id, &["ann@example.com"]);
    assert!(world.connection.find(OBJECT, &input).await.unwrap().is_empty());
    let item = add(&world, &id, &["ann@example.com"]).await.record().unwrap();
    assert_eq!(world.connection.find(OBJECT, &input).await.unwrap(), [item]);
}

#[tokio::test(start_paused = true)]
async fn create() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    add(&world, &id, &["ann@example.com"]).await;
    let both = add(&world, &id, &["bob@example.com"]).await;
    let data = valid(&world, OBJECT, &both.clone().record().unwrap()).await;
    assert_eq!(emails(&data), ["ann@example.com", "bob@example.com"], "others are kept");
    let holder = both.also("trackings").unwrap();
    assert_eq!(valid(&world, "trackings", holder).await, world.stored(&id));

    let before = world.requests().len();
    add(&world, &id, &["Bob@example.com"]).await;
    let reads = world.requests().split_off(before);
    assert_eq!(reads, [format!("GET /tracking/2026-07/trackings/{id}")], "who is there stays");

    let four = wish(&id, &["c@example.com", "d@example.com"]);
    let refused = world.once().create(OBJECT, &four).await;
    assert_eq!(pointers(refused), ["/customers/1"]);
    assert_eq!(emails(&world.stored(&id)), ["ann@example.com", "bob@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn update() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    add(&world, &id, &["ann@example.com"]).await;
    let patch = r#"{"customers":[{"email":"eve@example.com","name":"Eve"}]}"#;
    let written = world.connection.update(OBJECT, &id, patch).await.unwrap();
    assert_eq!(
        emails(&valid(&world, OBJECT, &written.clone().record().unwrap()).await),
        ["eve@example.com"]
    );
    assert_eq!(emails(&world.stored(&id)), ["eve@example.com"]);
    assert!(written.also("trackings").is_some());
}

#[tokio::test(start_paused = true)]
async fn delete() {
    let world = World::new().await;
    let id = world.create(UPS, "ups").await;
    add(&world, &id, &["ann@example.com", "bob@example.com"]).await;
    world.connection.delete(OBJECT, &id).await.unwrap();
    assert!(emails(&world.stored(&id)).is_empty());
    assert_eq!(kind(world.connection.delete(OBJECT, &id).await), ErrorKind::NotFound);
}
