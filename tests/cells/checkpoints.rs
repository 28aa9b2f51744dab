//! Carrier scans, inside trackings.

use std::collections::BTreeSet;

use host_harness::contract::types::ErrorKind;
use serde_json::{Value, json};

use super::{UPS, all, all_valid};
use crate::support::world::{World, kind};

const OBJECT: &str = "checkpoints";

async fn delivering() -> World {
    let world = World::new().await;
    world.simulator.seed(5, 60);
    world
}

fn scans(tracking: &Value) -> Vec<Value> {
    tracking["checkpoints"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn list() {
    let world = delivering().await;
    let mut expected = 0;
    for tracking in world.simulator.trackings() {
        expected += scans(&serde_json::from_str(&tracking).unwrap()).len();
    }
    let records = world.scan(all(OBJECT, None)).await;
    assert_eq!(records.len(), expected);
    let ids: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids.len(), expected, "each has its own id");
    for data in all_valid(&world, OBJECT, &records).await {
        let tracking = world.stored(data["tracking_id"].as_str().unwrap());
        let as_it_came = |scan: &Value| {
            scan.as_object().unwrap().iter().all(|(name, value)| &data[name] == value)
        };
        assert!(scans(&tracking).iter().any(as_it_came), "{data}");
    }
    // By the scan's own status, which is seldom the tracking's.
    let filter = json!({ "checkpoint_tag": "OutForDelivery" });
    let chosen = world.scan(all(OBJECT, Some(filter))).await;
    let is_out = |data: &str| data.contains(r#""tag":"OutForDelivery""#);
    assert_eq!(chosen.len(), records.iter().filter(|record| is_out(&record.data)).count());
    assert!(!chosen.is_empty());
    let tracking = world.simulator.trackings().remove(7);
    let tracking: Value = serde_json::from_str(&tracking).unwrap();
    let before = world.requests().len();
    let filter = json!({ "tracking_id": tracking["id"] });
    let own = world.scan(all(OBJECT, Some(filter))).await;
    assert_eq!(own.len(), scans(&tracking).len());
    assert_eq!(world.requests().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = delivering().await;
    let records = world.scan(all(OBJECT, None)).await;
    for record in records.iter().step_by(37) {
        assert_eq!(&world.connection.get(OBJECT, &record.id).await.unwrap(), record);
    }
    let missing = format!("{}x", records[0].id);
    assert_eq!(kind(world.connection.get(OBJECT, &missing).await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn derive() {
    let world = delivering().await;
    let id = world.create(UPS, "ups").await;
    let parents = world.scan(all("trackings", None)).await;
    let before = world.requests().len();
    let derived =
        world.connection.derive(&[OBJECT.to_owned()], parents.clone()).await.unwrap().remove(0);
    assert_eq!(world.requests().len(), before, "no request");
    assert_eq!(derived.len(), parents.len());
    let fresh = parents.iter().position(|parent| parent.id == id).unwrap();
    assert!(derived[fresh].is_empty(), "a fresh tracking has none");
    let listed = world.scan(all(OBJECT, None)).await;
    let mut derived: Vec<_> = derived.into_iter().flatten().collect();
    assert_eq!(derived.len(), listed.len());
    derived.retain(|record| !listed.contains(record));
    assert!(derived.is_empty(), "the same records: {derived:?}");
}
