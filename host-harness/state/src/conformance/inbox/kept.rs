//! What stays, and what does not.

use super::*;

async fn numbers(state: &Arc<dyn State>) -> Vec<u64> {
    let rows = state.deliveries(None, None, 1_000).await.unwrap();
    rows.into_iter().map(|row| row.number).collect()
}

async fn done(state: &Arc<dyn State>, row: &DeliveryRow) {
    let settled = row.events.iter().map(|event| settled(event, EventState::Done));
    state.settle(settled.collect()).await.unwrap();
}

pub async fn what_was_applied_is_forgotten_and_known_for_longer(database: &impl Database) {
    let state = open(database).await;
    let row = kept(&state, delivery([upsert("1")])).await;
    kept(&state, delivery([event("2", EventEffect::Unreadable)])).await;
    kept(&state, delivery([upsert("3")])).await;
    done(&state, &row).await;
    pass(&state, DELIVERIES_MS - 1).await;
    assert_eq!(numbers(&state).await, [3, 2, 1]);
    pass(&state, 1).await;
    assert_eq!(numbers(&state).await, [3, 2], "what waits and a dead letter are still needed");
    assert_eq!(state.delivery(1).await.unwrap(), None);
    for _ in 0..4 {
        assert_eq!(state.receive(delivery([upsert("1")])).await.unwrap(), Receipt::Repeat);
        pass(&state, (EVENT_KEYS_MS - DELIVERIES_MS) / 4 - 1).await;
    }
    // Once it may be forgotten, it is, within as long again.
    pass(&state, EVENT_KEYS_MS).await;
    pass(&state, EVENT_KEYS_MS).await;
    let again = state.receive(delivery([upsert("1")])).await.unwrap();
    assert_eq!(again, Receipt::New { delivery: 4, dead: None });
}

pub async fn many_are_forgotten_piece_by_piece(database: &impl Database) {
    let state = open(database).await;
    let receive = |n: u32| {
        let state = Arc::clone(&state);
        let count = if n == 7 { 700 } else { n % 3 + 1 };
        let events = (0..count).map(move |k| event(&format!("{n} {k}"), EventEffect::Nothing));
        tokio::spawn(async move { state.receive(delivery(events)).await.unwrap() })
    };
    for answer in (0..400).map(receive).collect::<Vec<_>>() {
        answer.await.unwrap();
    }
    tokio::time::advance(Duration::from_millis(DELIVERIES_MS - 1)).await;
    state.receive(delivery([event("young", EventEffect::Nothing)])).await.unwrap();
    pass(&state, 0).await;
    assert_eq!(numbers(&state).await.len(), 401);
    pass(&state, 1).await;
    assert_eq!(numbers(&state).await, [401]);
    assert_eq!(state.delivery(401).await.unwrap().unwrap().events.len(), 1);
    assert!(!state.maintain().await.unwrap());
}

/// What was passed over, because it was still needed, stays no longer than it is.
pub async fn an_old_delivery_is_forgotten_when_its_last_event_is_done(database: &impl Database) {
    let state = open(database).await;
    let waiting = kept(&state, delivery([upsert("1"), upsert("2")])).await;
    let dead = kept(&state, delivery([upsert("3"), event("4", EventEffect::Unreadable)])).await;
    state.settle(vec![settled(&dead.events[0], EventState::Done)]).await.unwrap();
    pass(&state, DELIVERIES_MS).await;
    assert_eq!(numbers(&state).await, [2, 1]);
    state.settle(vec![settled(&waiting.events[0], EventState::Done)]).await.unwrap();
    pass(&state, 0).await;
    assert_eq!(numbers(&state).await, [2, 1]);
    state.settle(vec![settled(&waiting.events[1], EventState::Done)]).await.unwrap();
    pass(&state, 0).await;
    assert_eq!(numbers(&state).await, [2]);
    assert!(state.drop_event(dead.events[1].number).await.unwrap());
    pass(&state, 0).await;
    assert_eq!(numbers(&state).await, [0; 0]);
    assert_eq!(state.count_events(None).await.unwrap(), (0, 0));
}

pub async fn a_removed_connection_shows_nothing(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    for n in 0..3 {
        let keys = [format!("{n} waits"), format!("{n} is dead")];
        let events = [upsert(&keys[0]), event(&keys[1], EventEffect::Unreadable)];
        state.receive(delivery(events)).await.unwrap();
    }
    let of_b = NewDelivery { connection: "id-of-b".to_owned(), ..delivery([upsert("b")]) };
    state.receive(of_b).await.unwrap();
    let dead = state.dead_events(Some(WHOSE)).await.unwrap();
    let remove = Change::RemoveConnection { id: WHOSE.to_owned() };
    state.commit(vec![remove]).await.unwrap();
    let nothing_left = async || {
        assert_eq!(state.hooks().await.unwrap(), []);
        assert_eq!(state.subscriptions(None).await.unwrap(), []);
        assert_eq!(state.due().await.unwrap(), ["id-of-b"]);
        assert_eq!(state.due_events(WHOSE, false, 9).await.unwrap(), []);
        assert_eq!(numbers(&state).await, [4]);
        assert_eq!(state.deliveries(Some(WHOSE), None, 9).await.unwrap(), []);
        assert_eq!(state.delivery(1).await.unwrap(), None);
        for whose in [None, Some(WHOSE)] {
            assert_eq!(state.dead_events(whose).await.unwrap(), []);
        }
        assert_eq!(state.count_events(None).await.unwrap(), (1, 0));
        assert_eq!(state.count_events(Some(WHOSE)).await.unwrap(), (0, 0));
        assert!(!state.replay(dead[0].number).await.unwrap());
        assert!(!state.drop_event(dead[0].number).await.unwrap());
    };
    nothing_left().await;
    let refused = state.receive(delivery([upsert("late")])).await;
    assert_eq!(refused, Err(StoreError::NoConnection(WHOSE.to_owned())));
    // Its id is used again before all of it was erased.
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    nothing_left().await;
    pass(&state, 0).await;
    nothing_left().await;
    let again = state.receive(delivery([upsert("0 waits")])).await.unwrap();
    assert_eq!(again, Receipt::New { delivery: 5, dead: None });
}
