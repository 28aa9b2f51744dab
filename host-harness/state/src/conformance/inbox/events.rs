//! What is to be done about each event.

use super::*;
use crate::inbox::{FAILED_TRIES, FailedTry};

fn numbers(rows: &[EventRow]) -> Vec<u64> {
    rows.iter().map(|row| row.number).collect()
}

pub async fn events_are_due_in_the_order_in_which_they_became_so(database: &impl Database) {
    let state = open(database).await;
    assert_eq!(state.due().await.unwrap(), [""; 0]);
    let changed = event("2", EventEffect::Changed("{}".to_owned()));
    let doubted = NewEvent { asks: true, ..upsert("3") };
    let row = kept(&state, delivery([upsert("1"), changed, doubted, upsert("4")])).await;
    let of_b = NewDelivery { connection: "id-of-b".to_owned(), ..delivery([upsert("b")]) };
    state.receive(of_b).await.unwrap();
    assert_eq!(state.due().await.unwrap(), [WHOSE, "id-of-b"]);
    let due = async |asks, limit| {
        let rows = state.due_events(WHOSE, asks, limit).await.unwrap();
        assert!(rows.iter().all(|event| row.events.contains(event) || event.attempts > 0));
        numbers(&rows)
    };
    assert_eq!((due(false, 10).await, due(true, 10).await), (vec![1, 4], vec![2, 3]));
    assert_eq!((due(false, 1).await, due(true, 1).await), (vec![1], vec![2]));
    let later = |event: &EventRow, after| Settled {
        again_after_ms: Some(after),
        attempts: 1,
        ..settled(event, EventState::Waiting)
    };
    let put_off = vec![later(&row.events[0], 2_000), later(&row.events[3], 1_000)];
    state.settle(put_off).await.unwrap();
    assert_eq!(due(false, 10).await, [0; 0]);
    tokio::time::advance(Duration::from_millis(1_000)).await;
    assert_eq!(due(false, 10).await, [4]);
    tokio::time::advance(Duration::from_millis(1_000)).await;
    assert_eq!(due(false, 10).await, [4, 1]);
    // By another process too.
    assert_eq!(database.open().due().await.unwrap().len(), 2);
}

pub async fn an_event_waits_is_done_or_is_dead(database: &impl Database) {
    let state = open(database).await;
    let events = ["1", "2", "3"].map(upsert);
    let row = kept(&state, delivery(events)).await;
    let again = Settled {
        attempts: 3,
        again_after_ms: Some(5_000),
        asks: true,
        reason: Some("\"no\"".to_owned()),
        ..settled(&row.events[1], EventState::Waiting)
    };
    // A dead one may still be looked up.
    let dead = Settled {
        attempts: 8,
        again_after_ms: Some(0),
        asks: true,
        reason: Some("poison".to_owned()),
        ..settled(&row.events[2], EventState::Dead)
    };
    let gone = Settled { event: 99, ..again.clone() };
    let all = vec![settled(&row.events[0], EventState::Done), again, gone, dead];
    state.settle(all).await.unwrap();
    let now = state.delivery(1).await.unwrap().unwrap().events;
    let [one, two, three] = [0, 1, 2].map(|n| row.events[n].clone());
    let failed = |reason: &str, wait_ms| FailedTry {
        at_ms: START_MS,
        reason: reason.to_owned(),
        wait_ms: Some(wait_ms),
    };
    let applied_ms = Some(START_MS);
    let one = EventRow { state: EventState::Done, next_ms: None, applied_ms, ..one };
    let two = EventRow {
        attempts: 3,
        next_ms: Some(START_MS + 5_000),
        reason: Some("\"no\"".to_owned()),
        tries: vec![failed("\"no\"", 5_000)],
        ..two
    };
    let three = EventRow {
        state: EventState::Dead,
        attempts: 8,
        next_ms: Some(START_MS),
        reason: Some("poison".to_owned()),
        tries: vec![failed("poison", 0)],
        ..three
    };
    assert_eq!(now, [one.clone(), two.clone(), three.clone()]);
    assert_eq!(state.count_events(Some(WHOSE)).await.unwrap(), (1, 1));
    assert_eq!(state.dead_events(None).await.unwrap(), std::slice::from_ref(&three));
    assert_eq!(state.due_events(WHOSE, true, 9).await.unwrap(), std::slice::from_ref(&three));
    assert_eq!(state.due_events(WHOSE, false, 9).await.unwrap(), []);
    tokio::time::advance(Duration::from_secs(5)).await;
    let due = state.due_events(WHOSE, true, 9).await.unwrap();
    assert_eq!(due, [three.clone(), two.clone()]);
    let last = [&two, &three]
        .map(|event| Settled { reason: event.reason.clone(), ..settled(event, event.state) });
    state.settle(last.to_vec()).await.unwrap();
    assert_eq!(state.due().await.unwrap(), [""; 0]);
    assert_eq!(state.count_events(None).await.unwrap(), (1, 1));
}

/// Each with its time, its reason and how long was waited; the newest of many.
pub async fn failed_tries_are_told(database: &impl Database) {
    let state = open(database).await;
    let row = kept(&state, delivery([upsert("1")])).await;
    let event = &row.events[0];
    let tries = FAILED_TRIES as u64 + 3;
    for number in 0..tries {
        let reason = Some(format!("no {number} {}", "é".repeat(900)));
        let again_after_ms = (number + 1 < tries).then_some(number);
        let waiting = settled(event, EventState::Waiting);
        let again = Settled { attempts: number as u32, again_after_ms, reason, ..waiting };
        state.settle(vec![again]).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let dead = Settled { reason: None, ..settled(event, EventState::Dead) };
    state.settle(vec![dead]).await.unwrap();
    // That it is tried again is no try that failed.
    assert!(state.replay(event.number).await.unwrap());
    let now = state.delivery(row.number).await.unwrap().unwrap().events.remove(0);
    assert_eq!((now.tries.len(), now.applied_ms), (FAILED_TRIES, None));
    for (failed, number) in now.tries.iter().zip(3..) {
        assert_eq!(failed.at_ms, START_MS + number * 1_000);
        assert_eq!(failed.wait_ms, (number + 1 < tries).then_some(number));
        assert!(failed.reason.starts_with(&format!("no {number} ")), "{failed:?}");
        assert_eq!(failed.reason.chars().count(), 500);
    }
    state.settle(vec![settled(event, EventState::Done)]).await.unwrap();
    let done = state.delivery(row.number).await.unwrap().unwrap().events.remove(0);
    assert_eq!(done.applied_ms, Some(START_MS + tries * 1_000));
    assert_eq!(done.tries, now.tries);
}

/// By whoever had it in hand when the lease was over.
pub async fn what_is_done_stays_done(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    let row = kept(&state, delivery([upsert("1")])).await;
    let event = &row.events[0];
    state.settle(vec![settled(event, EventState::Done)]).await.unwrap();
    let again = Settled { again_after_ms: Some(0), ..settled(event, EventState::Waiting) };
    let given_up = Settled { missed: true, ..settled(event, EventState::Dead) };
    state.settle(vec![again, given_up]).await.unwrap();
    let applied_ms = Some(START_MS);
    let done = EventRow { state: EventState::Done, next_ms: None, applied_ms, ..event.clone() };
    assert_eq!(state.delivery(row.number).await.unwrap().unwrap().events, [done]);
    assert_eq!(state.count_events(None).await.unwrap(), (0, 0));
    assert_eq!(hook(&state).await.gap_ms, None);
}

pub async fn one_that_is_given_up_on_opens_a_gap(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    let row = kept(&state, delivery([upsert("1"), upsert("2")])).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let dead = |event| Settled { missed: true, ..settled(event, EventState::Dead) };
    let known = Settled { missed: false, ..dead(&row.events[0]) };
    state.settle(vec![known]).await.unwrap();
    assert_eq!(hook(&state).await.gap_ms, None);
    state.settle(vec![dead(&row.events[1])]).await.unwrap();
    assert_eq!(hook(&state).await.gap_ms, Some(START_MS), "since it came");
    assert_eq!(state.count_events(None).await.unwrap(), (0, 2));
}

pub async fn a_dead_event_is_replayed_or_dropped(database: &impl Database) {
    let state = open(database).await;
    let found = event("1", EventEffect::Changed("{}".to_owned()));
    let row = kept(&state, delivery([found, upsert("2"), upsert("3")])).await;
    let dead = |event| Settled {
        attempts: 8,
        asks: true,
        reason: Some("poison".to_owned()),
        ..settled(event, EventState::Dead)
    };
    let settled: Vec<Settled> = row.events.iter().take(2).map(dead).collect();
    state.settle(settled).await.unwrap();
    assert_eq!(state.count_events(None).await.unwrap(), (1, 2));
    tokio::time::advance(Duration::from_secs(9)).await;
    for number in [3, 99] {
        assert!(!state.replay(number).await.unwrap(), "it is not dead");
        assert!(!state.drop_event(number).await.unwrap(), "it is not dead");
    }
    assert!(state.replay(1).await.unwrap());
    assert!(state.replay(2).await.unwrap());
    assert!(!state.replay(2).await.unwrap());
    assert_eq!(state.count_events(None).await.unwrap(), (3, 0));
    // One that waits for a later try is tried before its time, and has failed as often as before.
    let later = Settled { attempts: 4, again_after_ms: Some(60_000), ..dead(&row.events[2]) };
    state.settle(vec![Settled { state: EventState::Waiting, asks: false, ..later }]).await.unwrap();
    assert!(state.replay(3).await.unwrap());
    assert!(!state.replay(3).await.unwrap(), "it is due");
    let due = state.due_events(WHOSE, false, 9).await.unwrap();
    let three = due.iter().find(|event| event.number == 3).unwrap();
    assert_eq!((three.attempts, three.tries.len()), (4, 1));
    let due = state.due_events(WHOSE, true, 9).await.unwrap();
    assert_eq!(numbers(&due), [1], "what is found is asked for again");
    assert_eq!((due[0].attempts, due[0].next_ms), (0, Some(START_MS + 9_000)));
    assert_eq!(due[0].reason.as_deref(), Some("poison"));
    assert_eq!(numbers(&state.due_events(WHOSE, false, 9).await.unwrap()), [2, 3]);

    let settled: Vec<Settled> = row.events.iter().map(dead).collect();
    state.settle(settled).await.unwrap();
    assert!(state.drop_event(2).await.unwrap());
    assert!(!state.drop_event(2).await.unwrap());
    let left = state.delivery(1).await.unwrap().unwrap();
    assert_eq!(numbers(&left.events), [1, 3]);
    assert!(state.drop_event(3).await.unwrap() && state.drop_event(1).await.unwrap());
    assert_eq!(state.delivery(1).await.unwrap(), None, "nothing of it is left");
    assert_eq!(state.count_events(None).await.unwrap(), (0, 0));
    // A repeat is known all the same.
    assert_eq!(state.receive(delivery([upsert("2")])).await.unwrap(), Receipt::Repeat);
}

pub async fn an_unreadable_delivery_is_read_again(database: &impl Database) {
    let state = open(database).await;
    state.receive(delivery([upsert("known")])).await.unwrap();
    let new = [event("whole", EventEffect::Unreadable)];
    let body = delivery([upsert("1"), upsert("2")]).body;
    let unreadable = NewDelivery { body, ..delivery(new) };
    let dead = kept(&state, unreadable).await.events.remove(0);
    tokio::time::advance(Duration::from_secs(9)).await;
    let found = event("3", EventEffect::Changed("{}".to_owned()));
    let events = vec![upsert("1"), upsert("known"), upsert("2"), found];
    state.read_again(dead.number, events.clone()).await.unwrap();
    let row = state.delivery(dead.delivery).await.unwrap().unwrap();
    let ids: Vec<_> = row.events.iter().map(|event| event.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(row.events[0].effect, events[0].effect);
    let now_ms = START_MS + 9_000;
    assert!(row.events.iter().all(|event| event.next_ms == Some(now_ms)));
    assert!(row.events.iter().all(|event| event.received_ms == START_MS));
    assert_eq!(state.count_events(None).await.unwrap(), (4, 0));
    assert_eq!(state.due_events(WHOSE, true, 9).await.unwrap(), row.events[2..]);
    // It stands for nothing any more, and one that could be read stays as it is.
    for number in [dead.number, row.events[0].number] {
        state.read_again(number, vec![upsert("4")]).await.unwrap();
    }
    assert_eq!(state.delivery(dead.delivery).await.unwrap().unwrap(), row);
    assert_eq!(state.receive(delivery([upsert("2")])).await.unwrap(), Receipt::Repeat);
}
