//! AfterShip's couriers.

use host_harness::contract::types::ErrorKind;
use serde_json::{Value, json};

use super::{all, all_valid, invoke, pointers, try_invoke, valid};
use crate::support::world::{World, kind};

const OBJECT: &str = "couriers";

#[tokio::test(start_paused = true)]
async fn list() {
    let world = World::new().await;
    let records = world.scan(all(OBJECT, None)).await;
    assert!(records.len() > 1_000, "as many as the real list has: {}", records.len());
    assert_eq!(world.requests().len(), 1, "all in one answer");
    for (record, data) in records.iter().zip(all_valid(&world, OBJECT, &records).await) {
        assert_eq!(data["slug"], record.id.as_str());
    }
    let active = world.scan(all(OBJECT, Some(json!({"active": true})))).await;
    assert!(!active.is_empty() && active.len() < records.len());
    let named = world.scan(all(OBJECT, Some(json!({"slug": ["ups", "dhl"]})))).await;
    assert_eq!(named.len(), 2);
    let found = world.scan(all(OBJECT, Some(json!({"search": "royal MAIL"})))).await;
    assert!(found.iter().any(|record| record.id == "royal-mail"), "{found:?}");
    assert!(found.len() < 50);
}

#[tokio::test(start_paused = true)]
async fn get() {
    let world = World::new().await;
    let record = world.connection.get(OBJECT, "ups").await.unwrap();
    assert_eq!(valid(&world, OBJECT, &record).await["slug"], "ups");
    assert_eq!(kind(world.connection.get(OBJECT, "no-such-courier").await), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn detect() {
    let world = World::new().await;
    let slugs = |output: &Value| -> Vec<String> {
        let couriers = output["couriers"].as_array().unwrap();
        couriers.iter().map(|courier| courier["slug"].as_str().unwrap().to_owned()).collect()
    };
    let one = invoke(&world, OBJECT, "detect", json!({"tracking_number": super::UPS})).await;
    assert_eq!(slugs(&one), ["ups", "ups-api"]);
    let none =
        invoke(&world, OBJECT, "detect", json!({"tracking_number": "NOTHING-LIKE-IT"})).await;
    assert_eq!((slugs(&none), &none["total"]), (vec![], &json!(0)), "no match is no error");
    let ambiguous = invoke(&world, OBJECT, "detect", json!({"tracking_number": "123456789012"}));
    let ambiguous = slugs(&ambiguous.await);
    assert!(ambiguous.len() > 1 && ambiguous.contains(&"fedex".to_owned()), "{ambiguous:?}");
    let chosen = json!({"tracking_number": "123456789012", "slug": ["fedex,dhl", "ups"],
        "tracking_ship_date": "2026-11-20", "origin_country_region": "USA"});
    assert_eq!(slugs(&invoke(&world, OBJECT, "detect", chosen).await), ["fedex"]);
    let before = world.requests().len();
    let both = json!({"tracking_number": "1", "slug": ["ups"], "slug_group": "dhl-group"});
    let refused = try_invoke(&world, OBJECT, "detect", None, &both.to_string()).await;
    assert!(!pointers(refused).is_empty());
    assert_eq!(world.requests().len(), before, "refused before it was sent");
}
