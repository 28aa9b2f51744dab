//! What events say, and what the host makes of it.

use serde_json::{Value, json};

use super::fails;
use super::program::{Program, deliver};
use crate::support::listener::until;

const SUBSCRIBE: [&str; 5] =
    ["subscribe", "things", "--url", "https://hooks.example.com", "--no-wait"];
const TOKEN: &str = "hook-token-0123456789";

async fn program() -> Program {
    Program::new(|asked| match asked.path.as_str() {
        "token" => {
            json!({ "access_token": "access-0123456789", "refresh_token": "refresh-0123456789" })
        }
        "tell/subscribe" => json!({
            "id": "s1", "target_url": asked.input["target_url"], "secret": TOKEN,
        }),
        "ask/list" | "ask/check" => json!({ "records": [] }),
        _ => fails("unsupported"),
    })
    .await
}

/// The customer has removed the app at the provider: nothing is sent any more, by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_withdrawn_is_used_no_more() {
    let program = program().await;
    program.login().await.done();
    program.run(&SUBSCRIBE).done();
    program.run(&["list", "things"]).done();
    let url = program.asked("tell/subscribe")[0]["target_url"].as_str().unwrap().to_owned();
    let gone = json!({ "events": [
        { "event": "e1", "object": "things", "name": "removed", "effect": "disconnected" },
    ] });
    let listener = program.listen();
    assert_eq!(deliver(&listener, &url, "forged", &gone).await, 401);
    program.run(&["check"]).done();
    assert_eq!(deliver(&listener, &url, TOKEN, &gone).await, 200);

    let asked = program.asked("ask/list").len();
    program.run(&["list", "things"]).failed(4, &["connect"]);
    program.run(&["sync"]).failed(4, &[]);
    program.run(&["check"]).failed(4, &[]);
    assert_eq!(program.asked("ask/list").len(), asked, "nothing was sent");
    assert_eq!(program.asked("token").len(), 1, "and nothing was renewed");
    program.login_with(&[]).await.done();
    program.run(&["list", "things"]).done();
}

/// Events of later versions, about objects of later versions.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_nobody_knows_keep_no_others_from_being_applied() {
    let program = program().await;
    program.login().await.done();
    program.run(&SUBSCRIBE).done();
    let url = program.asked("tell/subscribe")[0]["target_url"].as_str().unwrap().to_owned();
    let event = |event: &str, object: &str, name: &str, effect: &str| {
        json!({
            "event": event, "object": object, "name": name, "effect": effect,
            "id": event, "data": { "id": event },
        })
    };
    let events = json!({ "events": [
        event("e1", "holograms", "hologram.projected", "upserted"),
        event("e2", "holograms", "hologram.seen", "nothing"),
        event("e3", "things", "thing.teleported", "upserted"),
    ] });
    let listener = program.listen();
    assert_eq!(deliver(&listener, &url, TOKEN, &events).await, 200);
    let ids = || {
        let rows = program.rows(&["changes", "--output", "ndjson"]).into_iter();
        let of_things = rows.filter(|row| row["object"] == "things");
        of_things.map(|row| row["id"].clone()).collect::<Vec<Value>>()
    };
    until(ids, |ids| ids == &[json!("e3")]).await;
}
