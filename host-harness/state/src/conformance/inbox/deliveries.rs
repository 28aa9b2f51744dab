//! Deliveries, once each.

use super::*;

pub async fn a_delivery_comes_back_as_it_came(database: &impl Database) {
    let state = open(database).await;
    let effects = [
        upsert("upserted").effect,
        EventEffect::Deleted("r2".to_owned()),
        EventEffect::Changed(r#"{"id":"r3"}"#.to_owned()),
        EventEffect::Nothing,
    ];
    let mut events: Vec<NewEvent> =
        ["1", "2", "3", "4"].into_iter().zip(effects).map(|(key, it)| event(key, it)).collect();
    events[1] = NewEvent { id: None, occurred_at: None, ..events[1].clone() };
    events[3] = NewEvent { reason: Some("\"é\"".to_owned()), ..events[3].clone() };
    let new = delivery(events.clone());
    // It took so long to come and to be read.
    tokio::time::advance(Duration::from_millis(70)).await;
    let receipt = state.receive(new.clone()).await.unwrap();
    assert_eq!(receipt, Receipt::New { delivery: 1, dead: None });
    // As another process sees it.
    let row = database.open().delivery(1).await.unwrap().unwrap();
    let start_ms = START_MS + 70;
    assert_eq!((row.number, row.received_ms, row.connection.as_str()), (1, start_ms, WHOSE));
    assert_eq!(row.answered_ms, 70);
    assert_eq!((&row.method, &row.url), (&new.method, &new.url));
    assert_eq!((&row.headers, &row.body), (&new.headers, &new.body));
    assert_eq!(row.bytes, new.body.len() as u64);
    let states = [EventState::Waiting, EventState::Waiting, EventState::Waiting, EventState::Done];
    for (place, (event, new)) in row.events.iter().zip(&events).enumerate() {
        let expected = EventRow {
            number: place as u64 + 1,
            delivery: 1,
            connection: WHOSE.to_owned(),
            id: new.id.clone(),
            object: new.object.clone(),
            name: new.name.clone(),
            occurred_at: new.occurred_at.clone(),
            effect: new.effect.clone(),
            state: states[place],
            attempts: 0,
            next_ms: (place < 3).then_some(start_ms),
            reason: new.reason.clone(),
            received_ms: start_ms,
            applied_ms: (place == 3).then_some(start_ms),
            tries: vec![],
        };
        assert_eq!(*event, expected);
    }
    let listed = state.deliveries(None, None, 10).await.unwrap();
    assert_eq!(listed, [DeliveryRow { body: vec![], ..row }]);
    // Its data is no part of the body, and the body no text.
    let bare = NewDelivery { body: b"\xFF\x00".to_vec(), ..delivery([upsert("5")]) };
    let row = kept(&state, bare.clone()).await;
    assert_eq!((&row.body, &row.events[0].effect), (&bare.body, &bare.events[0].effect));
    assert_eq!(state.delivery(3).await.unwrap(), None);
}

pub async fn an_event_is_kept_once(database: &impl Database) {
    let state = open(database).await;
    let events = async |number| {
        let row = state.delivery(number).await.unwrap().unwrap();
        row.events.into_iter().map(|event| event.id.unwrap()).collect::<Vec<_>>()
    };
    let receive = async |keys: &[&str]| {
        let new = delivery(keys.iter().map(|key| upsert(key)));
        match state.receive(new).await.unwrap() {
            Receipt::New { delivery, .. } => Some(delivery),
            Receipt::Repeat => None,
        }
    };
    assert_eq!(receive(&["1", "2", "1"]).await, Some(1));
    assert_eq!(events(1).await, ["1", "2"]);
    assert_eq!(receive(&["2", "1"]).await, None);
    assert_eq!(receive(&["2", "3"]).await, Some(2));
    assert_eq!(events(2).await, ["3"]);
    // Another connection's event is another one.
    let of_b = NewDelivery { connection: "id-of-b".to_owned(), ..delivery([upsert("1")]) };
    assert_eq!(kept(&state, of_b).await.number, 3);
    assert_eq!(state.count_events(None).await.unwrap(), (4, 0));
    assert_eq!(state.count_events(Some(WHOSE)).await.unwrap(), (3, 0));
    assert_eq!(state.count_events(Some("nobody")).await.unwrap(), (0, 0));
    assert_eq!(state.deliveries(None, None, 10).await.unwrap().len(), 3);
}

/// From several processes and tasks, with repeats, and with some that are refused.
pub async fn what_comes_together_is_kept_and_answered_each_for_itself(database: &impl Database) {
    let states = [open(database).await, database.open()];
    let receive = |n: usize| {
        let state = Arc::clone(&states[n % 2]);
        let mut new = delivery([upsert(&format!("{}", n / 3))]);
        if n % 10 == 9 {
            new.connection = "nobody".to_owned();
        }
        tokio::spawn(async move { state.receive(new).await })
    };
    let running: Vec<_> = (0..120).map(receive).collect();
    let (mut numbers, mut repeats, mut refused) = (Vec::new(), 0, 0);
    for answer in running {
        match answer.await.unwrap() {
            Ok(Receipt::New { delivery, .. }) => numbers.push(delivery),
            Ok(Receipt::Repeat) => repeats += 1,
            Err(StoreError::NoConnection(_)) => refused += 1,
            Err(why) => panic!("{why}"),
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<u64>>());
    assert_eq!((repeats, refused), (68, 12));
    let kept = states[0].deliveries(None, None, 1_000).await.unwrap();
    assert_eq!(kept.len(), 40);
    assert_eq!(states[1].count_events(None).await.unwrap(), (40, 0));
}

pub async fn what_cannot_be_read_is_dead_and_a_gap(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    state.receive(delivery([upsert("1"), upsert("2")])).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let unreadable =
        NewEvent { reason: Some("no JSON".to_owned()), ..event("3", EventEffect::Unreadable) };
    let receipt = state.receive(delivery([unreadable.clone()])).await.unwrap();
    assert_eq!(receipt, Receipt::New { delivery: 2, dead: Some(3) });
    assert_eq!(state.receive(delivery([unreadable])).await.unwrap(), Receipt::Repeat);
    let dead = state.dead_events(Some(WHOSE)).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].number, dead[0].delivery, dead[0].next_ms), (3, 2, None));
    assert_eq!(dead[0].reason.as_deref(), Some("no JSON"));
    assert_eq!(state.dead_events(None).await.unwrap(), dead);
    assert_eq!(state.dead_events(Some("id-of-b")).await.unwrap(), []);
    assert_eq!(state.count_events(None).await.unwrap(), (2, 1));
    let hook = hook(&state).await;
    let at = Some(START_MS + 1_000);
    assert_eq!((hook.gap_ms, hook.gap_end_ms), (at, at));
}

pub async fn deliveries_come_newest_first(database: &impl Database) {
    let state = open(database).await;
    for n in 0..7 {
        let connection = if n % 2 == 0 { WHOSE } else { "id-of-b" }.to_owned();
        let new = NewDelivery { connection, ..delivery([upsert(&n.to_string())]) };
        state.receive(new).await.unwrap();
    }
    let list = async |whose, before, limit| {
        let rows = state.deliveries(whose, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.number).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 3).await, [7, 6, 5]);
    assert_eq!(list(None, Some(5), 10).await, [4, 3, 2, 1]);
    assert_eq!(list(Some(WHOSE), None, 3).await, [7, 5, 3]);
    assert_eq!(list(Some(WHOSE), Some(3), 3).await, [1]);
    assert_eq!(list(Some("nobody"), None, 3).await, [0; 0]);
}
