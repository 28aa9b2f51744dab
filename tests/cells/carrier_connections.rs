//! The account's own connections to carriers, whose credentials go in and never come out.

use aftership_simulator::ConnectionAnswer;
use host_harness::contract::types::{DataRecord, ErrorKind};
use serde_json::{Value, json};

use super::{all, pointers, valid};
use crate::support::world::{World, kind};

const OBJECT: &str = "carrier-connections";
const SECRET: &str = "carrier-canary-77f1";

/// A courier that wants credentials, and a wish for a connection with them.
async fn courier(world: &World) -> (String, Value) {
    for record in world.scan(all("couriers", None)).await {
        let courier: Value = serde_json::from_str(&record.data).unwrap();
        let fields = courier["credentials"]["fields"].as_array().cloned().unwrap_or_default();
        let wanted = fields.iter().filter(|field| field["required"] == true);
        let mut credentials = json!({});
        for field in wanted {
            credentials[field["name"].as_str().unwrap()] = json!(SECRET);
        }
        if credentials != json!({}) {
            return (record.id, credentials);
        }
    }
    panic!("no courier wants credentials");
}

async fn connected(world: &World) -> DataRecord {
    let (slug, credentials) = courier(world).await;
    let wish = json!({ "courier_slug": slug, "credentials": credentials }).to_string();
    world.once().create(OBJECT, &wish).await.unwrap().record().unwrap()
}

async fn redacted(world: &World, record: &DataRecord) -> Value {
    assert!(!record.data.contains(SECRET), "{}", record.data);
    valid(world, OBJECT, record).await
}

#[tokio::test(start_paused = true)]
async fn list() {
    let world = World::new().await;
    let made = connected(&world).await;
    connected(&world).await;
    let request =
        host_harness::contract::records::ListRequest { page_size: Some(1), ..all(OBJECT, None) };
    let records = world.scan(request).await;
    assert_eq!(records.len(), 2, "page by page");
    for record in &records {
        redacted(&world, record).await;
    }
    assert!(records.contains(&made));
    let other = world.scan(all(OBJECT, Some(json!({ "courier_slug": "ups" })))).await;
    assert!(other.is_empty());
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = World::new().await;
    let made = connected(&world).await;
    assert_eq!(world.connection.get(OBJECT, &made.id).await.unwrap(), made);
    assert_eq!(kind(world.connection.get(OBJECT, "nothing").await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn find() {
    let world = World::new().await;
    let (slug, credentials) = courier(&world).await;
    let wish = json!({ "courier_slug": slug, "credentials": credentials }).to_string();
    assert!(world.connection.find(OBJECT, &wish).await.unwrap().is_empty());
    let made = connected(&world).await;
    let found = world.connection.find(OBJECT, &wish).await.unwrap();
    assert_eq!(found, [made]);
    redacted(&world, &found[0]).await;
    // What is masked fits nothing, and "none" would have it made again.
    world.simulator.configure(|options| options.connection_answer = ConnectionAnswer::Masked);
    assert_eq!(pointers(world.connection.find(OBJECT, &wish).await), ["/credentials"]);
}

#[tokio::test(start_paused = true)]
async fn create() {
    let world = World::new().await;
    let (slug, credentials) = courier(&world).await;
    let made = connected(&world).await;
    assert_eq!(redacted(&world, &made).await["courier_slug"], slug.as_str());
    let names: Vec<String> = credentials.as_object().unwrap().keys().cloned().collect();
    let wish = json!({ "courier_slug": slug, "credentials": { "other": SECRET } }).to_string();
    let refused = world.once().create(OBJECT, &wish).await;
    let told = format!("{refused:?}");
    assert!(!told.contains(SECRET), "{told}");
    let missing: Vec<String> = names.iter().map(|name| format!("/credentials/{name}")).collect();
    assert_eq!(pointers(refused), missing);
    let writes = world.requests().into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(writes, 1, "what is missing is told before anything is written");
}

#[tokio::test(start_paused = true)]
async fn update() {
    let world = World::new().await;
    let made = connected(&world).await;
    let (_, mut credentials) = courier(&world).await;
    for value in credentials.as_object_mut().unwrap().values_mut() {
        *value = json!(format!("{SECRET}-new"));
    }
    let patch = json!({ "credentials": credentials }).to_string();
    let written = world.connection.update(OBJECT, &made.id, &patch).await.unwrap();
    redacted(&world, &written.record().unwrap()).await;
    let before = world.requests().len();
    let wrong = world.connection.update(OBJECT, &made.id, r#"{"courier_slug":"ups"}"#).await;
    assert_eq!(pointers(wrong), ["/courier_slug", "/credentials"]);
    assert_eq!(world.requests().len(), before, "refused before it was sent");
    // A mask that went back would take the credential's place.
    world.simulator.configure(|options| options.connection_answer = ConnectionAnswer::Masked);
    let more = json!({ "credentials": { "more": SECRET } }).to_string();
    assert_eq!(pointers(world.connection.update(OBJECT, &made.id, &more).await), ["/credentials"]);
    world.connection.update(OBJECT, &made.id, &patch).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn delete() {
    let world = World::new().await;
    let made = connected(&world).await;
    world.connection.delete(OBJECT, &made.id).await.unwrap();
    assert_eq!(kind(world.connection.get(OBJECT, &made.id).await), ErrorKind::NotFound);
    assert_eq!(kind(world.connection.delete(OBJECT, &made.id).await), ErrorKind::NotFound);
}
