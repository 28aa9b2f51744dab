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

fn connection(id: &str, slug: &str, created_at: &str) -> String {
    format!(
        r#"{{"id":"{id}","courier_slug":"{slug}","credentials":{{"k":"v"}},"created_at":"{created_at}","updated_at":"{created_at}"}}"#
    )
}

#[tokio::test]
async fn a_connection_lives_through_all_operations() {
    let client = Client::new();
    let given = json!({"client_id": "a", "client_secret": "b", "account_number": "c"});
    let id = created(&client, "ups-api", given.clone()).await;
    assert_eq!(id.len(), 32);
    let mut known = json!({
        "id": id,
        "courier_slug": "ups-api",
        "credentials": given,
        "created_at": "2026-11-22T12:00:00+00:00",
        "updated_at": "2026-11-22T12:00:00+00:00",
    });
    assert_eq!(at(&client, "GET", &id, "").await.data(), &known);
    assert_eq!(client.simulator.connections(), [known.to_string()]);

    client.clock.advance(2_000);
    let body = r#"{"credentials":{"client_id":"x","client_secret":"y"}}"#;
    let changed = at(&client, "PATCH", &id, body).await;
    known["credentials"] = json!({"client_id": "x", "client_secret": "y"});
    known["updated_at"] = json!("2026-11-22T12:00:02+00:00");
    assert_eq!((changed.status, changed.data()), (200, &known));
    assert_eq!(at(&client, "GET", &id, "").await.data(), &known);
    assert_eq!(client.simulator.connection(&id).unwrap(), known.to_string());

    let gone = at(&client, "DELETE", &id, "").await;
    assert_eq!((gone.status, gone.data()), (200, &known));
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = at(&client, method, &id, body).await;
        assert_eq!((answer.status, answer.code()), (404, 404), "{method}");
        assert_eq!(answer.json["meta"]["type"], "NotFound");
        assert_eq!(answer.data()["resource"], format!("{CONNECTIONS}/{id}"));
    }
    assert!(client.simulator.connections().is_empty());
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
async fn lists_come_in_pages_newest_first() {
    let client = Client::new();
    let empty = client.send("GET", CONNECTIONS, "").await;
    assert_eq!(
        empty.text,
        r#"{"meta":{"code":200},"data":{"pagination":{"total":0,"next_cursor":"","has_next_page":false},"courier_connections":[]}}"#
    );
    for (id, slug, day) in
        [("b", "dhl-api", 1), ("a", "ups-api", 1), ("d", "dhl-api", 2), ("c", "dhl-api", 3)]
    {
        let created_at = format!("2026-11-0{day}T00:00:00+08:00");
        client.simulator.insert_connection(&connection(id, slug, &created_at)).unwrap();
    }
    for (query, wanted) in [
        ("", vec!["c", "d", "a", "b"]),
        ("courier_slug=dhl-api", vec!["c", "d", "b"]),
        ("courier_slug=nobody", vec![]),
    ] {
        for limit in 1..=5 {
            let (mut ids, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("{CONNECTIONS}?limit={limit}&{query}{cursor}");
                let answer = client.send("GET", &path, "").await;
                let page = answer.data()["courier_connections"].as_array().unwrap();
                ids.extend(page.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
                assert!(ids.len() <= wanted.len(), "{path}: {ids:?}");
                let pagination = &answer.data()["pagination"];
                assert_eq!(pagination["total"], wanted.len());
                let next = pagination["next_cursor"].as_str().unwrap();
                assert_eq!(pagination["has_next_page"], !next.is_empty());
                if next.is_empty() {
                    break;
                }
                assert_eq!(page.len(), limit);
                cursor = format!("&cursor={}", next.replace('=', "%3D").replace('+', "%2B"));
            }
            assert_eq!(ids, wanted, "{query} {limit}");
        }
    }
    let shown = at(&client, "GET", "b", "").await;
    assert_eq!(shown.data()["created_at"], "2026-11-01T00:00:00+08:00", "kept as it was put in");
    for query in ["limit=0", "limit=201", "cursor=x", "courier_slug=", "courier_slug=A", "slug=a"] {
        let answer = client.send("GET", &format!("{CONNECTIONS}?{query}"), "").await;
        assert_eq!((answer.status, answer.code()), (400, 400), "{query}");
    }
}

#[tokio::test]
async fn only_whole_connections_are_put_in() {
    let client = Client::new();
    let good = connection("a", "dhl-api", "2026-11-01T00:00:00+00:00");
    for (part, bad) in [
        (r#""id":"a""#, r#""id":"""#),
        ("dhl-api", "DHL"),
        (r#"{"k":"v"}"#, r#"{"k":7}"#),
        (r#""credentials""#, r#""credential""#),
        ("2026-11-01", "2026-11-31"),
        (r#"{"id""#, r#"["id""#),
    ] {
        let changed = good.replace(part, bad);
        assert_ne!(changed, good);
        assert!(client.simulator.insert_connection(&changed).is_err(), "{changed}");
    }
    client.simulator.insert_connection(&good).unwrap();
    client.simulator.insert_connection(&good.replace("dhl-api", "ups-api")).unwrap();
    assert_eq!(client.simulator.connections(), [good.replace("dhl-api", "ups-api")]);
}

#[tokio::test]
async fn a_tracking_uses_the_earliest_connection_of_its_courier() {
    let client = Client::new();
    let early = created(&client, "dhl-api", json!({"api_key": "1"})).await;
    created(&client, "dhl-api", json!({"api_key": "2"})).await;
    let used = |answer: Answer| answer.data()["courier_connection_id"].clone();
    let body = |number: &str, more: &str| {
        format!(r#"{{"tracking_number":"{number}","slug":"dhl-api"{more}}}"#)
    };
    assert_eq!(used(client.create(&body("1234567890", "")).await), *early);
    let named = r#","courier_connection_id":"mine""#;
    assert_eq!(used(client.create(&body("1234567891", named)).await), "mine");
    let other = r#"{"tracking_number":"1234567890","slug":"dhl"}"#;
    assert_eq!(used(client.create(other).await), Value::Null);
}

#[tokio::test]
async fn credentials_can_be_left_out_of_answers() {
    let client =
        Client::with(|options| options.connection_answer = ConnectionAnswer::WithoutCredentials);
    let answer = create(&client, "dhl-api", json!({"api_key": "k-1"})).await;
    let id = answer.data()["id"].as_str().unwrap();
    let update = r#"{"credentials":{"api_key":"k-2"}}"#;
    for answer in [
        &answer,
        &at(&client, "PATCH", id, update).await,
        &at(&client, "GET", id, "").await,
        &client.send("GET", CONNECTIONS, "").await,
    ] {
        assert!(answer.status < 300 && answer.text.contains("dhl-api"), "{}", answer.text);
        assert!(!answer.text.contains("credentials"), "{}", answer.text);
    }
    assert!(client.simulator.connection(id).unwrap().contains("k-2"));
    assert!(!at(&client, "DELETE", id, "").await.text.contains("credentials"));
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
