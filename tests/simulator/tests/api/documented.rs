//! Bodies of the shape that the documentation shows are taken, and answers have its members.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::client::Client;

fn body(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn names(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn documented_requests_are_taken_and_answered_with_every_member() {
    let client = Client::new();
    let base = "/tracking/2026-07";
    let send = async |method: &str, path: &str, body: &Value| {
        let answer = client.send(method, &format!("{base}/{path}"), &body.to_string()).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
        answer.data().clone()
    };
    let (documented, created) =
        (body("tracking.json"), send("POST", "trackings", &body("tracking-create.json")).await);
    assert_eq!(names(&created), names(&documented["data"]));
    let path = format!("trackings/{}", created["id"].as_str().unwrap());
    let updated = send("PUT", &path, &body("tracking-update.json")).await;
    assert_eq!(updated["title"], "Lamp, copper");
    for request in body("couriers-detect.json").as_array().unwrap() {
        send("POST", "couriers/detect", request).await;
    }
    send("POST", "courier-connections", &body("courier-connection-create.json")).await;
    let predict = "estimated-delivery-date/predict";
    let one = send("POST", predict, &body("predict.json")).await;
    let batch = send("POST", &format!("{predict}-batch"), &body("predict-batch.json")).await;
    let documented = body("predictions.json");
    let pointer = "/estimated_delivery_dates/2";
    let third = documented["data"].pointer(pointer).unwrap();
    assert_eq!(names(&one), names(third));
    assert_eq!(names(batch.pointer(pointer).unwrap()), names(third));
}

#[tokio::test]
async fn what_was_loaded_is_served_token_for_token() {
    let client = Client::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    assert_eq!(client.simulator.load(&folder.join("tracking.json")).unwrap(), 1);
    let tracking = body("tracking.json")["data"].clone();
    let answer = client.get(tracking["id"].as_str().unwrap()).await;
    assert_eq!(answer.text, format!(r#"{{"meta":{{"code":200}},"data":{tracking}}}"#));
    assert!(client.simulator.load(&folder.join("couriers-none.json")).is_err());
}
