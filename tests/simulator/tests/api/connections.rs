//! Courier connections.

use aftership_simulator::{ConnectionAnswer, CredentialsUpdate};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const CONNECTIONS: &str = "/tracking/2026-07/courier-connections";

async fn create(client: &Client, slug: &str, credentials: Value) -> Answer {
    let body = json!({"courier_slug": slug, "credentials": credentials});
    client.send("POST", CONNECTIONS, &body.to_string()).await
}

async fn at(client: &Client, method: &str, id: &str, body: &str) -> Answer {
    client.send(method, &format!("{CONNECTIONS}/{id}"), body).await
}

async fn created(client: &Client, slug: &str, credentials: Value) -> String {
    let answer = create(client, slug, credentials).await;
    assert_eq!((answer.status, answer.code()), (201, 201), "{}", answer.text);
    answer.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_rule_of_a_create_has_its_code() {
    let client = Client::with(|options| options.retired_couriers = vec!["canada-post".to_owned()]);
    let good = json!({"api_key": "k"});
    for (body, code, word) in [
        (json!({"credentials": good}), 4009, "courier_slug"),
        (json!({"courier_slug": "dhl-api"}), 4009, "credentials"),
        (json!({"courier_slug": "dhl-api", "credential": good}), 400, "credential"),
        (json!({"courier_slug": "nobody", "credentials": good}), 4010, "courier_slug"),
        (json!({"courier_slug": "canada-post", "credentials": good}), 4010, "courier_slug"),
        (json!({"courier_slug": 7, "credentials": good}), 4010, "courier_slug"),
        (json!({"courier_slug": "dhl", "credentials": good}), 400, "courier_slug"),
        (json!({"courier_slug": "dhl-api", "credentials": []}), 4008, "credentials"),
        (json!({"courier_slug": "dhl-api", "credentials": null}), 4008, "credentials"),
        (json!({"courier_slug": "dhl-api", "credentials": {"api_key": 7}}), 4008, "api_key"),
        (json!({"courier_slug": "dhl-api", "credentials": {"api_key": ""}}), 4008, "api_key"),
        (json!({"courier_slug": "dhl-api", "credentials": {}}), 4009, "credentials.api_key"),
        (
            json!({"courier_slug": "ups-api", "credentials": {"account_number": "1"}}),
            4009,
            "`credentials.client_id`, `credentials.client_secret`",
        ),
        (
            json!({"courier_slug": "dhl-api", "credentials": {"api_key": "k", "pin": "secret"}}),
            400,
            "credentials.pin",
        ),
    ] {
        let answer = client.send("POST", CONNECTIONS, &body.to_string()).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
        assert!(answer.text.contains(word), "{}", answer.text);
        assert!(!answer.text.contains("secret\""), "{}", answer.text);
    }
    assert_eq!(client.send("POST", CONNECTIONS, "{").await.code(), 4001);
    assert!(client.simulator.connections().is_empty());

    client.simulator.configure(|options| options.lenient = true);
    let answer = create(&client, "dhl-api", json!({"api_key": "k", "pin": "p"})).await;
    assert_eq!(answer.data()["credentials"], good);
}

#[tokio::test]
async fn an_update_takes_credentials_alone_and_replaces_or_merges_them() {
    let client = Client::new();
    let given = json!({"client_id": "a", "client_secret": "b"});
    let id = created(&client, "ups-api", given).await;
    for (body, code) in [
        (json!({}), 4009),
        (json!({"credentials": {"client_secret": "c"}}), 4009),
        (json!({"credentials": {"client_id": "a", "client_secret": "b", "x": "y"}}), 400),
        (json!({"credentials": {"client_id": "a", "client_secret": 5}}), 4008),
        (json!({"courier_slug": "dhl-api", "credentials": {"api_key": "k"}}), 400),
    ] {
        let answer = at(&client, "PATCH", &id, &body.to_string()).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
    }
    assert_eq!(at(&client, "PUT", &id, "{}").await.status, 404);

    client.simulator.configure(|options| options.connection_answer = ConnectionAnswer::Masked);
    let masked = at(&client, "GET", &id, "").await;
    assert_eq!(
        masked.data()["credentials"],
        json!({"client_id": "********", "client_secret": "********"})
    );
    assert!(client.simulator.connection(&id).unwrap().contains(r#""client_id":"a""#));
    client.simulator.configure(|options| options.connection_answer = ConnectionAnswer::Full);
    client.simulator.configure(|options| options.credentials_update = CredentialsUpdate::Merge);
    let answer = at(&client, "PATCH", &id, r#"{"credentials":{"client_secret":"c"}}"#).await;
    assert_eq!(answer.data()["credentials"], json!({"client_id": "a", "client_secret": "c"}));
}

#[tokio::test]
async fn credentials_stay_out_of_debug_output_and_of_journals_on_disk() {
    let client = Client::new();
    let id = created(&client, "dhl-api", json!({"api_key": "canary"})).await;
    at(&client, "PATCH", &id, r#"{"credentials":{"api_key":"canary"},"x":"canary"}"#).await;
    at(&client, "PATCH", &id, r#"{"credentials":{"api_key":"canary""#).await;
    client.send("POST", CONNECTIONS, r#"["canary"]"#).await;
    let request = http::Request::get(CONNECTIONS).header("as-api-key", "asat_simulator");
    let outcome = client.simulator.handle(request.body(bytes::Bytes::new()).unwrap()).await;
    let outcome = format!("{outcome:?}");
    assert!(outcome.contains("status: 200") && !outcome.contains("canary"), "{outcome}");
    let journal = client.simulator.journal();
    let printed = format!("{journal:?} {:?}", client.simulator);
    let written = serde_json::to_string(&journal).unwrap();
    for text in [&printed, &written] {
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("dhl-api") && text.contains("api_key"), "{text}");
    }
    assert!(journal[0].body.contains("canary"), "a test can still read what came");
}
