use std::sync::Arc;

use tokio::time::sleep;

use super::*;
use crate::observe::Event;

/// Breakers, and what they told.
#[derive(Default)]
struct BreakerWorld {
    breakers: Breakers,
    scrubber: Arc<Scrubber>,
    told: Mutex<Vec<Event>>,
}

impl Observer for BreakerWorld {
    fn event(&self, event: &Event) {
        self.told.lock().unwrap().push(event.clone());
    }
}

impl BreakerWorld {
    fn scope<'w>(&'w self, connection: &'w str, object: Option<&'w str>) -> CallScope<'w> {
        CallScope {
            account: format!("account of {connection}"),
            connection,
            object,
            scrubber: Arc::downgrade(&self.scrubber),
            time: SystemTime::UNIX_EPOCH,
            observer: self,
        }
    }

    /// Makes a call that ends so, if it may. Answers whether it was made.
    fn call(&self, connection: &str, object: &str, result: Result<(), ErrorKind>) -> bool {
        let scope = self.scope(connection, Some(object));
        let Ok(pass) = self.breakers.admit(&scope) else { return false };
        let result = result.map_err(|kind| {
            CallError::Connector(Error { http_status: Some(500), ..error(kind, "down") })
        });
        self.breakers.note(&scope, pass, true, &result);
        true
    }

    /// How many of so many calls that end so are made.
    fn calls(&self, times: usize, object: &str, result: &Result<(), ErrorKind>) -> usize {
        (0..times).filter(|_| self.call("one", object, result.clone())).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_in_trouble_is_asked_ever_less_and_its_neighbour_as_ever() {
    let world = BreakerWorld::default();
    let away = || Err(ErrorKind::Unavailable);
    assert_eq!(world.calls(100, "orders", &away()), FAILURES as usize);
    let mut times = Vec::new();
    for second in 0..3_600 {
        sleep(Duration::from_secs(1)).await;
        if world.calls(5, "orders", &away()) > 0 {
            times.push(second + 1);
        }
        assert!(world.call("two", "orders", Ok(())));
    }
    // After 30 s, then each time after twice as long, 15 min at most.
    assert_eq!(times, [30, 90, 210, 450, 930, 1_830, 2_730]);
    sleep(Duration::from_secs(900)).await;
    assert_eq!(world.calls(5, "orders", &Ok(())), 5, "closed at once");
    let told = world.told.lock().unwrap();
    assert!(matches!(told.last(), Some(Event::Resumed { .. })), "{told:?}");
    assert_eq!(told.len(), 9, "eight times it was opened: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_success_between_or_an_answer_of_the_provider_begins_anew() {
    let world = BreakerWorld::default();
    for between in [Ok(()), Err(ErrorKind::NotFound), Err(ErrorKind::Forbidden)] {
        assert_eq!(world.calls(7, "orders", &Err(ErrorKind::Unavailable)), 7);
        assert_eq!(world.calls(1, "orders", &between), 1);
    }
    assert_eq!(world.calls(7, "orders", &Err(ErrorKind::Unauthenticated)), 7);
    // Limits have waits of their own, and say nothing of the connection.
    assert_eq!(world.calls(9, "orders", &Err(ErrorKind::RateLimited(None))), 9);
    assert_eq!(world.calls(2, "orders", &Err(ErrorKind::OutcomeUnknown)), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_forbidden_closes_no_other() {
    let world = BreakerWorld::default();
    let most = FORBIDDEN as usize;
    assert_eq!(world.calls(100, "orders", &Err(ErrorKind::Forbidden)), most);
    assert_eq!(world.calls(100, "returns", &Ok(())), 100);
    assert_eq!(world.calls(1, "orders", &Ok(())), 0);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.calls(5, "orders", &Ok(())), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_says_since_when_until_when_why_and_what_to_do() {
    let world = BreakerWorld::default();
    world.calls(8, "orders", &Err(ErrorKind::OutcomeUnknown));
    sleep(Duration::from_secs(10)).await;
    let paused = world.breakers.admit(&world.scope("one", None)).unwrap_err();
    assert_eq!(paused.error.kind, ErrorKind::Unavailable, "nothing was sent");
    assert_eq!(paused.left, Duration::from_secs(20));
    let text = paused.error.message;
    for part in ["since 1970-01-01T00:00:00Z", "until 1970-01-01T00:00:20Z", "down", "wait"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.breakers.paused(&world.scope("one", None)), Some(Duration::from_secs(20)));
    assert_eq!(world.breakers.paused(&world.scope("two", None)), None);
}

#[tokio::test(start_paused = true)]
async fn other_secrets_close_it() {
    let mut world = BreakerWorld::default();
    let refused = || Err(ErrorKind::Unauthenticated);
    assert_eq!(world.calls(9, "orders", &refused()), 8);
    world.scrubber = Arc::default();
    assert_eq!(world.calls(9, "orders", &refused()), 8);
    assert_eq!(world.calls(1, "orders", &Ok(())), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_breakers_are_remembered_than_the_bound() {
    let world = BreakerWorld::default();
    for number in 0..REMEMBERED + 10 {
        world.call(&number.to_string(), "orders", Err(ErrorKind::Unavailable));
        assert!(lock(&world.breakers.0).len() <= REMEMBERED);
    }
    // One that counts already is not forgotten for itself.
    let last = (REMEMBERED + 9).to_string();
    let asked = (0..100).filter(|_| world.call(&last, "orders", Err(ErrorKind::Unavailable)));
    assert_eq!(asked.count(), FAILURES as usize - 1);
}

/// Calls that began before it opened do not prolong it, and one that succeeds closes it.
#[tokio::test(start_paused = true)]
async fn late_answers_count_for_the_better_only() {
    let world = BreakerWorld::default();
    let scope = world.scope("one", Some("orders"));
    let begun: Vec<Pass> = (0..20).map(|_| world.breakers.admit(&scope).unwrap()).collect();
    for pass in &begun[..19] {
        let away: Result<(), _> = Err(error(ErrorKind::Unavailable, "down").into());
        world.breakers.note(&scope, *pass, true, &away);
    }
    assert_eq!(world.breakers.paused(&scope), Some(FIRST));
    world.breakers.note(&scope, begun[19], true, &Ok(()));
    assert_eq!(world.breakers.paused(&scope), None);
}

/// One call a minute finds out whether a quota is back: it is not spent on a connection whose own
/// breaker rejects the call.
#[tokio::test(start_paused = true)]
async fn a_rejected_call_leaves_the_try_of_its_account_to_others() {
    let world = BreakerWorld::default();
    let scope =
        |connection| CallScope { account: "shared".to_owned(), ..world.scope(connection, None) };
    let note = |connection, kind| {
        let failed: Result<(), _> = Err(error(kind, "down").into());
        world.breakers.note(&scope(connection), Pass::default(), true, &failed);
    };
    note("two", ErrorKind::QuotaExhausted(None));
    sleep(QUOTA_TRY - FIRST / 2).await;
    (0..FAILURES).for_each(|_| note("one", ErrorKind::Unavailable));
    sleep(FIRST / 2).await;
    assert!(world.breakers.admit(&scope("one")).is_err(), "its own breaker is open");
    assert!(world.breakers.admit(&scope("two")).is_ok(), "the account's try is still there");
    assert!(world.breakers.admit(&scope("two")).is_err(), "and is one");
}
