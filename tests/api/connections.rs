//! Connections, their secrets, the connector, and how far everything is.

use serde_json::json;

use super::world::Host;

const KEY: &str = "asat_events_0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_tried_renamed_and_erased() {
    let host = Host::new("connections").await;
    let new = json!({
        "name": "shop 7/ü", "settings": {"base-url": host.shop.url()}, "secrets": {"api-key": KEY},
    });
    host.call("POST /v1/connections", &new).await.problem(422, "invalid-input");
    let new = json!({
        "name": "shop-7/ü", "settings": {"base-url": host.shop.url()}, "secrets": {"api-key": KEY},
    });
    let made = host.call("POST /v1/connections", &new).await;
    assert_eq!((made.status, made.header("location")), (201, "/v1/connections/shop-7%2F%C3%BC"));
    assert!(!made.body.contains(KEY), "{}", made.body);
    host.call("POST /v1/connections", &new).await.problem(409, "conflict");
    let whole = host.get(made.header("location")).await;
    assert_eq!((&whole["name"], &whole["scheme"]), (&json!("shop-7/ü"), &json!("api-key")));

    let page = host.get("/v1/connections?limit=1").await;
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("default"), &json!("default")));
    let page = host.get("/v1/connections?cursor=default").await;
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("shop-7/ü"), &json!(null)));

    let check = "POST /v1/connections/shop-7%2F%C3%BC/check?object=trackings";
    let checked = host.send(check, &[], b"").await.json();
    assert_eq!(checked["items"][0]["result"], "usable");
    let renamed =
        host.call("PATCH /v1/connections/shop-7%2F%C3%BC", &json!({"name": "shop"})).await;
    assert_eq!(renamed.json()["name"], "shop");
    let taken = host.call("PATCH /v1/connections/shop", &json!({"name": "default"})).await;
    taken.problem(409, "conflict");

    // A key that the provider refuses is the account's trouble, not the caller's.
    let wrong = json!({"value": "asat_wrong_0123"});
    let put = host.call("PUT /v1/connections/shop/secrets/api-key", &wrong).await;
    assert_eq!((put.status, &put.json()["items"][0]["version"]), (200, &json!(2)));
    assert!(!put.body.contains("asat_wrong"), "{}", put.body);
    let checked = host.call("POST /v1/connections/shop/check", &json!({})).await.json();
    assert_eq!(checked["items"][0]["result"], "unauthenticated");
    let kept = host.ask("/v1/connections/shop/secrets").await;
    assert_eq!((kept.status, kept.body.contains("asat")), (200, false), "{}", kept.body);
    let unknown =
        host.call("PUT /v1/connections/shop/secrets/nothing", &json!({"value": "x"})).await;
    unknown.problem(422, "invalid-input");
    assert_eq!(
        host.send("DELETE /v1/connections/shop/secrets/api-key", &[], b"").await.status,
        204
    );
    let gone = host.send("DELETE /v1/connections/shop/secrets/api-key", &[], b"").await;
    gone.problem(404, "not-found");
    // What it needs and has not is said.
    let missing = host.call("POST /v1/connections/shop/check", &json!({})).await;
    let missing = missing.problem(409, "conflict");
    assert!(missing["detail"].as_str().unwrap().contains("api-key"), "{missing}");

    assert_eq!(host.send("DELETE /v1/connections/shop", &[], b"").await.status, 204);
    host.ask("/v1/connections/shop").await.problem(404, "not-found");
    host.send("DELETE /v1/connections/shop", &[], b"").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_connection_lacks_is_named() {
    let host = Host::new("lacking").await;
    let made = |body| {
        let host = &host;
        async move {
            let reply = host.call("POST /v1/connections", &body).await;
            let problem = reply.problem(422, "invalid-input");
            assert_eq!(problem["source"], "request");
            problem["detail"].as_str().unwrap().to_owned()
        }
    };
    let detail = made(json!({"name": "a"})).await;
    assert!(detail.contains("the secret \"api-key\""), "{detail}");
    let detail = made(json!({"name": "a", "scheme": "api-kez"})).await;
    assert!(detail.contains("unknown scheme"), "{detail}");
    let detail = made(json!({"name": "a", "setings": {}})).await;
    assert!(detail.contains("setings"), "{detail}");
    let detail = made(json!({"name": "a", "settings": {"base-url": "ftp://x"}})).await;
    assert!(detail.contains("base-url"), "{detail}");
    let detail = made(json!({"name": "a", "secrets": {"api-key": "line\nbrake"}})).await;
    assert!(detail.contains("api-key") && !detail.contains("brake"), "{detail}");
    let browser =
        host.call("POST /v1/connections", &json!({"name": "a", "scheme": "oauth2"})).await;
    browser.problem(501, "unsupported");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_and_the_state_are_shown() {
    let host = Host::new("status").await;
    host.shop.subscribe();
    let listed = host.get("/v1/connectors").await;
    let name = listed["items"][0]["name"].as_str().unwrap();
    let manifest = host.get(&format!("/v1/connectors/{name}")).await;
    assert!(manifest["endpoints"].is_array() && manifest.get("file").is_none(), "{manifest}");
    let object = host.get(&format!("/v1/connectors/{name}/objects/trackings")).await;
    assert!(object["record-schema"]["properties"].is_object(), "{object}");
    let near = host.ask(&format!("/v1/connectors/{name}/objects/trakings")).await;
    assert_eq!(near.problem(404, "not-found")["next"], "did you mean \"trackings\"?");
    host.ask("/v1/connectors/nobody").await.problem(404, "not-found");

    let status = host.ask("/v1/status").await;
    assert_eq!(
        status.json()["items"][0]["subscriptions"][0]["subscription"]["url"],
        "https://hooks.example.com"
    );
    assert!(!status.body.contains("/hooks/"), "{}", status.body);
    assert_eq!(
        host.get("/v1/status?connection=default").await["items"][0]["connection"],
        "default"
    );
    host.ask("/v1/status?connection=nobody").await.problem(404, "not-found");
    let limits = host.get("/v1/limits?minutes=5").await;
    assert!(limits["items"][0]["rates"].is_array(), "{limits}");
    host.ask("/v1/limits?minutes=0").await.problem(422, "invalid-input");
    let hosts = host.get("/v1/hosts").await;
    assert_eq!(hosts["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_found_by_their_labels() {
    let host = Host::new("labels").await;
    let new = |name: &str, tenant: &str| {
        json!({
            "name": name, "settings": {"base-url": host.shop.url()}, "secrets": {"api-key": KEY},
            "labels": {"tenant": tenant, "shop.example.com/stage": ""},
        })
    };
    for (name, tenant) in [("a", "one"), ("b", "two"), ("c", "one")] {
        let made = host.call("POST /v1/connections", &new(name, tenant)).await;
        assert_eq!(made.json()["labels"]["tenant"], tenant, "{made:?}");
    }
    let names = async |query: &str| {
        let page = host.get(&format!("/v1/connections?{query}")).await;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("label=tenant%3Done").await, ["a", "c"]);
    assert_eq!(names("label=tenant%3Done&cursor=a").await, ["c"]);
    assert_eq!(names("label=tenant%3Done&label=shop.example.com/stage%3D").await, ["a", "c"]);
    assert_eq!(names("label=tenant%3Done&label=tenant%3Dtwo").await, [""; 0]);
    let relabelled = json!({"labels": {"tenant": "two"}});
    let changed = host.call("PATCH /v1/connections/a", &relabelled).await.json();
    assert_eq!((&changed["name"], &changed["labels"]), (&json!("a"), &json!({"tenant": "two"})));
    let renamed = host.call("PATCH /v1/connections/a", &json!({"name": "z"})).await.json();
    assert_eq!(renamed["labels"], json!({"tenant": "two"}));
    assert_eq!(names("label=tenant%3Dtwo").await, ["b", "z"]);
    let listed =
        host.shop.rows(&["connections", "list", "--label", "tenant=two", "--output", "ndjson"]);
    assert_eq!(listed.iter().map(|it| &it["name"]).collect::<Vec<_>>(), ["b", "z"]);
    host.shop.run(&[
        "connect",
        "--connection",
        "z",
        "--secret-env",
        "api-key=KEY",
        "--label",
        "by=hand",
    ]);
    assert_eq!(host.get("/v1/connections/z").await["labels"], json!({"by": "hand"}));
    for (line, body) in [
        ("PATCH /v1/connections/a", json!({})),
        ("PATCH /v1/connections/b", json!({"labels": {"a b": "c"}})),
        ("PATCH /v1/connections/b", json!({"labels": {"a": "-"}})),
        ("GET /v1/connections?label=tenant", json!({})),
        ("GET /v1/connections?label=a%20b%3Dc", json!({})),
    ] {
        host.call(line, &body).await.problem(422, "invalid-input");
    }
}
