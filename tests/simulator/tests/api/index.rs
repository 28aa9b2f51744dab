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
async fn filters_apply_to_what_lists_show() {
    let client = lagging(IndexLag::Fixed(5 * A_SECOND));
    client.put("a", r#"{"title":"new"}"#).await;
    let today = "updated_at_min=2026-11-22T00:00:00%2B00:00";
    let before = "updated_at_max=2026-11-22T00:00:00%2B00:00";
    assert_eq!(client.scan(today).await, Vec::<String>::new());
    assert_eq!(client.scan(before).await, ["a", "b", "c"]);
    assert_eq!(client.scan("keyword=new").await, Vec::<String>::new());
    client.clock.advance(5 * A_SECOND);
    assert_eq!(client.scan(today).await, ["a"]);
    assert_eq!(client.scan(before).await, ["b", "c"]);
    assert_eq!(client.scan("keyword=new").await, ["a"]);
}

#[tokio::test]
async fn what_a_test_changes_directly_lags_too_and_what_it_seeds_does_not() {
    let client = lagging(IndexLag::Fixed(A_SECOND));
    client.simulator.update("a", r#"{"title":"by the carrier"}"#).unwrap();
    client.simulator.remove("b").unwrap();
    client.simulator.insert(&tracking("d", "2026-11-19T00:00:00+00:00", "")).unwrap();
    client.simulator.seed(3, 10);
    assert_eq!(client.scan("").await.len(), 13);
    assert!(listed(&client, "a").await.unwrap().get("title").is_none());
    assert!(listed(&client, "b").await.is_some());
    assert!(listed(&client, "d").await.is_none());
    client.clock.advance(A_SECOND);
    assert_eq!(client.scan("").await.len(), 13);
    assert_eq!(listed(&client, "a").await.unwrap()["title"], "by the carrier");
    assert!(listed(&client, "b").await.is_none());
    assert!(listed(&client, "d").await.is_some());
}

#[tokio::test]
async fn several_changes_in_one_second_show_one_by_one() {
    let client = lagging(IndexLag::Fixed(A_SECOND));
    for title in ["one", "two", "three"] {
        client.simulator.update("a", &format!(r#"{{"title":"{title}"}}"#)).unwrap();
        client.clock.advance(300);
    }
    client.clock.advance(100);
    for title in ["one", "two", "three"] {
        let shown = listed(&client, "a").await.unwrap();
        assert_eq!(shown["title"], title);
        assert_eq!(shown["updated_at"], "2026-11-22T12:00:00+00:00");
        client.clock.advance(300);
    }
}

#[tokio::test]
async fn the_stages_of_the_test_courier_lag_from_when_they_were_due() {
    let client = lagging(IndexLag::Fixed(A_SECOND));
    let id = client.created(r#"{"tracking_number":"ITD-1"}"#).await;
    for (at_ms, tag) in [(3_999, "Pending"), (4_000, "InfoReceived"), (20_000, "Delivered")] {
        client.clock.set(crate::client::NOON + at_ms);
        assert_eq!(listed(&client, &id).await.unwrap()["tag"], tag);
    }
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

#[tokio::test]
async fn a_shuffled_scan_of_a_window_keeps_what_does_not_change() {
    let client = Client::with(|options| options.shuffle = Some(4));
    client.simulator.seed(9, 300);
    let window = "created_at_max=2026-11-22T12:00:00%2B00:00";
    let before = client.scan(&format!("{window}&limit=200")).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut touched = HashSet::new();
    for round in 0_usize.. {
        let answer = client.list(&format!("{window}&limit=20{cursor}")).await;
        seen.extend(answer.ids());
        let next = answer.data()["pagination"]["next_cursor"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
        cursor = format!("&cursor={}", next.replace('=', "%3D").replace('+', "%2B"));
        client.clock.advance(A_SECOND);
        client.created(&format!(r#"{{"tracking_number":"NEW-{round}","slug":"dhl"}}"#)).await;
        for id in [seen.last().unwrap(), &before[(round * 20 + 30) % before.len()]] {
            client.simulator.remove(id);
            touched.insert(id.clone());
        }
    }
    let unique: HashSet<_> = seen.iter().cloned().collect();
    assert_eq!(unique.len(), seen.len(), "something came twice");
    for id in before {
        assert!(unique.contains(&id) || touched.contains(&id), "{id} was lost");
    }
}
