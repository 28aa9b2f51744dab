//! The list of couriers, and what stands in it.

use aftership_simulator::Options;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const COURIERS: &str = "/tracking/2026-07/couriers";

async fn list(client: &Client, query: &str) -> Answer {
    client.send("GET", &format!("{COURIERS}{query}"), "").await
}

fn slugs(answer: &Answer) -> Vec<&str> {
    let couriers = answer.data()["couriers"].as_array().unwrap();
    assert_eq!(answer.data()["total"], couriers.len());
    couriers.iter().map(|courier| courier["slug"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn all_couriers_come_at_once() {
    let client = Client::new();
    let answer = list(&client, "").await;
    assert_eq!((answer.status, answer.code()), (200, 200));
    assert!(slugs(&answer).len() > 1_150);
    assert!(answer.text.len() > 300_000, "{}", answer.text.len());
    assert_eq!(answer.data().as_object().unwrap().len(), 2);
    assert_eq!(answer.text, list(&Client::new(), "").await.text, "always the same");
    assert_eq!(client.simulator.couriers().len(), slugs(&answer).len());
}

#[tokio::test]
async fn a_courier_has_the_members_of_the_documentation() {
    let client = Client::new();
    let answer = list(&client, "?slug=ups-api").await;
    let courier = &answer.data()["couriers"][0];
    let names: Vec<_> = courier.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "slug",
            "name",
            "phone",
            "other_name",
            "web_url",
            "required_fields",
            "optional_fields",
            "default_language",
            "support_languages",
            "service_from_country_regions",
            "credentials",
        ]
    );
    let field = json!({"name": "client_id", "type": "string", "required": true});
    assert_eq!(courier["credentials"]["fields"][0], field);
    assert_eq!(client.simulator.courier("ups-api").unwrap(), courier.to_string());
}

#[tokio::test]
async fn the_list_is_filtered_by_slug_and_activation() {
    let client = Client::with(|options| {
        options.active_couriers = ["gls", "dhl", "nobody"].map(str::to_owned).to_vec();
        options.retired_couriers = vec!["tnt".to_owned()];
    });
    for (query, found) in [
        ("?active=true", &["dhl", "gls"] as &[&str]),
        ("?slug=usps,gls,nobody,tnt", &["usps", "gls"]),
        ("?slug=usps,gls&active=true", &["gls"]),
        ("?slug=usps,gls&active=false", &["usps", "gls"]),
        ("?slug=nobody", &[]),
    ] {
        assert_eq!(slugs(&list(&client, query).await), found, "{query}");
    }
    client.simulator.configure(|options| options.active_couriers.push("usps".to_owned()));
    assert_eq!(slugs(&list(&client, "?active=true").await), ["usps", "dhl", "gls"]);
    for query in
        ["?active=yes", "?active=", "?slug=", "?slug=DHL", "?slug=a,,b", "?limit=5", "?cursor=x"]
    {
        let answer = list(&client, query).await;
        assert_eq!((answer.status, answer.code()), (400, 400), "{query}");
    }
}

#[tokio::test]
async fn the_account_has_activated_some_couriers() {
    let client = Client::new();
    let answer = list(&client, "?active=true").await;
    let mut active = slugs(&answer);
    let mut wanted = Options::default().active_couriers;
    active.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(active, wanted);
    assert!((5..50).contains(&active.len()));
}

#[tokio::test]
async fn what_a_courier_requires_is_what_a_create_refuses_to_do_without() {
    let client = Client::new();
    let mut met = 0;
    for text in client.simulator.couriers() {
        let courier: Value = serde_json::from_str(&text).unwrap();
        let slug = courier["slug"].as_str().unwrap();
        let mut body = json!({"tracking_number": "AB-1234567", "slug": slug});
        let answer = client.create(&body.to_string()).await;
        let required = courier["required_fields"].as_array().cloned().unwrap_or_default();
        if required.is_empty() {
            assert_eq!(answer.status, 201, "{slug}: {}", answer.text);
            continue;
        }
        met += 1;
        assert_eq!(answer.code(), 4011, "{slug}");
        let names: Vec<_> = required.iter().map(|name| name.as_str().unwrap()).collect();
        let message = answer.json["meta"]["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("also required: {}.", names.join(", "))), "{message}");
        for name in names {
            if name == "customers[x].phone_number" {
                body["customers"] = json!([{"phone_number": "+1"}]);
                continue;
            }
            body[name] = json!(match name {
                "tracking_ship_date" => "2026-11-20",
                "origin_country_region" | "destination_country_region" => "NLD",
                _ => "1000AA",
            });
        }
        assert_eq!(client.create(&body.to_string()).await.status, 201, "{slug}");
    }
    assert!(met > 20, "{met}");
}

#[tokio::test]
async fn a_courier_can_be_put_in() {
    let client = Client::new();
    let mine =
        r#"{ "slug": "mine", "name": "M", "new": 1.50, "required_fields": ["tracking_key"] }"#;
    client.simulator.insert_courier(mine).unwrap();
    let kept = r#"{"slug":"mine","name":"M","new":1.50,"required_fields":["tracking_key"]}"#;
    let answer = list(&client, "?slug=mine").await;
    assert_eq!(
        answer.text,
        format!(r#"{{"meta":{{"code":200}},"data":{{"total":1,"couriers":[{kept}]}}}}"#)
    );
    let create = r#"{"tracking_number":"AB-1234567","slug":"mine"}"#;
    assert_eq!(client.create(create).await.code(), 4011);

    let dhl = r#"{"slug":"dhl","required_fields":["tracking_key"]}"#;
    client.simulator.insert_courier(dhl).unwrap();
    assert_eq!(client.create(r#"{"tracking_number":"1234567890"}"#).await.code(), 4011);
    assert_eq!(client.simulator.couriers().len(), Client::new().simulator.couriers().len() + 1);

    for bad in ["[]", "{}", r#"{"slug":"A B"}"#, r#"{"slug":"a","required_fields":"x"}"#] {
        assert!(client.simulator.insert_courier(bad).is_err(), "{bad}");
    }
}
