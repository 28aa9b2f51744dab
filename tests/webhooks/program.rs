//! `subscribe`, `listen` and what goes with them, as a user has them.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aftership_simulator::{Dialer, Webhook};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::shop::{SECRET, Shop, event, post, tracking};
use crate::support::listener::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_proven_and_each_stage_is_one_change() {
    let shop = Shop::new("proven").await;
    let path = shop.subscribe();
    assert_eq!(path, shop.subscribe(), "a connection has one path");
    let id = shop.tracking(1);
    let listener = shop.listen("serve", &["--every", "1s"]);
    let url = format!("http://{}{path}", listener.authority);
    let webhook = shop.simulator.add_webhook(Webhook::new(&url, SECRET)).unwrap();
    let sender = shop.simulator.clone();
    let sending = tokio::spawn(async move { sender.send_webhooks(Dialer::loopback()).await });
    shop.simulator.send_test_webhook(webhook).unwrap();
    let status = || {
        let rows = shop.rows(&["status", "--output", "ndjson"]);
        rows.into_iter().find(|row| row["subscription"].is_object()).unwrap()
    };
    let proven = until(status, |row| row["subscription"]["proven"].is_string()).await;
    assert_eq!(proven["subscription"]["deliveries"], 1);
    // It waits for what has come already.
    shop.run(&["subscribe", "trackings", "--url", "https://hooks.example.com", "--no-wait"]);

    let changes = || {
        let rows = shop.rows(&["changes", "--output", "ndjson"]);
        rows.into_iter().filter(|row| row["object"] == "trackings").count()
    };
    until(changes, |count| *count == 1).await;
    for (number, tag) in ["InTransit", "OutForDelivery", "Delivered"].iter().enumerate() {
        shop.simulator.scan(&id, tag, "on its way").unwrap();
        until(changes, |count| *count == 2 + number).await;
    }
    let (code, rest) = listener.end("-TERM");
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(changes(), 4, "deliveries and polls make one change each");
    sending.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_waits_for_a_person() {
    let shop = Shop::new("letters").await;
    let path = shop.subscribe();
    let listener = shop.listen("listen", &[]);
    let at = "2026-11-21T17:47:10+00:00";
    for id in ["0a", "0b"] {
        shop.simulator.insert(&tracking(id, at, "InTransit")).unwrap();
    }
    let good = event("e1", &tracking("0a", at, "InTransit"));
    assert_eq!(post(&listener.authority, &path, &good, SECRET).await, 200);
    assert_eq!(post(&listener.authority, &path, "no JSON", SECRET).await, 200);
    assert_eq!(post(&listener.authority, &path, &good, "another").await, 401);
    let deliveries = || shop.rows(&["deliveries", "list"]);
    let kept = until(deliveries, |rows| rows[1]["events"][0]["state"] == "done").await;
    assert_eq!(kept[0]["events"][0]["state"], "dead");
    assert_eq!(kept[1]["events"][0]["record"], "0a");
    // Nobody can tell what the other one was about, so what there is was pulled.
    let exported = || {
        let rows = shop.output(&["export", "trackings"]).stdout;
        let rows = String::from_utf8(rows).unwrap();
        let id = |row: &str| serde_json::from_str::<Value>(row).unwrap()["id"].clone();
        rows.lines().map(id).collect::<Vec<_>>()
    };
    until(exported, |ids| *ids == ["0a", "0b"]).await;

    // One that was saved is verified and decoded as any other.
    let file = shop.base.join("delivery.json");
    std::fs::write(&file, shop.run(&["deliveries", "show", "1", "--output", "json"])).unwrap();
    let replayed = shop.rows(&["deliveries", "replay", file.to_str().unwrap()]);
    assert_eq!((&replayed[0]["id"], &replayed[0]["record"]), (&json!("e1"), &json!("0a")));
    let saved = std::fs::read_to_string(&file).unwrap().replace("InTransit", "Delivered");
    std::fs::write(&file, saved).unwrap();
    let forged = shop.output(&["deliveries", "replay", file.to_str().unwrap()]);
    assert_eq!(forged.status.code(), Some(2));

    let letters = shop.rows(&["dead-letters", "list"]);
    assert_eq!((letters.len(), &letters[0]["raw"]), (1, &json!("no JSON")));
    let number = letters[0]["number"].as_str().unwrap();
    shop.run(&["dead-letters", "replay", number]);
    until(|| shop.rows(&["dead-letters", "list"]).len(), |count| *count == 1).await;
    shop.run(&["dead-letters", "drop", number]);
    assert!(shop.rows(&["dead-letters", "list"]).is_empty());
    assert_eq!(shop.output(&["dead-letters", "drop", number]).status.code(), Some(2));
    let (code, rest) = listener.end("-INT");
    assert_eq!(code, Some(0));
    assert!(rest.contains(&format!("gave up on the event {number}: ")), "{rest}");
    assert!(rest.contains("deliveries may be missing since"), "{rest}");
}

/// Every 200 that a sender saw is in the inbox, whenever the receiver is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_killed_forgets_nothing_that_it_took() {
    let shop = Shop::new("killed").await;
    let path = shop.subscribe();
    let taken = Arc::new(Mutex::new(BTreeSet::new()));
    let mut sent = 0;
    for _ in 0..3 {
        let listener = shop.listen("listen", &[]);
        let before = taken.lock().unwrap().len();
        let senders: Vec<_> = (0..16)
            .map(|sender| {
                let (taken, path) = (Arc::clone(&taken), path.clone());
                let (authority, first) = (listener.authority.clone(), sent + sender * 1_000);
                tokio::spawn(async move {
                    for number in first.. {
                        let (id, at) = (format!("{number:032x}"), "2026-11-21T17:47:10+00:00");
                        let body = event(&id, &tracking(&id, at, "InTransit"));
                        match post(&authority, &path, &body, SECRET).await {
                            200 => taken.lock().unwrap().insert(id),
                            _ => return,
                        };
                    }
                })
            })
            .collect();
        until(|| taken.lock().unwrap().len(), |count| *count >= before + 200).await;
        let _ = listener.end("-KILL");
        for sender in senders {
            sender.await.unwrap();
        }
        sent += 1_000_000;
    }
    let kept = shop.rows(&["deliveries", "list", "--max", "1000000"]);
    let kept: BTreeSet<String> = kept
        .iter()
        .flat_map(|row| row["events"].as_array().unwrap())
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    let taken = taken.lock().unwrap().clone();
    let lost: Vec<_> = taken.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} are lost", lost.len(), taken.len());
    // And the next one applies them.
    let listener = shop.listen("listen", &[]);
    let waiting = || {
        let rows = shop.rows(&["status", "--output", "ndjson"]);
        let row = rows.into_iter().find(|row| row["subscription"].is_object()).unwrap();
        row["subscription"]["waiting"].as_u64().unwrap()
    };
    until(waiting, |waiting| *waiting == 0).await;
    let records = shop.rows(&["export", "trackings"]).len();
    assert_eq!(records, kept.len());
    assert_eq!(listener.end("-TERM").0, Some(0));
}

/// The first signal lets a sender that dawdles come to its end, the second does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_program_at_once() {
    let shop = Shop::new("twice").await;
    let path = shop.subscribe();
    let listener = shop.listen("listen", &[]);
    let mut stream = TcpStream::connect(&listener.authority).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("100 Continue") {
        answer.push(stream.read_u8().await.unwrap().into());
    }
    let id = listener.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(listener.end("-INT").0, Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_said() {
    let shop = Shop::new("usage").await;
    let forward = |url: &str, secret: &str| {
        let arguments = ["forwards", "add", "shop", url, "--secret-env", secret];
        let mut command = shop.command(&[]);
        let output = command.args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let only = |filter: &str| {
        let url = "http://127.0.0.1/x";
        let output =
            shop.command(&["forwards", "add", "shop", url, "--only", filter]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (said, word) in [
        (forward("http://127.0.0.1/x", "SECRET"), "whsec_"),
        (forward("ftp://a.example", "FORWARD"), "neither https nor http"),
        (forward("http://127.0.0.1/x", "NO_SUCH"), "NO_SUCH"),
        (only("tag:->Exception"), "OBJECT.tag:->Exception"),
        (only("tracking.tag:->Exception"), "did you mean \"trackings\""),
    ] {
        assert!(said.0 == Some(2) && said.1.contains(word), "{said:?}");
    }
    for wrong in [
        &["forwards", "remove", "lost"][..],
        &["forwards", "add", "shop"],
        &["forwards", "add", "shop", "http://127.0.0.1/x", "--template", "/no/such/file"],
        &["listen", "--address", "nowhere"],
        &["listen", "--public-url", "nowhere"],
        &["listen", "--tls-cert", "x"],
        &["listen", "--connection", "lost"],
        &["deliveries", "show", "99"],
        &["deliveries", "replay", "/no/such/file"],
        &["dead-letters", "replay", "e99"],
        &["subscribe", "trackings", "--url", "https://a.example?q=1"],
    ] {
        let output = shop.output(wrong);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {err}");
    }
}
