//! From the inbox into the mirror.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::types::{DataRecord, ErrorKind};
use connector_state::mirror::{Batch, Mirror as _, Source};
use tokio::time::sleep;

use super::provider::{Provider, record, worker};
use super::world::{SHOP, World, upsert};
use crate::webhooks::{EventEffect, EventState, Inbox as _, ReceiverBounds, Worker};

const EARLY: &str = "2026-11-22T10:00:00Z";
const LATE: &str = "2026-11-22T11:00:00Z";

async fn world() -> (World, Arc<Provider>, Arc<Worker>) {
    patient(Duration::from_secs(1)).await
}

/// For tests that take days.
async fn patient(tick: Duration) -> (World, Arc<Provider>, Arc<Worker>) {
    let world = World::new(ReceiverBounds { burst: 10_000.0, ..ReceiverBounds::default() }).await;
    let provider = Provider::new();
    let worker = worker(&world, &provider, tick);
    (world, provider, worker)
}

/// Lets the worker work for so long.
async fn work(worker: &Arc<Worker>, world: &World, seconds: u64) {
    let wake = world.receiver.wake();
    worker.run(&wake, sleep(Duration::from_secs(seconds))).await;
}

/// A page of a scan brings a record.
async fn page(world: &World, record: DataRecord) {
    let batch = Batch {
        records: vec![record],
        ..Batch::new(SHOP, "orders", Source::Page, world.sqlite.moment(SHOP).await.unwrap())
    };
    world.sqlite.apply(batch).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_delivery_becomes_one_change_however_often_it_comes() {
    let (world, provider, worker) = world().await;
    for number in 0..100 {
        let spaces = " ".repeat(number % 3);
        assert_eq!(world.deliver(&(upsert("e1", "r1", LATE, 1) + &spaces)).await, 200);
    }
    work(&worker, &world, 2).await;
    // The poll brings the same.
    page(&world, record("r1", LATE, 1)).await;
    assert_eq!(world.changes().await, ["Created r1"]);
    assert_eq!((world.n("r1").await, provider.asked()), (Some(1), 0));
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_the_poll_had_first_is_no_change_again() {
    let (world, _, worker) = world().await;
    page(&world, record("r1", LATE, 1)).await;
    assert_eq!(world.deliver(&upsert("e1", "r1", LATE, 1)).await, 200);
    work(&worker, &world, 2).await;
    assert_eq!(world.changes().await, ["Created r1"]);
}

#[tokio::test(start_paused = true)]
async fn an_older_update_that_comes_later_changes_nothing() {
    let (world, provider, worker) = world().await;
    assert_eq!(world.deliver(&upsert("e2", "r1", LATE, 2)).await, 200);
    work(&worker, &world, 1).await;
    assert_eq!(world.deliver(&upsert("e1", "r1", EARLY, 1)).await, 200);
    work(&worker, &world, 2).await;
    assert_eq!((world.n("r1").await, provider.asked()), (Some(2), 0));
    assert_eq!(world.changes().await, ["Created r1"]);
}

#[tokio::test(start_paused = true)]
async fn two_updates_of_the_same_second_are_two_changes_and_end_as_the_provider_says() {
    for order in [[1, 2], [2, 1]] {
        let (world, provider, worker) = world().await;
        provider.put("r1", LATE, 2);
        for n in order {
            assert_eq!(world.deliver(&upsert(&format!("e{n}"), "r1", LATE, n)).await, 200);
        }
        work(&worker, &world, 2).await;
        assert_eq!(world.n("r1").await, Some(2), "{order:?}");
        assert_eq!(provider.asked(), 1, "the second one was a tie");
        let changes = if order[0] == 1 { 2 } else { 1 };
        assert_eq!(world.changes().await.len(), changes, "{order:?}");
        // A look-up that a delivery led to is told with that delivery, as the delivery is.
        let told = world.sqlite.changes(SHOP, 0, 9).await.unwrap();
        let told: Vec<Option<u64>> = told.iter().map(|change| change.delivery).collect();
        assert_eq!(told, (1..=changes as u64).map(Some).collect::<Vec<_>>(), "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn derived_records_follow() {
    let (world, _, worker) = world().await;
    let body = |id: &str, at: &str, lines: &str| {
        format!(r#"{{"id":"{id}","record":"r1","updated_at":"{at}","data":{{"lines":{lines}}}}}"#)
    };
    assert_eq!(world.deliver(&body("e1", EARLY, r#"["a","b"]"#)).await, 200);
    assert_eq!(world.deliver(&body("e2", LATE, r#"["b"]"#)).await, 200);
    work(&worker, &world, 2).await;
    let changes = world.changes().await;
    assert_eq!(
        changes,
        ["Created r1", "Created r1/a", "Created r1/b", "Updated r1", "Deleted r1/a"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_delivery_does_not_hold_is_found() {
    let (world, provider, worker) = world().await;
    let body = r#"{"id":"e1","effect":"changed","input":{"id":"r1"}}"#;
    assert_eq!(world.deliver(body).await, 200);
    // It is not listed yet.
    work(&worker, &world, 1).await;
    assert_eq!((world.n("r1").await, provider.asked()), (None, 1));
    provider.put("r1", LATE, 5);
    work(&worker, &world, 200).await;
    assert_eq!((world.n("r1").await, provider.asked()), (Some(5), 2));
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_looked_up_first() {
    let (world, provider, worker) = world().await;
    provider.put("r1", EARLY, 1);
    page(&world, record("r1", EARLY, 1)).await;
    assert_eq!(world.deliver(r#"{"id":"e1","effect":"deleted","record":"r1"}"#).await, 200);
    work(&worker, &world, 1).await;
    assert_eq!(world.n("r1").await, Some(1), "it is still there");
    provider.records.lock().unwrap().clear();
    assert_eq!(world.deliver(r#"{"id":"e2","effect":"deleted","record":"r1"}"#).await, 200);
    work(&worker, &world, 1).await;
    assert_eq!(world.changes().await, ["Created r1", "Deleted r1"]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_costs_no_try() {
    let (world, provider, worker) = world().await;
    provider.fail(Some(ErrorKind::Unavailable));
    provider.put("r1", LATE, 5);
    let body = r#"{"id":"e1","effect":"changed","input":{"id":"r1"}}"#;
    assert_eq!(world.deliver(body).await, 200);
    work(&worker, &world, 3_600).await;
    let event = world.sqlite.delivery(1).await.unwrap().unwrap().events.remove(0);
    assert_eq!((event.state, event.attempts), (EventState::Waiting, 0));
    assert!(provider.asked() > 100, "{}", provider.asked());
    provider.fail(None);
    work(&worker, &world, 60).await;
    assert_eq!(world.n("r1").await, Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_poison_event_is_given_up_looked_up_and_holds_up_nobody() {
    let (world, provider, worker) = patient(Duration::from_secs(600)).await;
    let poison =
        r#"{"id":"bad","record":"r0","updated_at":"2026-11-22T11:00:00Z","data":{"poison":true}}"#;
    provider.put("r0", LATE, 9);
    assert_eq!(world.deliver(poison).await, 200);
    for n in 1..10 {
        assert_eq!(world.deliver(&upsert(&format!("e{n}"), &format!("r{n}"), LATE, n)).await, 200);
    }
    work(&worker, &world, 1).await;
    assert_eq!(world.changes().await.len(), 9);
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (1, 0));
    work(&worker, &world, 24 * 3_600).await;
    let dead = world.sqlite.dead_events(Some(SHOP)).await.unwrap().remove(0);
    assert_eq!((dead.id.as_deref(), dead.attempts, dead.next_ms), (Some("bad"), 8, None));
    assert!(dead.reason.unwrap().contains("fault of the connector"));
    assert_eq!(
        world.sqlite.delivery(dead.delivery).await.unwrap().unwrap().body,
        poison.as_bytes()
    );
    assert_eq!((world.n("r0").await, provider.asked()), (Some(9), 1), "the truth was asked for");

    // A person tries it again, and drops it.
    assert!(world.sqlite.replay(dead.number).await.unwrap());
    work(&worker, &world, 1).await;
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (1, 0));
    work(&worker, &world, 24 * 3_600).await;
    assert!(world.sqlite.drop_event(dead.number).await.unwrap());
    assert!(!world.sqlite.drop_event(dead.number).await.unwrap());
    assert_eq!(world.sqlite.delivery(dead.delivery).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_delivery_can_be_read_again() {
    let (world, _, worker) = world().await;
    assert_eq!(world.deliver("no JSON").await, 200);
    let dead = world.sqlite.dead_events(None).await.unwrap().remove(0);
    assert!(world.sqlite.replay(dead.number).await.unwrap());
    work(&worker, &world, 1).await;
    // The connector is as it was.
    let again = world.sqlite.dead_events(None).await.unwrap().remove(0);
    assert_eq!((again.number, again.reason.as_deref()), (dead.number, Some("it is no JSON")));
    // A newer one reads it.
    world.sqlite.with_connection(|on| {
        let body = upsert("e1", "r1", LATE, 4);
        on.execute("UPDATE inbox_deliveries SET body = ?", [body.as_bytes()]).unwrap();
    });
    assert!(world.sqlite.replay(dead.number).await.unwrap());
    work(&worker, &world, 1).await;
    assert_eq!(world.n("r1").await, Some(4));
    let event = world.sqlite.delivery(1).await.unwrap().unwrap().events.remove(0);
    assert!(matches!(event.effect, EventEffect::Upserted(_)) && event.state == EventState::Done);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_killed_is_taken_over_from() {
    let (world, _, killed) = world().await;
    assert_eq!(world.deliver(&upsert("e1", "r1", LATE, 1)).await, 200);
    assert!(world.sqlite.lease(SHOP, "killed", 30_000).await.unwrap());
    work(&killed, &world, 29).await;
    assert_eq!(world.n("r1").await, None);
    work(&killed, &world, 3).await;
    assert_eq!(world.n("r1").await, Some(1));
}
