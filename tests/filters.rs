//! Every filter reaches the wire as AfterShip wants it (AfterShip API 2026-07, GET /trackings).

use host_harness::contract::types::ErrorKind;
use serde_json::{Value, json};

use crate::support::world::{World, kind, list};

/// The query that a list with `filter` sends, less what every list sends.
async fn wire(world: &World, filter: Value) -> String {
    world.simulator.clear_journal();
    world
        .connection
        .list(&list(Some(filter.clone()), None))
        .await
        .unwrap_or_else(|why| panic!("{filter}: {why}"));
    let query = world.simulator.journal()[0].query.clone().unwrap();
    let own: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            !pair.starts_with("limit=") && !(pair.starts_with("created_at_min=2026-07-25"))
        })
        .collect();
    own.join("&")
}

#[tokio::test(start_paused = true)]
async fn every_filter_is_sent_right() {
    let world = World::new().await;
    for (filter, expected) in [
        (json!({}), ""),
        (json!({"keyword": "Müller & Söhne"}), "keyword=M%C3%BCller%20%26%20S%C3%B6hne"),
        (json!({"tracking_numbers": ["1Z1", "A/B.C_D-2"]}), "tracking_numbers=1Z1%2CA%2FB.C_D-2"),
        (json!({"tracking_numbers": "1Z1,2Z2"}), "tracking_numbers=1Z1%2C2Z2"),
        (json!({"slug": ["fedex", "ups"]}), "slug=fedex%2Cups"),
        (json!({"transit_time": 9}), "transit_time=9"),
        (json!({"origin": ["CHN", "USA"]}), "origin=CHN%2CUSA"),
        (json!({"destination": "USA"}), "destination=USA"),
        (
            json!({"courier_destination_country_region": ["DEU"]}),
            "courier_destination_country_region=DEU",
        ),
        (json!({"tag": "Exception"}), "tag=Exception"),
        (json!({"return_to_sender": true}), "return_to_sender=true"),
        (json!({"return_to_sender": [true, false]}), "return_to_sender=true%2Cfalse"),
        (json!({"shipment_tags": ["a b", "c"]}), "shipment_tags=a%20b%2Cc"),
        (json!({"order_id": "1001"}), "order_id=1001"),
        (
            json!({"created_at_min": "2026-11-01T00:00:00Z"}),
            "created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00",
        ),
        (
            json!({"created_at_max": "2026-11-01T02:30:00.5+02:00"}),
            "created_at_max=2026-11-01T00%3A30%3A01%2B00%3A00",
        ),
        (
            json!({"updated_at_min": "2026-11-01T00:00:00.9-05:00"}),
            "updated_at_min=2026-11-01T05%3A00%3A00%2B00%3A00",
        ),
        (
            json!({"updated_at_max": "2026-11-01T00:00:00+00:00"}),
            "updated_at_max=2026-11-01T00%3A00%3A00%2B00%3A00",
        ),
    ] {
        assert_eq!(wire(&world, filter.clone()).await, expected, "{filter}");
    }
}

/// What the provider would refuse, or read as something else, is refused before a request.
#[tokio::test(start_paused = true)]
async fn a_filter_that_cannot_be_right_costs_no_request() {
    let world = World::new().await;
    let numbers: Vec<String> = (0..51).map(|number| format!("N{number}")).collect();
    for (filter, pointer) in [
        (json!({"colour": "red"}), "/colour"),
        (json!({"limit": 5}), "/limit"),
        (json!({"cursor": "x"}), "/cursor"),
        (json!({"tracking_numbers": numbers}), "/tracking_numbers"),
        (json!({"slug": ["a,b"]}), "/slug/0"),
        (json!({"shipment_tags": ["a,b"]}), "/shipment_tags"),
        (json!({"slug": "FedEx"}), "/slug"),
        (json!({"origin": "usa"}), "/origin"),
        (json!({"transit_time": -1}), "/transit_time"),
        (json!({"created_at_min": "yesterday"}), "/created_at_min"),
        (json!({"updated_at_min": "2026-11-01"}), "/updated_at_min"),
        (json!({"return_to_sender": "perhaps"}), "/return_to_sender"),
        (json!([]), ""),
    ] {
        let refused = kind(world.connection.list(&list(Some(filter.clone()), None)).await);
        let ErrorKind::InvalidInput(violations) = refused else { panic!("{filter}: {refused:?}") };
        assert!(
            violations.iter().any(|violation| violation.pointer == pointer),
            "{filter}: {violations:?}"
        );
    }
    assert_eq!(world.requests(), Vec::<String>::new());
}

/// A filter holds for all pages of its scan.
#[tokio::test(start_paused = true)]
async fn a_filter_stays_with_its_scan() {
    let world = World::new().await;
    world.simulator.seed(5, 2_000);
    let records = world.scan(list(Some(json!({"tag": "Exception"})), Some(10))).await;
    assert!(records.len() > 20, "{}", records.len());
    for record in records {
        let tracking: Value = serde_json::from_str(&record.data).unwrap();
        assert_eq!(tracking["tag"], "Exception");
    }
    assert!(world.requests().iter().all(|request| request.contains("tag=Exception")));
}
