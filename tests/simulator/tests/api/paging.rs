//! Scans: nothing lost, nothing twice, whatever changes meanwhile.

use std::collections::HashSet;

use crate::client::{Client, TRACKINGS, tracking};

#[tokio::test]
async fn a_scan_shows_everything_once_and_in_order() {
    for count in [0, 1, 199, 200, 201, 1000] {
        let client = Client::new();
        client.simulator.seed(5, count);
        let all: Vec<_> = client
            .simulator
            .trackings()
            .iter()
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(all.len(), count);
        for size in [1, 7, 100, 199, 200] {
            if count <= 201 || size > 1 {
                assert_eq!(client.scan(&format!("limit={size}")).await, all, "{count} by {size}");
            }
        }
        assert_eq!(client.list("").await.ids().len(), count.min(100));
        assert_eq!(client.list("").await.data()["pagination"]["total"], count);
    }
}

#[tokio::test]
async fn trackings_of_one_moment_are_ordered_by_id() {
    let client = Client::new();
    for id in ["c", "a", "d", "b"] {
        let one = tracking(id, "2026-11-20T00:00:00+00:00", "");
        client.simulator.insert(&one).unwrap();
    }
    client.simulator.insert(&tracking("e", "2026-11-20T00:00:01+00:00", "")).unwrap();
    for size in 1..=5 {
        let ids = client.scan(&format!("limit={size}")).await;
        assert_eq!(ids, ["e", "a", "b", "c", "d"]);
    }
}

#[tokio::test]
async fn a_scan_survives_inserts_and_deletes() {
    let client = Client::new();
    client.simulator.seed(9, 300);
    let before: Vec<_> = client.scan("limit=200").await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut gone = HashSet::new();
    for round in 0_usize.. {
        let answer = client.list(&format!("limit=20{cursor}")).await;
        seen.extend(answer.ids());
        let next = answer.data()["pagination"]["next_cursor"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
        cursor = format!("&cursor={}", next.replace('=', "%3D").replace('+', "%2B"));
        // New ones come in front; the one the cursor points at goes, and one that is still ahead.
        let number = format!(r#"{{"tracking_number":"NEW-{round}","slug":"dhl"}}"#);
        client.created(&number).await;
        let ahead = before[(round * 20 + 30).min(before.len() - 1)].clone();
        for id in [seen.last().unwrap().clone(), ahead] {
            client.simulator.remove(&id);
            gone.insert(id);
        }
    }
    let unique: HashSet<_> = seen.iter().cloned().collect();
    assert_eq!(unique.len(), seen.len(), "something came twice");
    for id in before {
        assert!(unique.contains(&id) || gone.contains(&id), "{id} was lost");
    }
}

#[tokio::test]
async fn the_retention_ends_lists_but_not_single_answers() {
    let client = Client::new();
    for (id, created_at) in [
        ("young", "2026-11-21T00:00:00+00:00"),
        ("edge", "2026-07-25T12:00:00+00:00"),
        ("old", "2026-07-25T11:59:59+00:00"),
        ("ancient", "2020-01-01T00:00:00+00:00"),
    ] {
        client.simulator.insert(&tracking(id, created_at, "")).unwrap();
    }
    let early = "created_at_min=2000-01-01T00:00:00%2B00:00";
    assert_eq!(client.scan("").await, ["young", "edge"]);
    assert_eq!(client.scan(early).await, ["young", "edge"]);
    assert_eq!(client.get("ancient").await.status, 200);

    client.clock.advance(1000);
    assert_eq!(client.scan("").await, ["young"]);

    client.simulator.configure(|options| options.retention_days = Some(1));
    assert_eq!(client.scan("").await, Vec::<String>::new());

    client.simulator.configure(|options| options.retention_days = None);
    assert_eq!(client.scan("").await, ["young"], "the default of created_at_min stays");
    assert_eq!(client.scan(early).await, ["young", "edge", "old", "ancient"]);
}

#[tokio::test]
async fn what_is_created_later_than_now_is_not_listed_by_default() {
    let client = Client::new();
    client.simulator.insert(&tracking("future", "2026-11-22T12:00:01+00:00", "")).unwrap();
    assert_eq!(client.scan("").await, Vec::<String>::new());
    let later = "created_at_max=2026-11-22T12:00:01%2B00:00";
    assert_eq!(client.scan(later).await, ["future"]);
    assert_eq!(client.send("GET", &format!("{TRACKINGS}/future"), "").await.status, 200);
}
