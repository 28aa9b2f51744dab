//! What the query of each endpoint takes and refuses.

use crate::client::Client;

#[tokio::test]
async fn lists_refuse_malformed_parameters() {
    let client = Client::new();
    let fifty_one = vec!["1234"; 51].join(",");
    let numbers = format!("tracking_numbers={fifty_one}");
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.5",
        "limit=ten",
        "limit=",
        "limit=+5",
        "cursor=",
        "cursor=abc",
        "cursor=WzEsMl0%3D",
        numbers.as_str(),
        "tracking_numbers=a,,b",
        "slug=",
        "slug=DHL",
        "slug=dhl,,ups",
        "slug=dhl%20ups",
        "transit_time=x",
        "transit_time=1.0",
        "origin=usa",
        "origin=",
        "destination=US1",
        "courier_destination_country_region=us",
        "tag=Lost",
        "tag=delivered",
        "tag=Delivered,Expired",
        "fields=id",
        "fields=title,",
        "return_to_sender=yes",
        "return_to_sender=True",
        "shipment_tags=",
        "order_id=a,",
        "created_at_min=2026-11-01T00:00:00+00:00",
        "created_at_min=2026-11-01T00:00:00Z",
        "created_at_max=2026-11-01T00:00:00.000%2B00:00",
        "updated_at_min=2026-11-01",
        "updated_at_max=2026-13-01T00:00:00%2B00:00",
        "updated_at_min=1795348800",
        "page=1",
        "Limit=5",
        "limit=5&limit=5",
        "keyword=%",
        "keyword=%ff",
    ] {
        let answer = client.list(query).await;
        assert_eq!((answer.status, answer.code()), (400, 400), "{query}: {}", answer.text);
        assert_eq!(answer.json["meta"]["type"], "BadRequest");
        assert_eq!(answer.data(), &serde_json::json!({}));
    }
}

#[tokio::test]
async fn lists_take_what_the_rules_allow() {
    let client = Client::new();
    let fifty = vec!["1234"; 50].join(",");
    let numbers = format!("tracking_numbers={fifty}");
    for query in [
        "",
        "limit=1",
        "limit=200",
        numbers.as_str(),
        "slug=dhl,royal-mail,4px",
        "transit_time=0",
        "origin=USA,CHN",
        "tag=AvailableForPickup",
        "fields=title,order_id,tag,checkpoints",
        "return_to_sender=true,false",
        "shipment_tags=a%20b,c",
        "keyword=",
        "keyword=a+b",
        "created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00&created_at_max=2026-11-02T00:00:00%2B08:00",
        "&limit=5&",
    ] {
        assert_eq!(client.list(query).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn lenience_ignores_what_is_unknown_or_repeated() {
    let client = Client::with(|options| options.lenient = true);
    assert_eq!(client.list("page=1&limit=500&limit=5").await.status, 200);
    assert_eq!(client.list("limit=500").await.status, 400);
}

#[tokio::test]
async fn one_tracking_takes_fields_and_a_language() {
    let client = Client::new();
    let id = client.created(r#"{"tracking_number":"1234567890","title":"T"}"#).await;
    for (query, status) in [
        ("fields=title,tag", 200),
        ("fields=id", 400),
        ("lang=zh-Hant", 200),
        ("lang=xx", 400),
        ("limit=5", 400),
    ] {
        assert_eq!(client.get(&format!("{id}?{query}")).await.status, status, "{query}");
    }
    let cut = client.get(&format!("{id}?fields=tag,title")).await;
    let names: Vec<_> = cut.data().as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["id", "legacy_id", "created_at", "updated_at", "tracking_number", "slug", "tag", "title"]
    );
    assert_eq!(client.send("POST", "/tracking/2026-07/trackings?x=1", "{}").await.status, 400);
}
