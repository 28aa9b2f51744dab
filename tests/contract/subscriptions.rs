//! Subscriptions that the provider holds: none is forgotten, none is kept too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::program::{Program, deliver};
use super::{Asked, fails};
use crate::support::listener::until;

const URL: &str = "https://hooks.example.com";
const SUBSCRIBE: [&str; 5] = ["subscribe", "things", "--url", URL, "--no-wait"];

/// Subscriptions as the provider has them.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<Value>>>);

impl Held {
    fn ids(&self) -> Vec<String> {
        let held = self.0.lock().unwrap();
        held.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes one, whose token is `token-ID`.
    fn add(&self, id: &str, target_url: &Value, expires_at: Value) -> Value {
        let made = json!({ "id": id, "target_url": target_url, "expires_at": expires_at });
        self.0.lock().unwrap().push(made.clone());
        let mut told = made;
        told["secret"] = json!(token(id));
        told
    }

    fn answer(&self, asked: &Asked) -> Value {
        match asked.path.as_str() {
            "ask/existing" => json!({ "existing": *self.0.lock().unwrap() }),
            "tell/subscribe" => {
                let id = format!("s{}", self.ids().len() + 1);
                self.add(&id, &asked.input["target_url"], Value::Null)
            }
            "tell/unsubscribe" => {
                self.0.lock().unwrap().retain(|it| it["id"] != asked.input["id"]);
                Value::Null
            }
            "ask/list" => json!({ "records": [] }),
            _ => fails("unsupported"),
        }
    }
}

fn token(id: &str) -> String {
    format!("token-{id}-0123456789")
}

fn upserted(event: &str) -> Value {
    json!({ "events": [{
        "event": event, "object": "things", "name": "thing_changed", "id": "1", "data": { "id": "1" },
    }] })
}

/// An attempt whose answer nobody could read left one behind at our URL.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_ours_that_nobody_knows_of_is_ended() {
    let held = Held::default();
    held.add("theirs", &json!("https://other.example.com/hooks/x"), Value::Null);
    let (provider, first) = (held.clone(), AtomicBool::new(true));
    let program = Program::with_key(move |asked| {
        if asked.path == "tell/subscribe" && first.swap(false, Ordering::SeqCst) {
            provider.add("lost", &asked.input["target_url"], Value::Null);
            return fails("internal");
        }
        provider.answer(asked)
    })
    .await;
    program.run(&SUBSCRIBE).failed(1, &["subscribing to things"]);
    assert_eq!(held.ids(), ["theirs", "lost"]);
    program.run(&SUBSCRIBE).done();
    assert_eq!(held.ids(), ["theirs", "s2"]);
    // Subscribing again renews what is there, and ends nothing.
    program.run(&SUBSCRIBE).done();
    assert_eq!(program.asked("tell/subscribe").last().unwrap()["renews"], "s2");
    assert_eq!(program.asked("tell/unsubscribe").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_guesses_where_deliveries_come_to() {
    let held = Held::default();
    let program = Program::with_key(move |asked| held.answer(asked)).await;
    let base = program.base();
    let other = ["secrets", "set", "api-key", "--from-env", "KEY", "--connection", "other"];
    program.run(&[&other[..], &["--setting", &base]].concat()).done();
    program.run(&SUBSCRIBE).done();
    program.run(&[&SUBSCRIBE[..], &["--connection", "other"]].concat()).done();
    let asked = program.asked("tell/subscribe");
    let tokens = asked.iter().map(|asked| {
        let url = asked["target_url"].as_str().unwrap();
        url.strip_prefix(&format!("{URL}/hooks/")).unwrap().to_owned()
    });
    let tokens: Vec<String> = tokens.collect();
    for token in &tokens {
        assert!(token.len() == 32 && token.bytes().all(|it| it.is_ascii_hexdigit()), "{token}");
    }
    assert_ne!(tokens[0], tokens[1]);
    assert_ne!(asked[0]["key"], asked[1]["key"], "each attempt at something else has its name");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_is_renewed_before_and_the_old_one_goes_when_the_new_one_delivers() {
    let held = Held::default();
    let (provider, delivers) = (held.clone(), Arc::new(AtomicBool::new(false)));
    let has_delivered = Arc::clone(&delivers);
    let program = Program::with_key(move |asked| match asked.path.as_str() {
        // The first one is due already.
        "tell/subscribe" if asked.input["renews"].is_null() => {
            provider.add("old", &asked.input["target_url"], json!("2020-01-01T00:00:00+00:00"))
        }
        "tell/subscribe" => provider.add("new", &asked.input["target_url"], Value::Null),
        "tell/unsubscribe" => {
            assert!(has_delivered.load(Ordering::SeqCst), "too early");
            provider.answer(asked)
        }
        _ => provider.answer(asked),
    })
    .await;
    program.run(&SUBSCRIBE).done();
    let listener = program.listen();
    let asked = program.until_asked("tell/subscribe", 2).await;
    assert_eq!(asked[1]["renews"], "old");
    assert_ne!(asked[0]["key"], asked[1]["key"], "a renewal is another change");
    assert_eq!(held.ids(), ["old", "new"]);
    delivers.store(true, Ordering::SeqCst);
    let url = asked[1]["target_url"].as_str().unwrap();
    let mut number = 0;
    while program.asked("tell/unsubscribe").is_empty() {
        number += 1;
        deliver(&listener, url, &token("new"), &upserted(&format!("e{number}"))).await;
        assert!(number < 1_000, "the old one is not ended");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    until(|| held.ids(), |ids| ids == &["new"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriptions_secrets_end_with_it() {
    let held = Held::default();
    let (provider, away) = (held.clone(), Arc::new(AtomicBool::new(false)));
    let is_away = Arc::clone(&away);
    let program = Program::with_key(move |asked| match asked.path.as_str() {
        "tell/unsubscribe" if is_away.load(Ordering::SeqCst) => fails("unavailable"),
        _ => provider.answer(asked),
    })
    .await;
    let secrets = || {
        let rows = program.rows(&["secrets", "list", "--output", "ndjson"]).into_iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    program.run(&["unsubscribe", "things"]).failed(2, &["no subscription to things"]);
    program.run(&SUBSCRIBE).done();
    assert_eq!(secrets(), ["api-key", "hook-secret@things"]);
    let asked = program.asked("tell/subscribe");
    let url = asked[0]["target_url"].as_str().unwrap();
    let listener = program.listen();
    assert_eq!(deliver(&listener, url, &token("s1"), &upserted("e1")).await, 200);

    away.store(true, Ordering::SeqCst);
    program.run(&["unsubscribe", "things"]).failed(1, &["nothing was erased", "--force"]);
    assert_eq!(secrets().len(), 2);
    away.store(false, Ordering::SeqCst);
    program.run(&["unsubscribe", "things"]).done();
    assert_eq!(secrets(), ["api-key"]);
    assert!(held.ids().is_empty());
    drop(listener);
    let listener = program.listen();
    let refused = deliver(&listener, url, &token("s1"), &upserted("e2")).await;
    assert_ne!(refused, 200, "its secret proves nothing any more");

    program.run(&SUBSCRIBE).done();
    away.store(true, Ordering::SeqCst);
    program.run(&["unsubscribe", "things", "--force"]).done();
    assert_eq!(secrets(), ["api-key"]);
}
