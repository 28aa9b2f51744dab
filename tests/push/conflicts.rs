//! A record that somebody changed since we last saw it.

use host_harness::push::{Mode, OnConflict};
use serde_json::{Value, json};

use super::shop::{Process, Shop, assert_no_echo, ends, wish};

/// One tracking that is known here, and was changed there since.
pub async fn changed_there() -> (Shop, Process, String) {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (_, told) = process.run(&[wish("AAAA-1", "a")], Mode::Upsert).await;
    let id = told[0].id.clone().unwrap();
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    shop.simulator.update(&id, r#"{"title":"theirs"}"#).unwrap();
    (shop, process, id)
}

async fn push(process: &Process, line: Value, mode: Mode, policy: OnConflict) -> &'static str {
    let (_, told) = process.run_to("trackings", &[line], mode, policy).await.unwrap();
    ends(&told)[0]
}

#[tokio::test(start_paused = true)]
async fn fail_is_the_default_and_changes_nothing() {
    for mode in [Mode::Upsert, Mode::Update, Mode::Delete] {
        let (shop, process, _) = changed_there().await;
        assert_eq!(push(&process, wish("AAAA-1", "b"), mode, OnConflict::Fail).await, "failed");
        assert_eq!(shop.trackings()["AAAA-1"]["title"], "theirs");
        assert_eq!(shop.count("PUT") + shop.count("DELETE"), 0);
        // Once it has been pulled it is known, and no conflict any more.
        assert_eq!(process.pull().await.updated, 1);
        assert_ne!(push(&process, wish("AAAA-1", "b"), mode, OnConflict::Fail).await, "failed");
        assert_no_echo(&process.pull().await);
    }
}

#[tokio::test(start_paused = true)]
async fn ours_writes_and_theirs_learns() {
    let (shop, process, _) = changed_there().await;
    let updated = push(&process, wish("AAAA-1", "b"), Mode::Upsert, OnConflict::Ours).await;
    assert_eq!((updated, &shop.trackings()["AAAA-1"]["title"]), ("updated", &json!("b")));
    assert_no_echo(&process.pull().await);

    let (shop, process, id) = changed_there().await;
    let skipped = push(&process, wish("AAAA-1", "b"), Mode::Upsert, OnConflict::Theirs).await;
    assert_eq!((skipped, &shop.trackings()["AAAA-1"]["title"]), ("skipped", &json!("theirs")));
    let theirs: Vec<_> = process.changes().await.into_iter().filter(|one| !one.ours).collect();
    assert_eq!(theirs.len(), 1);
    assert_eq!(
        (theirs[0].id.as_str(), &theirs[0].members),
        (id.as_str(), &vec!["title".to_owned(), "updated_at".to_owned(),])
    );
    assert_no_echo(&process.pull().await);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_seen_or_is_as_wished_is_no_conflict() {
    let (shop, process, _) = changed_there().await;
    let line = wish("AAAA-1", "theirs");
    assert_eq!(push(&process, line, Mode::Upsert, OnConflict::Fail).await, "unchanged");
    let at = "2026-11-20T08:00:00+00:00";
    let stranger = json!({ "id": "0b02015fc7fd4f3c8d5490cece4d124d", "tracking_number": "BBBB-1",
        "slug": "dhl", "title": "x", "created_at": at, "updated_at": at });
    shop.simulator.insert(&stranger.to_string()).unwrap();
    let line = wish("BBBB-1", "y");
    assert_eq!(push(&process, line, Mode::Upsert, OnConflict::Fail).await, "updated");
}
