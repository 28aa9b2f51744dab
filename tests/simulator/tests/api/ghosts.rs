//! Deletions that have not reached everything.

use aftership_simulator::Ghost;

use crate::client::{Client, TRACKINGS, tracking};

/// Three trackings, the one in the middle deleted in part.
fn client(ghost: Ghost) -> Client {
    let client = Client::new();
    for id in ["a", "b", "c"] {
        client.simulator.insert(&tracking(id, "2026-11-20T00:00:00+00:00", "")).unwrap();
    }
    assert!(client.simulator.remove_in_part("b", ghost));
    assert!(!client.simulator.remove_in_part("nobody", ghost));
    client
}

#[tokio::test]
async fn a_tracking_may_be_gone_from_lists_alone() {
    let client = client(Ghost::Unlisted);
    for _ in 0..2 {
        let list = client.list("").await;
        assert_eq!(
            (list.ids(), &list.data()["pagination"]["total"]),
            (vec!["a".into(), "c".into()], &2.into())
        );
        assert_eq!(client.get("b").await.data()["id"], "b");
        // A change does not bring it back.
        client.simulator.scan("b", "InTransit", "Departed").unwrap();
    }
    client.simulator.remove("b").unwrap();
    assert_eq!(client.get("b").await.code(), 4004);
    client.simulator.insert(&tracking("b", "2026-11-20T00:00:00+00:00", "")).unwrap();
    assert_eq!(client.scan("").await, ["a", "b", "c"], "another of this id is none of it");
}

#[tokio::test]
async fn a_tracking_may_be_gone_by_its_id_alone() {
    let client = client(Ghost::Listed);
    let gone = client.get("b").await;
    assert_eq!((gone.status, gone.code()), (404, 4004));
    assert_eq!(client.scan("").await, ["a", "b", "c"]);
    assert_eq!(client.get("a").await.status, 200);
}

#[tokio::test]
async fn a_gateway_may_stand_before_what_is_gone_from_lists() {
    let client = client(Ghost::Blocked);
    assert_eq!(client.scan("").await, ["a", "c"]);
    for _ in 0..2 {
        let blocked = client.get("b").await;
        assert_eq!(
            (blocked.status, blocked.header("content-type")),
            (404, "text/html; charset=utf-8")
        );
    }
    assert_eq!(client.get("a").await.status, 200);
    assert_eq!(client.send("DELETE", &format!("{TRACKINGS}/b"), "").await.status, 200);
    assert_eq!(client.get("b").await.code(), 4004);
}
