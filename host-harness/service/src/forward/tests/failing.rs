//! What becomes of changes that are not taken, and of those beside them.

use super::world::*;
use super::*;

/// The changes at the head of the log are refused, and all others delivered.
#[tokio::test(start_paused = true)]
async fn three_refused_changes_at_the_head_hold_up_nothing() {
    for status in [400, 404, 410, 422] {
        let world = World::new().await;
        world.target.answers(status, &["bad1", "bad2", "bad3"]);
        world.change(&[("bad1", 1), ("bad2", 1), ("bad3", 1), ("good", 1), ("good", 2)]).await;
        world.seconds(2).await;
        assert_eq!(world.target.taken(), ["good 1", "good 2"]);
        // They are parked at once, and not tried again.
        sleep(DAY).await;
        world.seconds(60).await;
        assert_eq!(world.target.tries().len(), 5);
        let why = format!("it answered {status}");
        let expected: Vec<_> = (1..4).map(|change| (change, why.clone())).collect();
        assert_eq!(world.parked().await, expected);
        assert!(world.notes().contains(&format!("events: a change is parked: {why}")));
    }
}

/// Also where they are many more than are taken up together, and the target says that the fault is its own.
#[tokio::test(start_paused = true)]
async fn changes_that_fail_alone_hold_up_nothing() {
    let refused = World::new().await;
    let failing = World::new().await;
    for (world, status) in [(&refused, 400), (&failing, 500)] {
        world.target.says(move |data| {
            let is_bad = data["id"].as_str().unwrap().starts_with("bad");
            Says::Status(if is_bad { status } else { 200 })
        });
    }
    for n in 0..200 {
        refused.change(&[(&format!("bad{n}"), 1)]).await;
    }
    refused.change(&[("good", 1)]).await;
    refused.seconds(2).await;
    assert_eq!(refused.target.taken(), ["good 1"]);
    for n in 0..8 {
        failing.change(&[(&format!("bad{n}"), 1)]).await;
    }
    failing.change(&[("good", 1)]).await;
    // Until one is met that is taken, the target may be away.
    failing.seconds(120).await;
    assert_eq!(failing.target.taken(), ["good 1"]);
    assert_eq!(failing.lag().await.waiting, 8);
    failing.change(&[("good", 2)]).await;
    failing.seconds(60).await;
    assert_eq!(failing.target.taken(), ["good 1", "good 2"]);
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_record_keep_their_order() {
    let world = World::new().await;
    world.target.answers(500, &["bad"]);
    world.change(&[("bad", 1), ("good", 1), ("bad", 2), ("good", 2), ("bad", 3)]).await;
    world.seconds(30).await;
    assert_eq!(world.target.taken(), ["good 1", "good 2"]);
    world.change(&[("bad", 4), ("good", 3)]).await;
    world.seconds(2).await;
    assert!(!world.target.tries().iter().any(|tried| tried != "bad 1" && tried.starts_with("bad")));
    world.target.answers(200, &[]);
    world.seconds(3_600).await;
    assert_eq!(world.target.taken()[2..], ["good 3", "bad 1", "bad 2", "bad 3", "bad 4"]);
    assert_eq!(world.lag().await, ForwardLag::default());
}

/// A change that is refused is parked alone: its record goes on, and it comes when a person wants it.
#[tokio::test(start_paused = true)]
async fn a_parked_change_lets_its_record_go_on_and_can_be_retried_or_dropped() {
    let world = World::new().await;
    world.target.says(|data| Says::Status(if data["record"]["n"] == 1 { 400 } else { 200 }));
    world.change(&[("r1", 1), ("r2", 1), ("r1", 2)]).await;
    world.seconds(2).await;
    assert_eq!(world.target.taken(), ["r1 2"]);
    world.target.answers(200, &[]);
    let which = |change| WhichParked { connection: None, changes: vec![change] };
    assert_eq!(world.state.retry_parked(&world.row.id, which(1)).await.unwrap(), 1);
    assert_eq!(world.state.drop_parked(&world.row.id, which(2)).await.unwrap(), 1);
    world.seconds(60).await;
    assert_eq!(world.target.taken(), ["r1 2", "r1 1"]);
    assert_eq!(world.lag().await, ForwardLag::default());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_away_misses_nothing_and_is_not_pressed() {
    for says in [
        Says::Status(500),
        Says::Status(503),
        Says::Status(408),
        Says::Status(425),
        Says::Status(429),
        Says::With(302, "location: http://127.0.0.1/hook"),
        Says::Nothing,
    ] {
        let world = World::new().await;
        let away = says.clone();
        world.target.says(move |_| away.clone());
        for n in 1..100 {
            world.change(&[(&format!("r{}", n % 10), n)]).await;
        }
        world.seconds(3_600).await;
        assert!((5..100).contains(&world.target.tries().len()), "{:?}", world.target.tries());
        let lag = world.lag().await;
        assert_eq!((lag.parked, lag.since_ms), (0, Some(NOW_MS)));
        let why = lag.error.unwrap();
        let expected = match says {
            Says::Status(status) => format!("it answered {status}"),
            Says::With(..) => "it answered 302, and redirects are not followed".to_owned(),
            _ => "no answer within".to_owned(),
        };
        assert!(why.contains(&expected), "{why}");
        let left = world.notes().into_iter().filter(|note| note.contains("left alone")).count();
        assert_eq!(left, 1, "{:?}", world.notes());
        world.target.answers(200, &[]);
        world.seconds(600).await;
        let taken = world.target.taken();
        assert_eq!(taken.len(), 99);
        for record in 0..10 {
            let of = taken.iter().filter_map(|it| it.strip_prefix(&format!("r{record} ")));
            let of: Vec<u32> = of.map(|n| n.parse().unwrap()).collect();
            assert!(of.is_sorted() && of.len() >= 9, "{of:?}");
        }
        let ids: std::collections::BTreeSet<String> =
            world.target.taken.lock().unwrap().iter().map(|it| it.0.clone()).collect();
        assert_eq!(ids.len(), 99);
        assert_eq!(world.lag().await, ForwardLag::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new().await;
    world.target.says(|_| Says::With(429, "retry-after: 600"));
    world.change(&[("r1", 1), ("r2", 1)]).await;
    world.seconds(590).await;
    assert_eq!(world.target.tries(), ["r1 1"]);
    // For ever is an hour.
    let world = World::new().await;
    world.target.says(|_| Says::With(503, "retry-after: 2000000"));
    world.change(&[("r1", 1)]).await;
    world.seconds(3_700).await;
    assert_eq!(world.target.tries().len(), 2);
}

/// What waits longer than seven days is parked, in the order of its coming, and waits for a person.
#[tokio::test(start_paused = true)]
async fn what_waits_for_seven_days_is_parked() {
    let world = World::new().await;
    world.target.answers(503, &["r1", "r2", "r3", "r4", "r5", "late"]);
    world.change(&[("r1", 1), ("r2", 1), ("r3", 1), ("r4", 1), ("r5", 1), ("r1", 2)]).await;
    world.forward(DAY * 6).await;
    world.change(&[("late", 1)]).await;
    world.forward(DAY - Duration::from_secs(3_600)).await;
    assert_eq!(world.lag().await.parked, 0);
    world.forward(Duration::from_secs(3 * 3_600)).await;
    let numbers: Vec<u64> = world.parked().await.into_iter().map(|it| it.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    // The target comes back: what is parked is not sent, what is not is.
    world.target.answers(200, &[]);
    world.seconds(3_600).await;
    assert_eq!(world.target.taken(), ["late 1"]);
    world.state.retry_parked(&world.row.id, WhichParked::default()).await.unwrap();
    world.seconds(60).await;
    assert_eq!(world.target.taken()[1..], ["r1 1", "r2 1", "r3 1", "r4 1", "r5 1", "r1 2"]);
}

/// And one that fails alone as well.
#[tokio::test(start_paused = true)]
async fn a_change_that_fails_for_seven_days_is_parked_and_its_record_goes_on() {
    let world = World::new().await;
    world.target.says(|data| Says::Status(if data["record"]["n"] == 1 { 500 } else { 200 }));
    world.change(&[("r1", 1), ("r1", 2)]).await;
    world.seconds(60).await;
    sleep(DAY * 7 - Duration::from_secs(3_600)).await;
    world.seconds(60).await;
    assert!(world.target.taken().is_empty() && world.parked().await.is_empty());
    sleep(DAY / 4).await;
    world.seconds(60).await;
    assert_eq!(world.target.taken(), ["r1 2"]);
    assert_eq!(world.parked().await, [(1, "it answered 500".to_owned())]);
}

/// The forward waits when as many changes as may be are not delivered, and goes on when there is room.
#[tokio::test(start_paused = true)]
async fn what_is_not_delivered_is_bounded() {
    let world = World::new().await;
    let all = (0..MOST_UNDELIVERED).map(|n| record(&n.to_string(), 1));
    world.apply("shop", all.collect()).await;
    let undelivered = (1..=MOST_UNDELIVERED).map(|change| Undelivered {
        connection: SHOP.to_owned(),
        change,
        attempts: 1,
        next_ms: None,
        reason: "no".to_owned(),
    });
    let positions = vec![(SHOP.to_owned(), MOST_UNDELIVERED)];
    let undelivered = undelivered.collect();
    let settled = SettledWork { positions, undelivered, ..SettledWork::default() };
    world.state.settle_work(&world.row.id, settled).await.unwrap();
    world.change(&[("last", 1)]).await;
    world.seconds(10).await;
    assert!(world.target.tries().is_empty());
    assert!(world.lag().await.error.unwrap().contains("`forwards retry` and `forwards drop`"));
    let which = WhichParked { connection: None, changes: vec![1] };
    world.state.drop_parked(&world.row.id, which).await.unwrap();
    world.seconds(10).await;
    assert_eq!(world.target.taken(), ["last 1"]);
}
