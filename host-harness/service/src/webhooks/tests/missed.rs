//! A genuine delivery never ends without its record having been looked up, or a gap that a scan
//! fills.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_contract::types::ErrorKind;
use tokio::time::sleep;

use super::provider::{Provider, worker};
use super::world::{NOW_MS, SHOP, TOKEN, World, at, request, status};
use crate::webhooks::{EventState, Inbox as _, ReceiverBounds};

const HOUR_MS: u64 = 3_600_000;
const LATE: &str = "2026-11-22T11:00:00Z";

/// How a delivery ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The provider was asked for the record, and its answer applied.
    LookedUp,
    /// From when it came, a scan has to read what changed.
    Gap,
}

/// Sends one delivery, lets two days pass, and tells what came of it.
async fn end_of(headers: &str, body: &str, answer: u16, fails: Option<ErrorKind>) -> Vec<End> {
    let bounds = ReceiverBounds { body_bytes: 2_000, ..ReceiverBounds::default() };
    let mut world = World::new(bounds).await;
    let provider = Provider::new();
    provider.put("r1", LATE, 9);
    provider.fail(fails);
    let got = world.send(&request(&format!("/hooks/{TOKEN}"), headers, body)).await;
    assert_eq!(status(&got), answer, "{body:.60}");
    world.stop().await;
    let worker = worker(&world, &provider, Duration::from_secs(600));
    worker.run(&world.receiver.wake(), sleep(Duration::from_secs(48 * 3_600))).await;
    let (waiting, _) = world.sqlite.count_events(Some(SHOP)).await.unwrap();
    assert_eq!(waiting, 0, "{body:.60}");
    let mut ends = Vec::new();
    if world.n("r1").await == Some(9) {
        ends.push(End::LookedUp);
    }
    if let Some(since_ms) = world.hook_row().await.gap_ms {
        assert!((NOW_MS..NOW_MS + 10_000).contains(&since_ms), "{body:.60} {since_ms}");
        ends.push(End::Gap);
    }
    ends
}

#[tokio::test(start_paused = true)]
async fn whatever_is_put_aside_is_looked_up_or_opens_a_gap() {
    let signed = "x-signed: yes\r\n";
    let gzip = "x-signed: yes\r\ncontent-encoding: gzip\r\n";
    let forbidden = Some(ErrorKind::Forbidden);
    let large = "a".repeat(2_001);
    let happened = |at: String, effect: &str| {
        format!(
            r#"{{"id":"e","record":"r1","at":"{at}","effect":"{effect}","input":{{"id":"r1"}}}}"#
        )
    };
    let old = at(NOW_MS - 97 * HOUR_MS);
    let early = at(NOW_MS + HOUR_MS);
    let poison =
        r#"{"id":"e","record":"r1","updated_at":"2026-11-22T10:00:00Z","data":{"poison":true}}"#;
    let partial = r#"{"id":"e","effect":"changed","input":{"id":"r1"}}"#;
    let all_bad = r#"{"all":[{"id":"a","effect":"changed","input":{"id":"r1"}},{"id":"b","effect":"nothing"}]}"#;
    for (headers, body, answer, fails, expected) in [
        // It is never read.
        (signed, large.as_str(), 413, None, End::Gap),
        (gzip, "{}", 415, None, End::Gap),
        ("x-signed: no\r\n", "{}", 401, None, End::Gap),
        (signed, r#"{"effect":"trap"}"#, 503, None, End::Gap),
        (signed, r#"{"effect":"hang"}"#, 503, None, End::Gap),
        // It is read, and nobody knows what it says.
        (signed, "no JSON", 200, None, End::Gap),
        // Its time says that it may be a recording, or a clock is wrong.
        (signed, &happened(old.clone(), ""), 200, None, End::LookedUp),
        (signed, &happened(old.clone(), "deleted"), 200, None, End::LookedUp),
        (signed, &happened(old.clone(), "changed"), 200, None, End::LookedUp),
        (signed, &happened(early, ""), 200, None, End::LookedUp),
        // It cannot be applied, or its record not be had.
        (signed, poison, 200, None, End::LookedUp),
        (signed, poison, 200, forbidden.clone(), End::Gap),
        (signed, partial, 200, None, End::LookedUp),
        (signed, partial, 200, forbidden.clone(), End::Gap),
        (signed, all_bad, 200, forbidden.clone(), End::Gap),
        (signed, &happened(old, ""), 200, forbidden, End::Gap),
    ] {
        let ends = end_of(headers, body, answer, fails).await;
        assert_eq!(ends, [expected], "{answer} {body:.60}");
    }
}

/// The button of a provider's dashboard may send a canned example: no letter for a person.
#[tokio::test(start_paused = true)]
async fn an_old_example_of_a_record_that_does_not_exist_is_no_dead_letter() {
    let world = World::new(ReceiverBounds::default()).await;
    let provider = Provider::new();
    let at = at(NOW_MS - 2_000 * HOUR_MS);
    let body = format!(r#"{{"id":"e","record":"canned","at":"{at}","data":{{"id":"canned"}}}}"#);
    assert_eq!(world.deliver(&body).await, 200);
    let worker = worker(&world, &provider, Duration::from_secs(1));
    worker.run(&world.receiver.wake(), sleep(Duration::from_secs(2))).await;
    let event = world.sqlite.delivery(1).await.unwrap().unwrap().events.remove(0);
    assert_eq!((event.state, provider.asked.load(Ordering::Relaxed)), (EventState::Done, 1));
    assert_eq!((world.n("canned").await, world.hook_row().await.gap_ms), (None, None));
    assert!(world.changes().await.is_empty(), "{:?}", world.changes().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_turned_away_opens_a_gap_once_an_hour_and_nothing_is_forgotten() {
    let mut world = World::new(ReceiverBounds::default()).await;
    let unsigned = request(&format!("/hooks/{TOKEN}"), "", "{}");
    let gap = async |world: &World| world.hook_row().await.gap_ms;
    assert_eq!(status(&world.send(&unsigned).await), 401);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(gap(&world).await, Some(NOW_MS));
    let until_ms = world.now_ms();
    assert!(world.sqlite.close_gap(SHOP, NOW_MS, until_ms).await.unwrap());
    let again_ms = world.now_ms();
    for _ in 0..3 {
        assert_eq!(status(&world.send(&unsigned).await), 401);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(gap(&world).await, None);
    }
    sleep(Duration::from_secs(1_800)).await;
    assert_eq!(gap(&world).await, Some(again_ms), "since the first one that was not pulled");
    assert!(world.sqlite.close_gap(SHOP, again_ms, world.now_ms()).await.unwrap());
    // Nor by a receiver that stops.
    let last_ms = world.now_ms();
    assert_eq!(status(&world.send(&unsigned).await), 401);
    world.stop().await;
    assert_eq!(gap(&world).await, Some(last_ms));
}
