//! Where deliveries come to, and what of them may be missing.

use super::*;

fn subscription(connection: &str, object: &str) -> SubscriptionRow {
    SubscriptionRow {
        connection: connection.to_owned(),
        object: object.to_owned(),
        events: vec!["made".to_owned(), "\"é\"".to_owned()],
        url: "https://h.example/hooks/t".to_owned(),
        id: Some("7".to_owned()),
        expires_at: Some("2023-12-14T22:13:20Z".to_owned()),
        made_ms: START_MS,
        proven_ms: None,
        last_ms: None,
        deliveries: 0,
    }
}

pub async fn a_hook_is_made_once(database: &impl Database) {
    let state = open(database).await;
    assert_eq!(state.hooks().await.unwrap(), []);
    let new = HookRow {
        connection: WHOSE.to_owned(),
        token: "t".to_owned(),
        made_ms: START_MS,
        ..HookRow::default()
    };
    assert_eq!(state.make_hook(WHOSE, "t").await.unwrap(), new);
    // By another process.
    assert_eq!(database.open().make_hook(WHOSE, "another").await.unwrap(), new);
    state.make_hook("id-of-b", "u").await.unwrap();
    let all = state.hooks().await.unwrap();
    assert_eq!(all.iter().map(|hook| hook.token.as_str()).collect::<Vec<_>>(), ["t", "u"]);
}

pub async fn subscriptions_are_put_replaced_and_removed(database: &impl Database) {
    let state = open(database).await;
    let rows = [
        subscription(WHOSE, "items"),
        subscription(WHOSE, "orders"),
        subscription("id-of-b", "orders"),
    ];
    for row in rows.iter().rev() {
        state.put_subscription(row.clone()).await.unwrap();
    }
    assert_eq!(state.subscriptions(None).await.unwrap(), rows);
    assert_eq!(state.subscriptions(Some("id-of-b")).await.unwrap(), rows[2..]);
    let renewed = SubscriptionRow { id: None, expires_at: None, ..rows[0].clone() };
    state.put_subscription(renewed.clone()).await.unwrap();
    state.remove_subscription(WHOSE, "orders").await.unwrap();
    state.remove_subscription(WHOSE, "nothing").await.unwrap();
    assert_eq!(state.subscriptions(Some(WHOSE)).await.unwrap(), [renewed]);
    assert_eq!(state.subscriptions(None).await.unwrap().len(), 2);
}

pub async fn a_delivery_proves_its_subscriptions(database: &impl Database) {
    let state = open(database).await;
    for object in ["items", "orders"] {
        state.put_subscription(subscription(WHOSE, object)).await.unwrap();
    }
    state.put_subscription(subscription("id-of-b", "orders")).await.unwrap();
    let seen = async || {
        let rows = state.subscriptions(None).await.unwrap();
        let seen = rows.iter().map(|row| (row.proven_ms, row.last_ms, row.deliveries));
        seen.collect::<Vec<_>>()
    };
    state.receive(delivery([upsert("1"), upsert("2")])).await.unwrap();
    let (never, once) = ((None, None, 0), (Some(START_MS), Some(START_MS), 1));
    assert_eq!(seen().await, [never, once, never]);
    tokio::time::advance(Duration::from_secs(1)).await;
    // A repeat shows it too.
    state.receive(delivery([upsert("1")])).await.unwrap();
    let twice = (Some(START_MS), Some(START_MS + 1_000), 2);
    assert_eq!(seen().await, [never, twice, never]);
    // Of an object without a subscription: what there is hands it over.
    let other = NewEvent { object: "others".to_owned(), ..upsert("3") };
    state.receive(delivery([other])).await.unwrap();
    let now = Some(START_MS + 1_000);
    let all = [(now, now, 1), (Some(START_MS), now, 3), never];
    assert_eq!(seen().await, all);
    // Those that come together are counted each.
    let receive = |n: u32| {
        let state = Arc::clone(&state);
        let new = delivery([upsert(&format!("more {n}"))]);
        tokio::spawn(async move { state.receive(new).await.unwrap() })
    };
    for answer in (0..20).map(receive).collect::<Vec<_>>() {
        answer.await.unwrap();
    }
    assert_eq!(seen().await[1].2, 23);
}

/// Who renews it has read it before.
pub async fn what_came_while_a_subscription_was_renewed_is_counted(database: &impl Database) {
    let state = open(database).await;
    let read = subscription(WHOSE, "orders");
    state.put_subscription(read.clone()).await.unwrap();
    state.receive(delivery([upsert("1")])).await.unwrap();
    let renewed = SubscriptionRow { id: Some("8".to_owned()), ..read };
    state.put_subscription(renewed.clone()).await.unwrap();
    // The new one has still to be proven.
    let kept = SubscriptionRow { last_ms: Some(START_MS), deliveries: 1, ..renewed };
    assert_eq!(state.subscriptions(None).await.unwrap(), [kept]);
}

pub async fn an_absence_is_a_gap(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    let beat = async |refused| {
        let served = vec![(WHOSE.to_owned(), refused), ("nobody".to_owned(), 1)];
        state.beat(Beat { gap_after_ms: 900, served }).await.unwrap();
        hook(&state).await
    };
    let first = beat(2).await;
    assert_eq!((first.alive_ms, first.gap_ms), (Some(START_MS), None));
    assert_eq!((first.refused, first.refused_ms), (2, Some(START_MS)));
    tokio::time::advance(Duration::from_millis(900)).await;
    let second = beat(0).await;
    assert_eq!((second.alive_ms, second.gap_ms), (Some(START_MS + 900), None));
    assert_eq!((second.refused, second.refused_ms), (2, Some(START_MS)));
    tokio::time::advance(Duration::from_millis(901)).await;
    let third = beat(0).await;
    let gap = (third.gap_ms, third.gap_end_ms);
    assert_eq!(gap, (Some(START_MS + 900), Some(START_MS + 1_801)));
}

pub async fn a_gap_lasts_until_a_scan_has_overlapped_it(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    let gap = async || {
        let hook = hook(&state).await;
        (hook.gap_ms, hook.gap_end_ms)
    };
    assert!(state.close_gap(WHOSE, 0, 100).await.unwrap(), "there is none");
    for since_ms in [500, 300, 400] {
        state.open_gap(WHOSE, since_ms).await.unwrap();
    }
    assert_eq!(gap().await, (Some(300), Some(500)));
    // It began earlier than the scan overlaps.
    assert!(!state.close_gap(WHOSE, 301, 600).await.unwrap());
    assert_eq!(gap().await, (Some(300), Some(500)));
    // The scan began before the end of the gap.
    assert!(!state.close_gap(WHOSE, 300, 450).await.unwrap());
    assert_eq!(gap().await, (Some(450), Some(500)));
    assert!(state.close_gap(WHOSE, 450, 501).await.unwrap());
    assert_eq!(gap().await, (None, None));
    state.open_gap("nobody", 1).await.unwrap();
}

pub async fn one_holder_works_at_a_time(database: &impl Database) {
    let state = open(database).await;
    state.make_hook(WHOSE, "t").await.unwrap();
    let take = async |holder: &str| state.lease(WHOSE, holder, 30_000).await.unwrap();
    assert!(take("one").await);
    assert!(!take("two").await);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(take("one").await, "it goes on");
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(!take("two").await);
    state.release(WHOSE, "two").await.unwrap();
    assert!(!take("two").await, "somebody else's is not given back");
    state.release(WHOSE, "one").await.unwrap();
    assert!(take("two").await);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(take("one").await, "it is over");
    assert!(!state.lease("nobody", "one", 1).await.unwrap());
}

pub async fn deliveries_of_nobody_are_refused(database: &impl Database) {
    let state = open(database).await;
    let nobody = || "nobody".to_owned();
    let refused = StoreError::NoConnection(nobody());
    assert_eq!(state.make_hook("nobody", "t").await, Err(refused.clone()));
    let row = subscription("nobody", "orders");
    assert_eq!(state.put_subscription(row).await, Err(refused.clone()));
    let of_nobody = NewDelivery { connection: nobody(), ..delivery([upsert("1")]) };
    assert_eq!(state.receive(of_nobody).await, Err(refused));
}
