use std::sync::{Arc, Mutex};

use connector_contract::limits::LimitId;

use super::*;
use crate::egress::scopes::AtOnce;
use crate::observe::Unobserved;

fn limit(name: &str, requests: u32, window_ms: u64) -> Charge {
    let limit = LimitId { scope: "account".to_owned(), name: name.to_owned() };
    Charge { limit, rate: Rate::new(requests, Duration::from_millis(window_ms)), count: 1 }
}

fn ticket(limiter: &Arc<Limiter>, connection: u64, urgent: bool, demand: &Demand) -> Ticket {
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    limiter.queue_up(connection, urgent, demand, &observer)
}

/// Waits until a request of `connection` may go. Answers how long that took.
async fn turn(
    limiter: &Arc<Limiter>,
    connection: u64,
    charges: &[Charge],
) -> Result<Duration, NoTurn> {
    let demand = Demand { rates: charges.to_vec(), at_once: vec![] };
    ticket(limiter, connection, false, &demand).turn().await.map(|(waited, _)| waited)
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
                turn(&limiter, task % 2, &limits).await.unwrap();
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
    let limiter = Arc::<Limiter>::default();
    let slow = [limit("slow", 1, 60_000)];
    turn(&limiter, 1, &slow).await.unwrap();
    let began = Instant::now();
    let no_room = turn(&limiter, 1, &slow).await.unwrap_err();
    assert!(matches!(no_room, NoTurn::NoRoom { after } if after > LONGEST_WAIT));
    assert!(began.elapsed().is_zero(), "known at once");

    let limiter = Arc::<Limiter>::default();
    let slow = [limit("slow", 3, 60_000)];
    turn(&limiter, 1, &slow).await.unwrap();
    let waiting = turn(&limiter, 1, &slow);
    assert!(tokio::time::timeout(Duration::from_secs(1), waiting).await.is_err());
    let began = Instant::now();
    turn(&limiter, 2, &slow).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(21), "a place given up holds nobody back");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_waits_does_not_hold_back_another() {
    let limiter = Arc::new(Limiter::default());
    let (a, b) = ([limit("a", 1, 10_000)], [limit("b", 100, 1_000)]);
    turn(&limiter, 1, &a).await.unwrap();
    let held = Arc::clone(&limiter);
    let held = tokio::spawn(async move { turn(&held, 1, &a).await });
    tokio::task::yield_now().await;
    let waited = turn(&limiter, 1, &b).await.unwrap();
    assert!(waited.is_zero());
    assert!(held.await.unwrap().unwrap() > Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_limit_pauses_and_the_shared_one_goes_on() {
    let limiter = Arc::<Limiter>::default();
    let own = [limit("own", 20, 1_000), limit("all", 600, 60_000)];
    limiter.throttled(&own, Some(Duration::from_secs(3))).await;
    assert!(turn(&limiter, 1, &own).await.unwrap() >= Duration::from_secs(3));
    let all = [limit("all", 600, 60_000)];
    assert!(turn(&limiter, 1, &all).await.unwrap() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn only_those_who_share_a_limit_wait_for_each_other() {
    let limiter = Arc::<Limiter>::default();
    let mine = limit("own", 1, 10_000);
    let theirs = Charge {
        limit: LimitId { scope: "another".to_owned(), ..mine.limit.clone() },
        ..mine.clone()
    };
    turn(&limiter, 1, std::slice::from_ref(&mine)).await.unwrap();
    assert!(turn(&limiter, 2, &[theirs]).await.unwrap().is_zero());
    assert!(turn(&limiter, 3, &[mine]).await.unwrap() > Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn so_many_are_under_way_at_once() {
    let limiter = Arc::<Limiter>::default();
    let limit = LimitId { scope: "a".to_owned(), name: "slots".to_owned() };
    let demand = Demand { rates: vec![], at_once: vec![AtOnce { limit, places: 2 }] };
    let enter = || async { ticket(&limiter, 1, false, &demand).turn().await };
    let (first, _second) = (enter().await.unwrap(), enter().await.unwrap());
    assert!(matches!(enter().await, Err(NoTurn::NoRoom { .. })));
    let waiting = tokio::spawn({
        let mut ticket = ticket(&limiter, 1, false, &demand);
        async move { ticket.turn().await.map(drop) }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(first);
    waiting.await.unwrap().unwrap();
}

/// Connections take turns, however many requests each has waiting; those of one go as they came,
/// and one whose call cannot be suspended goes first.
#[tokio::test(start_paused = true)]
async fn the_order_is_fair() {
    let limiter = Arc::<Limiter>::default();
    let demand = Demand { rates: vec![limit("own", 1, 1_000)], at_once: vec![] };
    ticket(&limiter, 0, false, &demand).turn().await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    let came = ["a1", "a2", "a3", "b1", "a4", "c1", "b2", "u1"];
    for name in came {
        let connection = u64::from(name.as_bytes()[0]);
        let mut ticket = ticket(&limiter, connection, name.starts_with('u'), &demand);
        let order = Arc::clone(&order);
        tasks.spawn(async move {
            ticket.turn().await.unwrap();
            order.lock().unwrap().push(name);
        });
    }
    tasks.join_all().await;
    let order = order.lock().unwrap().clone();
    assert_eq!(order, ["u1", "a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
}

/// The first that may go and waits for an instance is waited for by those behind it, and does not
/// hold back a request that has one and needs its place to end.
#[tokio::test(start_paused = true)]
async fn who_is_ready_keeps_its_place() {
    let limiter = Arc::<Limiter>::default();
    let demand = Demand { rates: vec![limit("own", 1, 1_000)], at_once: vec![] };
    ticket(&limiter, 0, false, &demand).turn().await.unwrap();
    let mut first = ticket(&limiter, 1, false, &demand);
    first.ready().await.unwrap();
    let second = tokio::spawn({
        let mut second = ticket(&limiter, 2, false, &demand);
        async move { second.turn().await.map(|(waited, _)| waited) }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!second.is_finished(), "the first was not overtaken");
    let urgent = ticket(&limiter, 3, true, &demand).turn().await.unwrap().0;
    assert!(urgent.is_zero(), "{urgent:?}");
    first.turn().await.unwrap();
    assert!(second.await.unwrap().unwrap() > Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn points_are_counted_by_what_a_request_costs() {
    let limiter = Arc::<Limiter>::default();
    let window = Duration::from_secs(20);
    let dear = |count| Charge { rate: Rate::of_points(1_000, window), count, ..limit("p", 1, 1) };
    assert!(turn(&limiter, 1, &[dear(500)]).await.unwrap().is_zero());
    let waited = turn(&limiter, 1, &[dear(100)]).await.unwrap();
    assert!(waited > Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
    let report = LimitReport { left: 1_000, total: 1_000, full_in: Duration::ZERO };
    limiter.report(&dear(1), report).await;
    assert!(turn(&limiter, 1, &[dear(1_000)]).await.unwrap().is_zero());
}
