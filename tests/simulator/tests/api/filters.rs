//! Every filter of lists, against trackings that differ in what it looks at.

use serde_json::json;

use crate::client::{Client, tracking};

fn shelf() -> Client {
    let client = Client::new();
    let rows = [
        (
            "a",
            "2026-11-01T00:00:00+00:00",
            r#","title":"Blaue Schuhe","order_id":"O 1","tag":"Delivered","transit_time":3,
              "origin_country_region":"CHN","destination_country_region":"USA",
              "courier_destination_country_region":"USA","return_to_sender":false,
              "shipment_tags":["vip","b2b"],"checkpoints":[{"tag":"Delivered"}]"#,
        ),
        (
            "b",
            "2026-11-02T00:00:00+00:00",
            r#","title":"x","order_id":"O2","tag":"InTransit","transit_time":null,
              "origin_country_region":"DEU","destination_country_region":"FRA",
              "courier_destination_country_region":"FRA","return_to_sender":true,
              "customers":[{"name":"Zo\u00eb","email":"zoe@example.org","phone_number":"+49123"}],
              "shipment_tags":["fragile"]"#,
        ),
    ];
    for (id, created_at, more) in rows {
        client.simulator.insert(&tracking(id, created_at, more)).unwrap();
    }
    let c = r#"{"id":"c","tracking_number":"1Z","slug":"ups","created_at":"2026-11-03T00:00:00+00:00",
        "updated_at":"2026-11-10T00:00:00+00:00","title":null,"custom_fields":{"Sku":"Blau-7"},
        "tag":"Pending","order_id":null,"shipment_tags":[]}"#;
    client.simulator.insert(c).unwrap();
    client
}

#[tokio::test]
async fn each_filter_selects() {
    let client = shelf();
    assert_eq!(client.simulator.count(), 3);
    for (query, ids) in [
        ("", "cba"),
        ("tag=Delivered", "a"),
        ("tag=Expired", ""),
        ("slug=ups", "c"),
        ("slug=dhl,ups", "cba"),
        ("tracking_numbers=N-a,1Z", "ca"),
        ("tracking_numbers=n-a", ""),
        ("transit_time=3", "a"),
        ("transit_time=0", ""),
        ("origin=CHN", "a"),
        ("origin=CHN,DEU", "ba"),
        ("destination=FRA", "b"),
        ("courier_destination_country_region=USA", "a"),
        ("return_to_sender=true", "b"),
        ("return_to_sender=false", "ca"),
        ("return_to_sender=true,false", "cba"),
        ("shipment_tags=vip", "a"),
        ("shipment_tags=fragile,b2b", "ba"),
        ("shipment_tags=unknown", ""),
        ("order_id=O%201,O2", "ba"),
        ("order_id=O+1", "a"),
        ("keyword=blau", "ca"),
        ("keyword=ZO%C3%8B", "b"),
        ("keyword=EXAMPLE.org", "b"),
        ("keyword=49123", "b"),
        ("keyword=o+1", "a"),
        ("keyword=n-a", "a"),
        ("keyword=sku", ""),
        ("created_at_min=2026-11-02T00:00:00%2B00:00", "cb"),
        ("created_at_max=2026-11-02T00:00:00%2B00:00", "ba"),
        (
            "created_at_min=2026-11-02T08:00:00%2B08:00&created_at_max=2026-11-02T00:00:00%2B00:00",
            "b",
        ),
        (
            "created_at_min=2026-11-03T00:00:00%2B00:00&created_at_max=2026-11-02T00:00:00%2B00:00",
            "",
        ),
        ("updated_at_min=2026-11-10T00:00:00%2B00:00", "c"),
        ("updated_at_min=2026-11-10T00:00:01%2B00:00", ""),
        ("updated_at_max=2026-11-01T00:00:00%2B00:00", "a"),
        (
            "updated_at_min=2026-11-01T00:00:00%2B00:00&updated_at_max=2026-11-02T00:00:00%2B00:00",
            "ba",
        ),
        ("tag=Delivered&slug=ups", ""),
    ] {
        for limit in ["", "&limit=1"] {
            let found = client.scan(&format!("{query}{limit}")).await.concat();
            assert_eq!(found, ids, "{query}");
        }
        let total = client.list(&format!("{query}&limit=1")).await;
        assert_eq!(total.data()["pagination"]["total"], ids.len(), "{query}");
    }
}

#[tokio::test]
async fn a_total_follows_changes() {
    let client = shelf();
    let total = async || {
        let answer = client.list("tag=Pending&limit=1").await;
        answer.data()["pagination"]["total"].as_u64().unwrap()
    };
    assert_eq!(total().await, 1);
    client.simulator.update("a", r#"{"tag":"Pending"}"#).unwrap();
    assert_eq!(total().await, 2);
    client.simulator.remove("c").unwrap();
    assert_eq!(total().await, 1);
    client.created(r#"{"tracking_number":"1234567890"}"#).await;
    assert_eq!(total().await, 2);
}

#[tokio::test]
async fn fields_cut_trackings_down() {
    let client = shelf();
    let answer = client.list("fields=order_id,checkpoints&tag=Delivered").await;
    assert_eq!(
        answer.data()["trackings"],
        json!([{
            "id": "a", "tracking_number": "N-a", "slug": "dhl",
            "created_at": "2026-11-01T00:00:00+00:00", "updated_at": "2026-11-01T00:00:00+00:00",
            "order_id": "O 1", "checkpoints": [{"tag": "Delivered"}],
        }])
    );
}
