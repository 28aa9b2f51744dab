//! Detection of couriers, alone and in a create.

use aftership_simulator::LowerCaseNumbers;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const DETECT: &str = "/tracking/2026-07/couriers/detect";

async fn detect(client: &Client, body: &Value) -> Answer {
    client.send("POST", DETECT, &body.to_string()).await
}

fn slugs(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let couriers = answer.data()["couriers"].as_array().unwrap();
    assert_eq!(answer.data()["total"], couriers.len());
    couriers.iter().map(|courier| courier["slug"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn couriers_are_chosen_among_slugs_or_a_group() {
    let client = Client::with(|options| options.retired_couriers = vec!["toll-ipec".to_owned()]);
    for (more, found) in [
        (json!({"slug": ["gls", "ups", "taqbin-jp", "toll-ipec"]}), &["taqbin-jp", "gls"] as &[_]),
        (json!({"slug": ["gls,ups"], "origin_country_region": "US"}), &["gls"]),
        (json!({"slug": ["nobody"]}), &[]),
        (json!({"slug_group": "other-group"}), &[]),
        (json!({"slug_group": "fedex-group"}), &["fedex", "fedex-api"]),
        (json!({"slug_group": "toll-group"}), &[]),
        (
            json!({"slug": ["gls"], "destination_postal_code": "1", "destination_state": "",
                   "tracking_ship_date": "20261122", "tracking_account_number": "2",
                   "tracking_key": "3", "origin_country_region": "USA",
                   "destination_country_region": "CAN"}),
            &["gls"],
        ),
    ] {
        let mut body = json!({"tracking_number": "123456789012"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(slugs(&detect(&client, &body).await), found, "{more}");
    }
}

#[tokio::test]
async fn each_rule_has_its_code() {
    let client = Client::new();
    let rows = [
        ("tracking_number", Value::Null, 4007),
        ("tracking_number", json!(123456789012_u64), 4005),
        ("tracking_number", json!("ABC"), 4005),
        ("tracking_number", json!("a b c d"), 4017),
        ("slug", json!("gls"), 4010),
        ("slug", json!([]), 4010),
        ("slug", json!(["gls,"]), 4010),
        ("slug", json!([7]), 4010),
        ("slug", Value::Null, 4010),
        ("slug_group", json!(["dhl-group"]), 4008),
        ("destination_postal_code", json!(1000), 4008),
        ("destination_state", Value::Null, 4008),
        ("tracking_ship_date", json!("2026-11-22"), 4008),
        ("tracking_ship_date", json!("20261132"), 4008),
        ("tracking_account_number", json!({}), 4008),
        ("tracking_key", json!(true), 4008),
        ("origin_country_region", json!(["USA"]), 4008),
        ("title", json!("x"), 400),
    ];
    for (name, value, code) in rows {
        let mut body = json!({"tracking_number": "123456789012"});
        body[name] = value.clone();
        let answer = detect(&client, &body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{name}: {value}");
    }
    let both = json!({"tracking_number": "1234567890", "slug": ["dhl"], "slug_group": "dhl-group"});
    assert_eq!(detect(&client, &both).await.code(), 4008);
    assert_eq!(client.send("POST", DETECT, "[]").await.code(), 4001);
    let old = json!({"tracking": {"tracking_number": "1234567890"}});
    assert_eq!(detect(&client, &old).await.code(), 4007);

    client.simulator.configure(|options| {
        options.lenient = true;
        options.lower_case_numbers = LowerCaseNumbers::Raise;
    });
    let body = json!({"tracking_number": "ra123456789hk", "title": "x"});
    assert_eq!(slugs(&detect(&client, &body).await), ["hong-kong-post"]);
}

#[tokio::test]
async fn a_create_meets_each_of_the_five_troubles_with_couriers() {
    let client = Client::with(|options| {
        options.active_couriers_only = true;
        options.strict_numbers = true;
        options.retired_couriers = vec!["tnt".to_owned()];
    });
    for (body, words) in [
        (json!({"tracking_number": "12345678901234", "slug": "dpd"}), "not on your approved list"),
        (json!({"tracking_number": "NOBODY-KNOWS"}), "don't recognize the carrier"),
        (json!({"tracking_number": "NOBODY-KNOWS", "slug": "ups"}), "has an invalid format"),
        (json!({"tracking_number": "123456789", "slug": "tnt"}), "no longer supported"),
        (
            json!({"tracking_number": "NOBODY-KNOWS", "slug_group": "dhl-group"}),
            "does not belong to a carrier in that group",
        ),
    ] {
        let answer = client.create(&body.to_string()).await;
        assert_eq!((answer.status, answer.code()), (400, 4012), "{body}");
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    assert_eq!(client.simulator.count(), 0);
    client.created(r#"{"tracking_number":"1Z999AA10123456784","slug":"ups"}"#).await;
}
