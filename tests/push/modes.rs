//! What each mode does, and what is told of each item.

use host_harness::push::{IntentState, Intents as _, Mode, OnConflict, PushError};
use serde_json::json;

use super::shop::{Shop, assert_no_echo, ends, wish};

#[tokio::test(start_paused = true)]
async fn upsert_makes_changes_and_leaves_alone() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (summary, told) =
        process.run(&[wish("AAAA-1", "a"), wish("AAAA-2", "b")], Mode::Upsert).await;
    assert_eq!((summary.done, ends(&told)), (2, vec!["created", "created"]));
    assert_no_echo(&process.pull().await);

    let lines = [wish("AAAA-1", "a"), wish("AAAA-2", "c"), wish("AAAA-3", "d")];
    let (_, told) = process.run(&lines, Mode::Upsert).await;
    assert_eq!(ends(&told), ["unchanged", "updated", "created"]);
    assert_eq!(shop.trackings()["AAAA-2"]["title"], "c");
    assert_no_echo(&process.pull().await);

    // A finished source is pushed again as a new run, which finds nothing to do.
    let sent = (shop.count("POST"), shop.count("PUT"));
    let (summary, told) = process.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.before, ends(&told)), (0, vec!["unchanged"; 3]));
    assert_eq!((shop.count("POST"), shop.count("PUT")), sent);
    assert!(process.changes().await.iter().all(|change| change.ours));
}

/// The same record twice in a source: the later line is the last word.
#[tokio::test(start_paused = true)]
async fn items_of_one_record_keep_their_order() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let lines: Vec<_> = (0..30).map(|n| wish(&format!("AAAA-{}", n % 3), &n.to_string())).collect();
    let (_, told) = process.run(&lines, Mode::Upsert).await;
    assert_eq!(ends(&told)[..4], ["created", "created", "created", "updated"]);
    let titles: Vec<_> = shop.trackings().values().map(|one| one["title"].clone()).collect();
    assert_eq!(titles, ["27", "28", "29"]);
}

#[tokio::test(start_paused = true)]
async fn many_records_are_looked_for_at_once() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let lines: Vec<_> = (0..200).map(|n| wish(&format!("MANY-{n:04}"), "a")).collect();
    let (summary, _) = process.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.done, shop.trackings().len()), (200, 200));
    assert_eq!(shop.count("POST"), 200);
    assert!(shop.count("GET") <= 20, "{} looks for 200 items", shop.count("GET"));
    assert_no_echo(&process.pull().await);
}

#[tokio::test(start_paused = true)]
async fn create_refuses_what_is_there() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    process.run(&[wish("AAAA-1", "a")], Mode::Create).await;
    let lines = [wish("AAAA-1", "b"), wish("AAAA-2", "b"), json!({ "slug": "dhl" })];
    let (summary, told) = process.run(&lines, Mode::Create).await;
    assert_eq!((summary.done, summary.failed), (1, 2));
    assert_eq!(ends(&told), ["failed", "created", "failed"]);
    let errors: Vec<_> = told.iter().filter_map(|one| one.error.as_deref()).collect();
    assert!(errors[0].starts_with("conflict: "), "{errors:?}");
    assert!(errors[1].contains("/tracking_number"), "{errors:?}");
    assert_eq!(shop.trackings()["AAAA-1"]["title"], "a");
}

#[tokio::test(start_paused = true)]
async fn update_and_delete_find_their_records() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (_, told) = process.run(&[wish("AAAA-1", "a"), wish("AAAA-2", "a")], Mode::Upsert).await;
    let id = told[0].id.clone().unwrap();
    let lines = [
        json!({ "id": id, "title": "b", "note": "n" }),
        wish("AAAA-2", "b"),
        wish("AAAA-9", "b"),
        json!({ "id": "00000000000000000000000000000000", "title": "b" }),
        json!({ "id": id, "titel": "b" }),
    ];
    let (_, told) = process.run(&lines, Mode::Update).await;
    assert_eq!(ends(&told), ["updated", "updated", "failed", "failed", "failed"]);
    let now = shop.trackings();
    assert_eq!((&now["AAAA-1"]["note"], &now["AAAA-2"]["title"]), (&json!("n"), &json!("b")));
    assert_no_echo(&process.pull().await);

    let lines = [json!({ "id": id }), wish("AAAA-2", "any"), wish("AAAA-9", "any")];
    let (_, told) = process.run(&lines, Mode::Delete).await;
    assert_eq!(ends(&told), ["deleted", "deleted", "failed"]);
    assert_eq!(shop.simulator.count(), 0);
    let (_, told) = process.run(&[json!({ "id": id })], Mode::Delete).await;
    assert_eq!(ends(&told), ["unchanged"], "it is known to be gone");
    assert_no_echo(&process.pull().await);
    assert!(process.changes().await.iter().all(|change| change.ours));
}

/// Notifications lie inside trackings: what holds them is what the mirror is told.
#[tokio::test(start_paused = true)]
async fn derived_records_are_pushed_without_echo() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (_, told) = process.run(&[wish("AAAA-1", "a")], Mode::Upsert).await;
    let id = told[0].id.clone().unwrap();
    let who = |mail: &str| json!({ "tracking_id": id, "customers": [{ "email": mail }] });
    let fail = OnConflict::Fail;
    let push = async |lines: &[_], mode| process.run_to("notifications", lines, mode, fail).await;
    let (_, told) = push(&[who("a@example.com")], Mode::Upsert).await.unwrap();
    assert_eq!(ends(&told), ["created"], "{told:?}");
    assert_eq!(shop.trackings()["AAAA-1"]["customers"][0]["email"], "a@example.com");
    assert_no_echo(&process.pull().await);
    let (_, told) = push(&[json!({ "id": id })], Mode::Delete).await.unwrap();
    assert_eq!(ends(&told), ["deleted"], "{told:?}");
    assert_no_echo(&process.pull().await);
    assert!(process.changes().await.iter().all(|change| change.ours));
}

#[tokio::test(start_paused = true)]
async fn what_an_object_does_not_offer_is_refused_before_anything() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let refused =
        process.run_to("couriers", &[json!({})], Mode::Upsert, OnConflict::Fail).await.unwrap_err();
    assert!(matches!(refused, PushError::NotOffered { operation: "create", .. }), "{refused}");
    assert_eq!(process.store.pushes(None).await.unwrap(), []);
}

/// A wrong key fails every item alike: the push stops, and goes on once the key is right.
#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_the_push_and_loses_nothing() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    shop.simulator.configure(|options| options.api_keys = vec!["asat_other_key".to_owned()]);
    let lines: Vec<_> = (0..100).map(|n| wish(&format!("AAAA-{n:03}"), "a")).collect();
    let stopped = process.run_to("trackings", &lines, Mode::Upsert, OnConflict::Fail).await;
    assert!(matches!(stopped, Err(PushError::Stopped(_))));
    assert!(shop.count("GET") <= 4, "{}", shop.count("GET"));
    let pushes = process.store.pushes(None).await.unwrap();
    assert_eq!((pushes.len(), pushes[0].counts.pending), (1, 100));

    shop.simulator.configure(|options| {
        options.api_keys = vec![crate::support::world::KEY.to_owned()];
    });
    let (summary, _) = process.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.done, summary.before), (100, 0));
    let pushes = process.store.pushes(None).await.unwrap();
    assert_eq!(pushes.len(), 1, "the same run went on");
    assert!(pushes[0].ended_ms.is_some());
}

/// Two processes push the same source at the same time: they share the work.
#[tokio::test(start_paused = true)]
async fn two_processes_share_one_source() {
    let shop = Shop::new().await;
    let (one, other) = (shop.process().await, shop.process().await);
    let lines: Vec<_> = (0..60).map(|n| wish(&format!("AAAA-{n:03}"), "a")).collect();
    let ((first, told), (second, _)) =
        tokio::join!(one.run(&lines, Mode::Create), other.run(&lines, Mode::Create));
    assert_eq!((first.done, second.done), (60, 60));
    assert!(told.iter().all(|item| item.state == IntentState::Done));
    assert_eq!((shop.trackings().len(), shop.count("POST")), (60, 60));
    assert_eq!(one.store.pushes(None).await.unwrap().len(), 1);
}
