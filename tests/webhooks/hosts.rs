//! Several programs that serve one state.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shop::{SECRET, Shop, event, post, tracking};
use crate::support::listener::{Listener, until};

/// Connections beside the one that has a subscription.
const MORE: usize = 5;

/// Names and numbers of connections of the hosts that are there.
fn hosts(shop: &Shop) -> Vec<(String, u64)> {
    let rows = shop.rows(&["status", "--hosts", "--output", "ndjson"]);
    let host = |row: Value| {
        (row["host"].as_str().unwrap().to_owned(), row["connections"].as_u64().unwrap())
    };
    rows.into_iter().map(host).collect()
}

fn serve(shop: &Shop, name: &str) -> Listener {
    // Everything is read each time, since what changed is asked for a minute later.
    shop.listen("serve", &["--every", "1s", "--full-every", "1s", "--host-name", name])
}

/// How many connections have seen a tracking change like this.
fn seen(shop: &Shop, id: &str, kind: &str) -> usize {
    let rows = shop.rows(&["changes", "--output", "ndjson"]).into_iter();
    let rows = rows.filter(|row| row["object"] == "trackings" && row["id"] == id);
    let rows = rows.filter(|row| row["kind"] == kind);
    rows.map(|row| row["connection"].to_string()).collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_share_a_state_and_take_over_from_one_that_is_killed() {
    let shop = Shop::new("hosts").await;
    let path = shop.subscribe();
    for number in 0..MORE {
        let name = format!("more-{number}");
        let setting = format!("base-url={}", shop.url());
        shop.run(&[
            "secrets",
            "set",
            "api-key",
            "--from-env",
            "KEY",
            "--setting",
            &setting,
            "--connection",
            &name,
        ]);
    }
    let id = shop.tracking(1);
    let first = serve(&shop, "first");
    until(|| hosts(&shop), |hosts| *hosts == [("first".to_owned(), 6)]).await;
    let second = serve(&shop, "second");
    let both = [("first".to_owned(), 3), ("second".to_owned(), 3)];
    until(|| hosts(&shop), |hosts| *hosts == both).await;
    until(|| seen(&shop, &id, "created"), |count| *count == 1 + MORE).await;

    // Each takes deliveries of all connections, whoever works for them.
    for (number, listener) in [&first, &second].into_iter().enumerate() {
        let id = format!("0{number}");
        let told = event(&id, &tracking(&id, "2026-11-21T17:47:10+00:00", "InTransit"));
        shop.simulator.insert(&tracking(&id, "2026-11-21T17:47:10+00:00", "InTransit")).unwrap();
        assert_eq!(post(&listener.authority, &path, &told, SECRET).await, 200);
        until(|| seen(&shop, &id, "created"), |count| *count >= 1).await;
    }

    // One is killed, and the other reads for all.
    first.end("-KILL");
    until(|| hosts(&shop), |hosts| *hosts == [("second".to_owned(), 6)]).await;
    shop.simulator.scan(&id, "Delivered", "at the door").unwrap();
    until(|| seen(&shop, &id, "updated"), |count| *count == 1 + MORE).await;
    // One ends in order, which `status` shows at once.
    let (code, rest) = second.end("-TERM");
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("this host works for 6 of 6 connections"), "{rest}");
    assert_eq!(hosts(&shop), []);
}
