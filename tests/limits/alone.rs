//! Nobody else uses the account.

use std::time::Duration;

use aftership_simulator::{Answer, Matcher};
use host_harness::observe::Event;
use tokio::time::{Instant, timeout};

use super::account::{Account, Demand, ID};
use crate::support::world::{KEY, World, connect};

/// At least 95 % of each endpoint's rule is used, and nothing is refused: 5, 6 and 20 in a second
/// (AfterShip API 2026-07, rate limit).
#[tokio::test(start_paused = true)]
async fn full_demand_uses_an_endpoints_limit() {
    for (demand, per_second) in [(Demand::Get, 5), (Demand::List, 6), (Demand::Create, 20)] {
        uses(&Account::of_endpoints().await, demand, per_second * 60).await;
    }
}

/// 600 in a minute over everything bind before 20 creates in a second do.
#[tokio::test(start_paused = true)]
async fn full_demand_uses_the_limit_over_everything() {
    for demand in [Demand::Create, Demand::Everything] {
        uses(&Account::new().await, demand, 600).await;
    }
}

async fn uses(account: &Account, demand: Demand, allowed: usize) {
    let calls = account.demand(demand).await;
    let sent = account.requests().len();
    println!("{demand:?}: {sent} of {allowed} used, {} refused", account.refused());
    assert_eq!((account.refused(), calls.rate_limited), (0, 0), "{demand:?}");
    assert!(sent * 100 >= allowed * 95 && sent <= allowed, "{demand:?}: {sent} of {allowed}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_shown_and_can_be_cancelled() {
    let account = Account::new().await;
    // Held by the provider's word, so that the wait is worth telling.
    let answer = Answer::new(429, "").header("retry-after", "20");
    account.simulator.answer_next(Matcher::any(), answer);
    let began = Instant::now();
    let once = account.once();
    once.get("trackings", ID).await.unwrap_err();
    let waiting = once.get("trackings", ID);
    assert!(timeout(Duration::from_millis(10), waiting).await.is_err(), "it was to wait");
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    let shown = account.watch.events().into_iter().find_map(|event| match event {
        Event::Waiting { limit, for_about } => Some((limit, for_about)),
        _ => None,
    });
    let (limit, for_about) = shown.expect("a wait is shown");
    assert_eq!(limit, "trackings-get");
    assert!(for_about > Duration::from_secs(19) && for_about <= Duration::from_secs(20));
    // The place in the queue is free again, and other endpoints were never held.
    account.once().check("trackings").await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    account.connection().get("trackings", ID).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(21), "{:?}", began.elapsed());
    assert_eq!(account.requests().len(), 3, "what was cancelled sent nothing");
}

/// An answer may ask for a pause, and not for the endpoint to be given up for hours.
#[tokio::test(start_paused = true)]
async fn no_answer_holds_a_limit_for_more_than_a_minute() {
    for asked in ["3000", "18446744073709551615", "-1", "later"] {
        let account = Account::new().await;
        let answer = Answer::new(429, "").header("retry-after", asked);
        account.simulator.answer_next(Matcher::any(), answer);
        account.once().get("trackings", ID).await.unwrap_err();
        let began = Instant::now();
        account.connection().get("trackings", ID).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(62), "{asked}: {:?}", began.elapsed());
    }
}

/// Who says that a day's quota is used up is believed, and asked once a minute whether it still is.
#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_is_tried_once_a_minute() {
    let account = Account::new().await;
    let connection = || account.once();
    let used_up = Answer::new(429, "").header("retry-after", "86400");
    for _ in 0..2 {
        account.simulator.answer_next(Matcher::any(), used_up.clone());
    }
    connection().get("trackings", ID).await.unwrap_err();
    for asked in [1, 2] {
        for _ in 0..3 {
            let error = connection().get("trackings", ID).await.unwrap_err();
            assert!(error.to_string().contains("quota"), "{error}");
        }
        assert_eq!(account.simulator.journal().len(), asked, "nothing is sent meanwhile");
        tokio::time::sleep(Duration::from_secs(61)).await;
        if asked == 1 {
            let error = connection().get("trackings", ID).await.unwrap_err();
            assert_eq!(account.simulator.journal().len(), 2, "{error}");
        }
    }
    for _ in 0..3 {
        connection().get("trackings", ID).await.unwrap();
    }
}

/// Who makes a connection for each request is held as one who keeps it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_made_again_counts_with_the_one_before() {
    let other_key = "asat_another-account";
    let world = World::with(|options| options.api_keys.push(other_key.to_owned())).await;
    let connector = world.connection.connector();
    let held = Answer::new(429, "").header("retry-after", "20");
    world.simulator.answer_next(Matcher::any(), held);
    world.once().get("trackings", ID).await.unwrap_err();
    let began = Instant::now();
    let made_for_another = connect(connector, &world.simulator, &world.watch, other_key).await;
    made_for_another.get("trackings", ID).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let made_again = connect(connector, &world.simulator, &world.watch, KEY).await;
    made_again.get("trackings", ID).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(19), "{:?}", began.elapsed());
}
