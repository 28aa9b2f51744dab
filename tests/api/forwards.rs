//! Forwards through the API.

use serde_json::json;

use super::world::Host;

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_is_made_changed_and_removed() {
    let host = Host::seeded("forwards", 1).await;
    let new = json!({
        "name": "erp", "url": "https://erp.example.com/hook/top-secret",
        "only": ["trackings.tag:->Delivered"], "connection": "default",
    });
    let made = host.call("POST /v1/forwards", &new).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    host.call("POST /v1/forwards", &new).await.problem(409, "conflict");
    let shown = host.ask("/v1/forwards/erp").await;
    assert_eq!(shown.json()["target"], "https://erp.example.com");
    assert!(!shown.body.contains("top-secret") && !shown.body.contains("whsec_"), "{}", shown.body);

    let change = |body: serde_json::Value| {
        let host = &host;
        async move { host.call("PATCH /v1/forwards/erp", &body).await }
    };
    let off =
        change(json!({"enabled": false, "only": [], "template": {"text": "{{/data/record/id}}"}}))
            .await;
    assert_eq!(off.json()["forward"]["enabled"], false);
    assert_eq!((&off.json()["forward"]["only"], off.json().get("secret")), (&json!([]), None));
    assert_eq!(off.json()["forward"]["template"], true);
    // What is not given stays; null is given.
    let renewed = change(json!({"new_secret": true, "template": null})).await.json();
    assert_eq!(
        (&renewed["forward"]["enabled"], &renewed["forward"]["template"]),
        (&json!(false), &json!(false))
    );
    assert_ne!(renewed["secret"], made.json()["secret"]);
    let unsigned = change(json!({"unsigned": true, "url": "https://b.example.com/x"})).await.json();
    assert_eq!(
        (&unsigned["forward"]["signed"], &unsigned["forward"]["target"]),
        (&json!(false), &json!("https://b.example.com"))
    );
    for wrong in [
        json!({"url": "ftp://erp.example.com"}),
        json!({"url": "https://user:top-secret@[::1"}),
        json!({"only": ["nothing.tag=1"]}),
        json!({"only": ["tag->"]}),
        json!({"template": {"text": "{{/nothing}}"}}),
        json!({"secret": "whsec_short"}),
        json!({"new_secret": true, "unsigned": true}),
        json!({"name": "a b"}),
    ] {
        let refused = change(wrong.clone()).await;
        let problem = refused.problem(422, "invalid-input");
        assert!(!problem.to_string().contains("top-secret"), "{wrong}: {problem}");
    }

    assert_eq!(host.get("/v1/forwards/erp/parked").await["items"], json!([]));
    let retried = host.call("POST /v1/forwards/erp/parked/retry", &json!({"changes": [1]})).await;
    assert_eq!(retried.json()["changes"], 0);
    let dropped = host.send("DELETE /v1/forwards/erp/parked?changes=1&changes=2", &[], b"").await;
    assert_eq!(dropped.json()["changes"], 0);
    assert_eq!(host.get("/v1/forwards").await["items"][0]["name"], "erp");
    assert_eq!(host.send("DELETE /v1/forwards/erp", &[], b"").await.status, 204);
    host.ask("/v1/forwards/erp").await.problem(404, "not-found");
}
