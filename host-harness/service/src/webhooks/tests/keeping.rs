//! What is answered, and what is on the disk then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use super::world::{NOW_MS, SHOP, TOKEN, World, open, request, rest, status, upsert};
use crate::webhooks::{EventEffect, EventState, Inbox as _, Note, ReceiverBounds, SubscriptionRow};

fn hook() -> String {
    format!("/hooks/{TOKEN}")
}

fn subscription(object: &str) -> SubscriptionRow {
    SubscriptionRow {
        connection: SHOP.to_owned(),
        object: object.to_owned(),
        events: vec![],
        url: "https://h.example".to_owned(),
        id: None,
        expires_at: None,
        made_ms: NOW_MS,
        proven_ms: None,
        last_ms: None,
        deliveries: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_kept_as_it_came_and_a_subscription_proven() {
    let world = World::new(ReceiverBounds::default()).await;
    world.sqlite.put_subscription(subscription("orders")).await.unwrap();
    let body = upsert("e1", "r1", "2026-11-22T11:00:00Z", 7);
    let headers = "x-signed: yes\r\nauthorization: Bearer canary\r\ncookie: canary\r\n";
    let answer = world.send(&request(&format!("{}?a=b", hook()), headers, &body)).await;
    assert_eq!((status(&answer), answer.contains("content-length: 0")), (200, true), "{answer}");

    let kept = world.sqlite.delivery(1).await.unwrap().unwrap();
    assert_eq!(kept.body, body.as_bytes());
    assert_eq!((kept.method.as_str(), kept.received_ms), ("POST", world.now_ms()));
    assert_eq!(kept.url, format!("http://h.example{}?a=b", hook()));
    let seen = world.fake.seen.lock().unwrap().remove(0);
    assert_eq!(seen.received_at, "2026-11-22T12:00:00+00:00");
    assert_eq!(seen.headers, kept.headers);
    let names: Vec<&str> = kept.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "connection", "x-signed", "content-length"]);
    let event = &kept.events[0];
    assert_eq!((event.state, event.id.as_deref()), (EventState::Waiting, Some("e1")));
    let EventEffect::Upserted(record) = &event.effect else { panic!("{event:?}") };
    assert_eq!((record.id.as_str(), record.data.as_str()), ("r1", r#"{"id":"r1","n":7}"#));

    let subscription = world.sqlite.subscriptions(Some(SHOP)).await.unwrap().remove(0);
    let now = Some(world.now_ms());
    assert_eq!((subscription.proven_ms, subscription.last_ms), (now, now));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_about_another_object_proves_what_there_is() {
    let world = World::new(ReceiverBounds::default()).await;
    world.sqlite.put_subscription(subscription("hooks")).await.unwrap();
    assert_eq!(world.deliver(r#"{"effect":"nothing"}"#).await, 200);
    let subscription = world.sqlite.subscriptions(None).await.unwrap().remove(0);
    assert!(subscription.proven_ms.is_some());
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (0, 0), "there is nothing to apply");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_repeats_are_one_event() {
    let world =
        Arc::new(World::new(ReceiverBounds { burst: 2_000.0, ..ReceiverBounds::default() }).await);
    let deliveries = (0..1_000).map(|number| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            sleep(Duration::from_millis(number / 10)).await;
            // The sender may write it otherwise.
            let spaces = " ".repeat(usize::try_from(number % 7).unwrap());
            world.deliver(&(upsert("e1", "r1", "", 7) + &spaces)).await
        })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        assert_eq!(delivery.await.unwrap(), 200);
    }
    assert_eq!(world.sqlite.deliveries(None, None, 10).await.unwrap().len(), 1);
    let counts = world.receiver.counts();
    assert_eq!((counts.kept, counts.repeats), (1, 999));
}

#[tokio::test(start_paused = true)]
async fn without_an_id_an_event_is_known_by_its_body() {
    let world = World::new(ReceiverBounds::default()).await;
    for body in [r#"{"record":"r1"}"#, r#"{"record":"r1"}"#, r#"{"record":"r1" }"#] {
        assert_eq!(world.deliver(body).await, 200);
    }
    assert_eq!(world.deliver(r#"{"all":[{"record":"a"},{"record":"a"}]}"#).await, 200);
    let kept = world.sqlite.deliveries(None, None, 10).await.unwrap();
    let events: Vec<usize> = kept.iter().map(|delivery| delivery.events.len()).collect();
    assert_eq!(events, [2, 1, 1]);
    // Of several, only those that are new.
    assert_eq!(world.deliver(r#"{"all":[{"id":"x"},{"id":"y"}]}"#).await, 200);
    assert_eq!(world.deliver(r#"{"all":[{"id":"y"},{"id":"z"}]}"#).await, 200);
    let newest = world.sqlite.deliveries(None, None, 1).await.unwrap().remove(0);
    assert_eq!(newest.events.len(), 1);
    assert_eq!(newest.events[0].id.as_deref(), Some("z"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_verified_changes_nothing() {
    let mut world = World::new(ReceiverBounds::default()).await;
    let body = upsert("e1", "r1", "", 7);
    for headers in ["", "x-signed: no\r\n", "x-signed: yes\r\nx-signed: yes\r\n"] {
        assert_eq!(status(&world.send(&request(&hook(), headers, &body)).await), 401, "{headers}");
    }
    assert!(world.sqlite.deliveries(None, None, 10).await.unwrap().is_empty());
    assert_eq!(world.receiver.counts().unverified, 3);
    world.stop().await;
    let row = world.hook_row().await;
    assert_eq!((row.refused, row.refused_ms), (3, Some(world.now_ms())));
}

#[tokio::test(start_paused = true)]
async fn without_a_secret_it_comes_again_and_a_new_one_is_used_at_once() {
    let world = World::new(ReceiverBounds::default()).await;
    world.fake.without_secret.store(true, Ordering::Relaxed);
    let answer = world.send(&request(&hook(), "x-signed: yes\r\n", "{}")).await;
    assert_eq!((status(&answer), answer.contains("retry-after: 30")), (503, true), "{answer}");
    world.fake.secret_comes.store(true, Ordering::Relaxed);
    assert_eq!(world.deliver("{}").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_fails_loses_nothing() {
    let world = World::new(ReceiverBounds::default()).await;
    for body in [r#"{"effect":"trap"}"#, r#"{"effect":"hang"}"#] {
        assert_eq!(world.deliver(body).await, 503, "{body}");
    }
    assert!(world.sqlite.deliveries(None, None, 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_kept_with_its_bytes() {
    let world = World::new(ReceiverBounds::default()).await;
    let body = "\u{7}no JSON";
    assert_eq!(world.deliver(body).await, 200);
    assert_eq!(world.deliver(body).await, 200);
    let dead = world.sqlite.dead_events(Some(SHOP)).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0].effect, dead[0].reason.as_deref()),
        (&EventEffect::Unreadable, Some("it is no JSON"))
    );
    let kept = world.sqlite.delivery(dead[0].delivery).await.unwrap().unwrap();
    assert_eq!(kept.body, body.as_bytes());
    // The number that is shown is the one that `replay` takes.
    for body in [r#"{"all":[{"id":"x"},{"id":"y"}]}"#, "{"] {
        assert_eq!(world.deliver(body).await, 200);
    }
    let dead = world.sqlite.dead_events(Some(SHOP)).await.unwrap();
    assert_eq!((dead[1].number, dead[1].delivery), (4, 3));
    let noted = world.noted.0.lock().unwrap();
    let told = noted.iter().filter_map(|note| match note {
        Note::Dead { event, .. } => Some(*event),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [1, 4]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_used_again_for_something_else_hides_nothing() {
    let world = World::new(ReceiverBounds::default()).await;
    for n in [1, 2, 1] {
        assert_eq!(world.deliver(&upsert("e1", "r1", "", n)).await, 200);
    }
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (2, 0));
    assert_eq!(world.receiver.counts().repeats, 1);
}

#[tokio::test(start_paused = true)]
async fn a_locked_database_answers_503_and_recovers() {
    let world = World::new(ReceiverBounds::default()).await;
    let ready = b"GET /readyz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&world.send(ready).await), 200);
    let path = world.scratch.path().join("state/state.db");
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(world.deliver("1").await, 503);
    let decoded = world.fake.decoded.load(Ordering::Relaxed);
    assert_eq!(world.deliver("1").await, 503);
    assert_eq!(world.fake.decoded.load(Ordering::Relaxed), decoded, "turned away unread");
    assert_eq!(status(&world.send(ready).await), 503);
    other.execute_batch("COMMIT").unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&world.send(ready).await), 200);
    assert_eq!(world.deliver("1").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_answers_503_and_recovers() {
    let world = World::new(ReceiverBounds::default()).await;
    let limit = |pages: u32| {
        world.sqlite.with_connection(|on| {
            on.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        });
    };
    limit(1);
    let large = format!(r#"{{"id":"e1","record":"r1","data":"{}"}}"#, "x".repeat(100_000));
    assert_eq!(world.deliver(&large).await, 503);
    limit(1_000_000);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.deliver(&large).await, 200);
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (1, 0));
}

/// The time of a delivery counts from the first byte of its own request, not of its connection.
#[tokio::test(start_paused = true)]
async fn how_long_a_delivery_took_is_kept_with_it() {
    let world = World::new(ReceiverBounds::default()).await;
    let mut stream = world.connect();
    sleep(Duration::from_millis(400)).await;
    let whole = request(&hook(), "x-signed: yes\r\n", &upsert("e1", "r1", "", 1));
    let (first, rest_of) = whole.split_at(1);
    let (head, body) = rest_of.split_at(rest_of.len() - 5);
    for (bytes, wait_ms) in [(first, 30), (head, 50), (body, 0)] {
        stream.write_all(bytes).await.unwrap();
        sleep(Duration::from_millis(wait_ms)).await;
    }
    assert_eq!(status(&rest(&mut stream).await), 200);
    assert_eq!(world.sqlite.delivery(1).await.unwrap().unwrap().answered_ms, 80);
    assert_eq!(world.deliver(&upsert("e2", "r1", "", 2)).await, 200);
    assert_eq!(world.sqlite.delivery(2).await.unwrap().unwrap().answered_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn stopping_answers_what_is_under_way() {
    let mut world = World::new(ReceiverBounds::default()).await;
    let whole = request(&hook(), "x-signed: yes\r\n", &upsert("e1", "r1", "", 1));
    let (begin, end) = whole.split_at(whole.len() - 5);
    let mut stream = world.connect();
    stream.write_all(begin).await.unwrap();
    let mut idle = world.connect();
    sleep(Duration::from_millis(10)).await;
    world.begin_to_stop();
    sleep(Duration::from_millis(10)).await;
    stream.write_all(end).await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), 200);
    assert_eq!(rest(&mut idle).await, "");
    world.stop().await;
    assert_eq!(world.sqlite.count_events(None).await.unwrap(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_long_absence_is_a_gap() {
    let mut world = World::new(ReceiverBounds::default()).await;
    sleep(Duration::from_secs(60)).await;
    world.stop().await;
    let alive = world.now_ms();
    let back_after = |minutes: u64| {
        let (scratch, clock) = (&world.scratch, world.clock.clone());
        let fake = Arc::clone(&world.fake);
        async move {
            sleep(Duration::from_secs(minutes * 60)).await;
            let sqlite = Arc::new(open(scratch, clock.clone()));
            let receiver = crate::webhooks::Receiver::new(
                ReceiverBounds::default(),
                sqlite.clone(),
                clock,
                Arc::new(crate::webhooks::Unnoted),
                crate::webhooks::Surroundings::default(),
            );
            receiver.serve_hooks(vec![super::world::hook(&fake)]);
            struct Nobody;
            impl crate::webhooks::Accept for Nobody {
                fn accept(
                    &mut self,
                ) -> connector_runtime::egress::Pending<'_, Option<crate::webhooks::Accepted>>
                {
                    Box::pin(std::future::pending())
                }
            }
            let (trigger, stop) = crate::jobs::Shutdown::new();
            let stopping = async {
                sleep(Duration::from_secs(1)).await;
                trigger.request();
            };
            tokio::join!(receiver.run(Nobody, &stop), stopping);
            sqlite.hooks().await.unwrap().remove(0)
        }
    };
    let back = back_after(14).await;
    assert_eq!(back.gap_ms, None);
    let back = back_after(16).await;
    let began = back.gap_ms.unwrap();
    assert_eq!(began, alive + 14 * 60_000 + 1_000);
    assert_eq!(back.gap_end_ms, Some(world.now_ms() - 1_000));
}
