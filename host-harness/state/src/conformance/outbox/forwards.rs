//! Forwards as rows: kept, changed, measured, held and removed.

use super::*;

pub async fn a_forward_is_kept_changed_and_removed(database: &impl Database) {
    let state = state(database).await;
    let (one, two) = (
        forward("one"),
        ForwardRow {
            connection: Some("id-of-a".to_owned()),
            filters: vec![],
            template: None,
            is_signed: false,
            enabled: false,
            ..forward("two")
        },
    );
    state.put_forward(two.clone()).await.unwrap();
    state.put_forward(one.clone()).await.unwrap();
    assert_eq!(database.open().list_forwards().await.unwrap(), [one.clone(), two.clone()]);
    // Names are unique, and connections there.
    let again = ForwardRow { id: "another".to_owned(), ..one.clone() };
    let taken = StoreError::ForwardNameTaken("one".to_owned());
    assert_eq!(state.put_forward(again).await, Err(taken.clone()));
    assert_eq!(
        state.put_forward(ForwardRow { name: "one".to_owned(), ..two.clone() }).await,
        Err(taken)
    );
    let lost = ForwardRow { connection: Some("lost".to_owned()), ..forward("three") };
    assert_eq!(state.put_forward(lost).await, Err(StoreError::NoConnection("lost".to_owned())));
    let changed = ForwardRow {
        name: "zero".to_owned(),
        sealed: Sealed(b"another".to_vec()),
        enabled: false,
        ..one
    };
    state.put_forward(changed.clone()).await.unwrap();
    assert_eq!(state.list_forwards().await.unwrap(), [two.clone(), changed]);
    state.remove_forward(ONE).await.unwrap();
    state.remove_forward("lost").await.unwrap();
    assert_eq!(state.list_forwards().await.unwrap(), [two]);
    for number in 1..MOST_FORWARDS {
        state.put_forward(forward(&number.to_string())).await.unwrap();
    }
    assert_eq!(state.put_forward(forward("more")).await, Err(StoreError::TooManyForwards));
}

pub async fn a_forward_hands_on_changes_of_its_own_connections(database: &impl Database) {
    let state = state(database).await;
    let other = ConnectionRow { connector: "other".to_owned(), ..connection("c") };
    state.commit(vec![Change::PutConnection(other)]).await.unwrap();
    let of_a = ForwardRow { connection: Some("id-of-a".to_owned()), ..forward("two") };
    state.put_forward(of_a).await.unwrap();
    state.put_forward(forward("one")).await.unwrap();
    for whose in ["a", "b", "c"] {
        put(&state, whose, "1", "[1]").await;
    }
    assert_eq!(numbers(&pending(&state, ONE).await), [("a", 1), ("b", 1)]);
    assert_eq!(numbers(&pending(&state, "id-of-forward-two").await), [("a", 1)]);
    assert_eq!(state.measure_forward(ONE).await.unwrap().behind, 2);
    assert_eq!(state.measure_forward("id-of-forward-two").await.unwrap().behind, 1);
    assert!(pending(&state, "lost").await.is_empty());
    assert_eq!(state.measure_forward("lost").await.unwrap(), ForwardLag::default());
}

pub async fn a_forward_is_measured(database: &impl Database) {
    let state = forwarded(database).await;
    assert_eq!(state.measure_forward(ONE).await.unwrap(), ForwardLag::default());
    for number in 0..4 {
        put(&state, "a", &number.to_string(), "[1]").await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let measured = async || state.measure_forward(ONE).await.unwrap();
    let since = |seconds: u64| Some(START_MS + seconds * 1_000);
    let expected = ForwardLag { behind: 4, since_ms: since(0), ..ForwardLag::default() };
    assert_eq!(measured().await, expected);
    let failed = SettledWork {
        undelivered: vec![undelivered(1, None), undelivered(2, Some(9))],
        error: Some("no".to_owned()),
        ..at(&[("a", 3)])
    };
    state.settle_work(ONE, failed).await.unwrap();
    let expected = ForwardLag {
        behind: 1,
        waiting: 1,
        parked: 1,
        since_ms: since(1),
        error: Some("no".to_owned()),
        error_ms: since(4),
    };
    assert_eq!(measured().await, expected);
    let delivered = SettledWork { delivered: vec![position("a", 2)], ..at(&[("a", 4)]) };
    state.settle_work(ONE, delivered).await.unwrap();
    assert_eq!(measured().await, ForwardLag { parked: 1, ..ForwardLag::default() });
}

pub async fn one_at_a_time_hands_on_for_a_forward(database: &impl Database) {
    let state = forwarded(database).await;
    let (one, other) = (LeaseHolder::new(), LeaseHolder::new());
    assert!(state.lease_forward(ONE, one.name(), 1_000).await.unwrap());
    assert!(state.lease_forward(ONE, one.name(), 1_000).await.unwrap());
    assert!(!state.lease_forward(ONE, other.name(), 1_000).await.unwrap());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(state.lease_forward(ONE, other.name(), 1_000).await.unwrap());
    // What is changed of the forward leaves the lease.
    state.put_forward(forward("one")).await.unwrap();
    assert!(!state.lease_forward(ONE, one.name(), 1_000).await.unwrap());
    drop(other);
    assert!(state.lease_forward(ONE, one.name(), 1_000).await.unwrap());
    assert!(!state.lease_forward("lost", one.name(), 1_000).await.unwrap());
}

pub async fn nothing_is_left_of_a_removed_connection(database: &impl Database) {
    let state = forwarded(database).await;
    let of_a = ForwardRow { connection: Some("id-of-a".to_owned()), ..forward("a") };
    state.put_forward(of_a).await.unwrap();
    put(&state, "a", "1", "[1]").await;
    put(&state, "a", "2", "[1]").await;
    settle(&state, 1, vec![undelivered(1, None)]).await;
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    // Forwards of all go on without it, its own are gone.
    assert_eq!(state.list_forwards().await.unwrap(), [forward("one")]);
    maintain(&state).await;
    assert!(pending(&state, ONE).await.is_empty());
    assert!(state.list_parked(ONE, 9).await.unwrap().is_empty());
    assert_eq!(state.measure_forward(ONE).await.unwrap(), ForwardLag::default());
    // Connected again, it begins anew.
    state.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    put(&state, "a", "1", "[1]").await;
    assert_eq!(numbers(&pending(&state, ONE).await), [("a", 1)]);
}
