use std::sync::{Arc, Mutex};

use super::*;
use crate::observe::Unobserved;

fn limit(name: &str, requests: u32, window_ms: u64) -> Shared {
    let (sharer, name) = ("account".to_owned(), name.to_owned());
    let rate = Rate::new(requests, Duration::from_millis(window_ms));
    Shared { sharer, name, rate, count: 1 }
}

/// Eight tasks ask as fast as they can for a minute: nothing fails, nothing is too
/// much in any second, and almost all of the limit is used.
#[tokio::test(start_paused = true)]
async fn full_demand_uses_the_limit_and_never_exceeds_it() {
    let limiter = Arc::new(Limiter::default());
    let began = Instant::now();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for task in 0..8_u64 {
        let (limiter, sent) = (Arc::clone(&limiter), Arc::clone(&sent));
        tasks.push(tokio::spawn(async move {
            let limits = [limit("own", 6, 1_000), limit("all", 600, 60_000)];
            while began.elapsed() < Duration::from_secs(60) {
                limiter.turn(task % 2, &limits, &Unobserved).await.unwrap();
                sent.lock().unwrap().push((Instant::now(), task % 2));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let sent = sent.lock().unwrap();
    let in_a_minute: Vec<_> =
        sent.iter().filter(|(at, _)| *at - began <= Duration::from_secs(60)).collect();
    assert!(in_a_minute.len() >= 342, "{} of 360", in_a_minute.len());
    for (index, (first, _)) in sent.iter().enumerate() {
        let within =
            sent[index..].iter().take_while(|(at, _)| *at - *first <= Duration::from_secs(1));
        assert!(within.count() <= 6);
    }
    let of_one = in_a_minute.iter().filter(|(_, connection)| *connection == 0).count();
    assert!(of_one.abs_diff(in_a_minute.len() / 2) <= 2, "round robin between connections");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_time_or_with_the_caller() {
    let limiter = Limiter::default();
    let slow = [limit("slow", 1, 60_000)];
    limiter.turn(1, &slow, &Unobserved).await.unwrap();
    let began = Instant::now();
    let no_room = limiter.turn(1, &slow, &Unobserved).await.unwrap_err();
    assert!(matches!(no_room, NoTurn::NoRoom { after } if after > LONGEST_WAIT));
    assert!(began.elapsed().is_zero(), "known at once");

    let limiter = Limiter::default();
    let slow = [limit("slow", 3, 60_000)];
    limiter.turn(1, &slow, &Unobserved).await.unwrap();
    let waiting = limiter.turn(1, &slow, &Unobserved);
    assert!(tokio::time::timeout(Duration::from_secs(1), waiting).await.is_err());
    let began = Instant::now();
    limiter.turn(2, &slow, &Unobserved).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(21), "a place given up holds nobody back");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_waits_does_not_hold_back_another() {
    let limiter = Arc::new(Limiter::default());
    let (a, b) = ([limit("a", 1, 10_000)], [limit("b", 100, 1_000)]);
    limiter.turn(1, &a, &Unobserved).await.unwrap();
    let held = Arc::clone(&limiter);
    let held = tokio::spawn(async move { held.turn(1, &a, &Unobserved).await });
    tokio::task::yield_now().await;
    let waited = limiter.turn(1, &b, &Unobserved).await.unwrap();
    assert!(waited.is_zero());
    assert!(held.await.unwrap().unwrap() > Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_limit_pauses_and_the_shared_one_goes_on() {
    let limiter = Limiter::default();
    let own = [limit("own", 20, 1_000), limit("all", 600, 60_000)];
    limiter.throttled(&own, Some(Duration::from_secs(3))).await;
    assert!(limiter.turn(1, &own, &Unobserved).await.unwrap() >= Duration::from_secs(3));
    let all = [limit("all", 600, 60_000)];
    assert!(limiter.turn(1, &all, &Unobserved).await.unwrap() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn only_those_who_share_a_limit_wait_for_each_other() {
    let limiter = Limiter::default();
    let mine = limit("own", 1, 10_000);
    let theirs = Shared { sharer: "another".to_owned(), ..mine.clone() };
    limiter.turn(1, std::slice::from_ref(&mine), &Unobserved).await.unwrap();
    assert!(limiter.turn(2, &[theirs], &Unobserved).await.unwrap().is_zero());
    assert!(limiter.turn(3, &[mine], &Unobserved).await.unwrap() > Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn so_many_are_under_way_at_once() {
    let limiter = Arc::new(Limiter::default());
    let at_once = [AtOnce { sharer: "a".to_owned(), name: "slots".to_owned(), places: 2 }];
    let (first, _second) =
        (limiter.enter(&at_once).await.unwrap(), limiter.enter(&at_once).await.unwrap());
    assert!(matches!(limiter.enter(&at_once).await, Err(NoTurn::NoRoom { .. })));
    drop(first);
    limiter.enter(&at_once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn points_are_counted_by_what_a_request_costs() {
    let limiter = Limiter::default();
    let window = Duration::from_secs(20);
    let dear = |count| Shared { rate: Rate::of_points(1_000, window), count, ..limit("p", 1, 1) };
    assert!(limiter.turn(1, &[dear(500)], &Unobserved).await.unwrap().is_zero());
    let waited = limiter.turn(1, &[dear(100)], &Unobserved).await.unwrap();
    assert!(waited > Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
    let report = Report { left: 1_000, total: 1_000, full_in: Duration::ZERO };
    limiter.report(&dear(1), report).await;
    assert!(limiter.turn(1, &[dear(1_000)], &Unobserved).await.unwrap().is_zero());
}
