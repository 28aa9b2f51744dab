//! Lists that lag behind, and lists without an order.

use std::collections::HashSet;

use aftership_simulator::IndexLag;

use crate::client::{Client, tracking};

const A_SECOND: u64 = 1_000;

fn lagging(lag: IndexLag) -> Client {
    let client = Client::new();
    for id in ["a", "b", "c"] {
        client.simulator.insert(&tracking(id, "2026-11-20T00:00:00+00:00", "")).unwrap();
    }
    client.simulator.configure(|options| options.index_lag = lag);
    client
}

/// What a list of all shows of one id.
async fn listed(client: &Client, id: &str) -> Option<serde_json::Value> {
    let answer = client.list("limit=200").await;
    let trackings = answer.data()["trackings"].as_array().unwrap();
    trackings.iter().find(|one| one["id"] == id).cloned()
}

#[tokio::test]
async fn lists_show_a_change_after_the_lag_and_a_single_answer_at_once() {
    let client = lagging(IndexLag::Fixed(5 * A_SECOND));
    let id = client.created(r#"{"tracking_number":"NEW-1","slug":"dhl"}"#).await;
    client.put("a", r#"{"title":"new"}"#).await;
    assert_eq!(
        client.send("DELETE", &format!("{}/b", crate::client::TRACKINGS), "").await.status,
        200
    );

    assert_eq!(client.get(&id).await.status, 200);
    assert_eq!(client.get("a").await.data()["title"], "new");
    assert_eq!(client.get("b").await.status, 404);
    client.clock.advance(5 * A_SECOND - 1);
    assert_eq!(client.scan("").await, ["a", "b", "c"]);
    assert_eq!(client.list("").await.data()["pagination"]["total"], 3);
    let as_before = tracking("a", "2026-11-20T00:00:00+00:00", "");
    assert_eq!(listed(&client, "a").await.unwrap().to_string(), as_before);
    assert_eq!(client.simulator.changes_unlisted(), 3);

    client.clock.advance(1);
    assert_eq!(client.scan("").await, [&*id, "a", "c"]);
    assert_eq!(client.list("").await.data()["pagination"]["total"], 3);
    assert_eq!(listed(&client, "a").await.unwrap()["title"], "new");
    assert_eq!(client.simulator.changes_unlisted(), 0);
}

#[tokio::test]
async fn with_random_lags_lists_end_up_showing_the_truth() {
    for seed in 0..20 {
        let client = lagging(IndexLag::Random { seed, most_ms: 30 * A_SECOND });
        client.simulator.seed(seed, 40);
        let ids = client.scan("").await;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut late = 0;
        for round in 0..100 {
            let id = random.choice(&ids).unwrap();
            match random.u8(0..10) {
                0 => drop(client.simulator.remove(id)),
                1 => client
                    .simulator
                    .insert(&tracking(&format!("new-{round}"), "2026-11-22T12:00:00+00:00", ""))
                    .unwrap(),
                // One that is gone cannot be changed.
                _ => drop(client.simulator.update(id, &format!(r#"{{"title":"{round}"}}"#))),
            }
            client.clock.advance(random.u64(0..2 * A_SECOND));
            late = late.max(client.simulator.changes_unlisted());
        }
        assert!(late > 3, "{late}");
        client.clock.advance(30 * A_SECOND);
        let answer = client.list("limit=200").await;
        let shown: Vec<_> = answer.data()["trackings"].as_array().unwrap().clone();
        let truth: Vec<serde_json::Value> = client
            .simulator
            .trackings()
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
        assert_eq!(shown, truth, "seed {seed}");
    }
}

#[tokio::test]
async fn a_shuffled_scan_shows_everything_once() {
    for count in [0, 1, 200, 1000] {
        let client = Client::new();
        client.simulator.seed(5, count);
        let ordered = client.scan("limit=200").await;
        let mut orders = HashSet::new();
        for seed in [1, 2] {
            client.simulator.configure(|options| options.shuffle = Some(seed));
            let shuffled = client.scan("limit=200").await;
            for size in [7, 100, 199] {
                assert_eq!(client.scan(&format!("limit={size}")).await, shuffled);
            }
            let unique: HashSet<_> = shuffled.iter().collect();
            assert_eq!(unique, ordered.iter().collect());
            assert_eq!(shuffled.len(), count);
            orders.insert(shuffled);
            assert_eq!(client.list("").await.data()["pagination"]["total"], count);
        }
        orders.insert(ordered);
        assert_eq!(orders.len(), if count > 1 { 3 } else { 1 });
    }
}
