//! What a user of a connection would miss: tokens in time, once, whatever happens meanwhile.

mod kills;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use connector_contract::clock::{Clock, TokioClock};
use connector_state::GrantState;
use tokio::time::sleep;

use self::world::{Fate, HOUR, World, access, refresh};
use super::GrantError;
use crate::lock;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn tokens_are_given_out_and_renewed_before_they_end() {
    let (ended, _) = World::new().run(None, async |run| {
        let grants = run.process();
        assert_eq!(access(&grants.fresh().await.unwrap()), 0);
        for renewals in 1..=5 {
            sleep(50 * MINUTE).await;
            let current = grants.fresh().await.unwrap();
            assert_eq!((access(&current), current.epoch), (renewals, u64::from(renewals) + 1));
            assert_eq!(access(&grants.fresh().await.unwrap()), renewals);
        }
        assert_eq!(run.requests(), 5);
    });
    ended.unwrap();
}

#[test]
fn many_who_ask_at_once_cost_one_request() {
    // Tokens that are due, and tokens that are over.
    for (passed, all_wait) in [(50 * MINUTE, false), (2 * HOUR, true)] {
        let (ended, _) = World::new().run(None, async |run| {
            let processes = [run.process(), run.process()];
            for process in &processes {
                process.fresh().await.unwrap();
            }
            sleep(passed).await;
            let mut tasks = tokio::task::JoinSet::new();
            for index in 0..64 {
                let process = processes[index % 2].clone();
                tasks.spawn(async move { access(&process.fresh().await.unwrap()) });
            }
            let got = tasks.join_all().await;
            assert_eq!(run.requests(), 1);
            let new = got.iter().filter(|token| **token == 1).count();
            assert_eq!(new, if all_wait { 64 } else { 1 });
        });
        ended.unwrap();
    }
}

#[test]
fn a_refused_token_is_replaced_once() {
    let (ended, _) = World::new().run(None, async |run| {
        let (first, second) = (run.process(), run.process());
        let old = first.fresh().await.unwrap().epoch;
        second.fresh().await.unwrap();
        let (one, two) = tokio::join!(first.replace(old), first.replace(old));
        assert_eq!((access(&one.unwrap()), access(&two.unwrap())), (1, 1));
        // The other process finds what the first one brought.
        let new = second.replace(old).await.unwrap();
        assert_eq!((access(&new), run.requests()), (1, 1));
        // A provider that refuses what it has just given out is not asked on and on.
        assert_eq!(first.replace(new.epoch).await.err(), Some(GrantError::RefusedAgain));
        assert_eq!(run.requests(), 1);
        sleep(10 * MINUTE).await;
        assert_eq!(access(&first.replace(new.epoch).await.unwrap()), 2);
    });
    ended.unwrap();
}

#[test]
fn a_lost_answer_is_asked_for_once_more_at_once() {
    for lost in [Fate::AnswerLost, Fate::Silent, Fate::Dropped] {
        let world = World::new();
        *lock(&world.fake.grace) = Duration::from_secs(15);
        lock(&world.fake.fates).push_back(lost);
        let (ended, _) = world.run(None, async |run| {
            let grants = run.process();
            sleep(2 * HOUR).await;
            assert!(access(&grants.fresh().await.unwrap()) >= 1);
            assert_eq!((run.requests(), run.row().state), (2, GrantState::Valid));
        });
        ended.unwrap();
    }
}

/// A name that does not resolve, a firewall that drops, an instance or a turn that is waited for.
#[test]
fn a_renewal_that_could_not_be_sent_does_not_count_as_sent() {
    let world = World::new();
    lock(&world.fake.fates).extend([Fate::Stuck, Fate::Stuck, Fate::Stuck]);
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(50 * MINUTE).await;
        for _ in 0..3 {
            assert_eq!(access(&grants.fresh().await.unwrap()), 0);
            assert_eq!((run.row().sends, run.row().state), (0, GrantState::Valid));
            sleep(3 * MINUTE).await;
        }
        assert_eq!(access(&grants.fresh().await.unwrap()), 1);
        assert_eq!(run.requests(), 4);
    });
    ended.unwrap();
}

#[test]
fn tokens_that_came_are_kept_although_the_rest_never_ends() {
    let world = World::new();
    lock(&world.fake.fates).push_back(Fate::Cut);
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(2 * HOUR).await;
        let current = grants.fresh().await.unwrap();
        assert_eq!((access(&current), refresh(&current), run.requests()), (1, 1, 1));
    });
    ended.unwrap();
}

#[test]
fn twice_lost_tokens_rest_while_the_access_token_lives() {
    let world = World::new();
    lock(&world.fake.fates).extend([Fate::Dropped, Fate::Dropped]);
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(50 * MINUTE).await;
        for _ in 0..18 {
            assert_eq!(access(&grants.fresh().await.unwrap()), 0);
            sleep(MINUTE / 2).await;
        }
        assert_eq!((run.requests(), run.row().state), (2, GrantState::Uncertain));
        assert_eq!(grants.replace(1).await.err(), Some(GrantError::Uncertain));
        assert_eq!(run.requests(), 2);
        sleep(MINUTE * 16).await;
        assert_eq!(access(&grants.fresh().await.unwrap()), 1);
    });
    ended.unwrap();
}

/// A provider takes the replaced token for an hour, and nobody asks for tokens meanwhile.
#[test]
fn lost_tokens_are_asked_for_although_nobody_needs_them() {
    for dies in [false, true] {
        let world = World::new();
        *lock(&world.fake.grace) = HOUR;
        lock(&world.fake.fates).extend([Fate::AnswerLost, Fate::AnswerLost]);
        let (ended, _) = world.run(None, async |run| {
            let mut grants = run.process();
            sleep(50 * MINUTE).await;
            assert_eq!(access(&grants.fresh().await.unwrap()), 0);
            assert_eq!((run.requests(), run.row().state), (2, GrantState::Uncertain));
            if dies {
                grants = run.process();
                grants.recover();
            }
            // The access token ends ten minutes later, and a quarter of an hour after the last try there
            // may be another: within a minute there is.
            sleep(17 * MINUTE).await;
            assert_eq!((run.requests(), run.row().state), (3, GrantState::Valid));
            drop(grants);
        });
        ended.unwrap();
    }
}

#[test]
fn six_hours_without_the_provider_cost_no_grant() {
    for (fate, at_most) in [(Fate::NotSent, 40), (Fate::Dropped, 40), (Fate::ClientRefused, 40)] {
        let world = World::new();
        *lock(&world.fake.usual) = fate;
        let (ended, _) = world.run(None, async |run| {
            let grants = run.process();
            for minute in 0..8 * 60 {
                match grants.fresh().await {
                    Ok(_) => assert!(minute <= 60, "{fate:?}: {minute}"),
                    Err(error) => {
                        assert!(minute > 55, "{minute}: {error}");
                        assert!(!matches!(error, GrantError::Ended(_)), "{error}");
                    }
                }
                sleep(MINUTE).await;
            }
            assert!(run.requests() <= at_most, "{fate:?}: {} requests", run.requests());
            *lock(&run.fake.usual) = Fate::Answered;
            sleep(17 * MINUTE).await;
            assert_eq!(access(&grants.fresh().await.unwrap()), 1);
        });
        ended.unwrap();
    }
}

#[test]
fn a_provider_that_says_no_ends_the_grant() {
    let world = World::new();
    world.fake.revoke();
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(50 * MINUTE).await;
        let why = "invalid_grant".to_owned();
        assert_eq!(grants.fresh().await.err(), Some(GrantError::Ended(why)));
        let text = grants.fresh().await.err().unwrap().to_string();
        assert!(text.ends_with("connect again"), "{text}");
        assert_eq!((run.requests(), run.row().state), (1, GrantState::Ended));
        assert!(matches!(run.process().fresh().await, Err(GrantError::Ended(_))));
        assert_eq!(run.requests(), 1);
    });
    ended.unwrap();
}

#[test]
fn what_an_answer_leaves_out_stays() {
    let world = World::new();
    lock(&world.fake.fates).push_back(Fate::Partial);
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(50 * MINUTE).await;
        let current = grants.fresh().await.unwrap();
        assert_eq!((access(&current), refresh(&current)), (1, 0));
        assert_eq!(current.scopes, ["read"]);
        assert_eq!(access(&run.process().fresh().await.unwrap()), 1);
    });
    ended.unwrap();
}

#[test]
fn a_caller_that_goes_away_wastes_no_token() {
    let (ended, _) = World::new().run(None, async |run| {
        let grants = run.process();
        sleep(2 * HOUR).await;
        let impatient = tokio::time::timeout(Duration::from_millis(100), grants.fresh());
        assert!(impatient.await.is_err());
        grants.renewals().quiet().await;
        assert_eq!((run.requests(), run.row().epoch), (1, 2));
        assert_eq!(access(&grants.fresh().await.unwrap()), 1);
        assert_eq!(run.requests(), 1);
    });
    ended.unwrap();
}

#[test]
fn tokens_that_came_are_written_although_the_disk_is_full_for_a_while() {
    let (ended, _) = World::new().run(None, async |run| {
        let store = run.store(Arc::new(run.time));
        let grants = run.process_on(Arc::clone(&store), Arc::new(run.time));
        sleep(2 * HOUR).await;
        let fill = async {
            sleep(Duration::from_millis(100)).await;
            store.fail(8);
        };
        let (got, ()) = tokio::join!(grants.fresh(), fill);
        assert_eq!((access(&got.unwrap()), run.row().epoch), (1, 2));
    });
    ended.unwrap();
}

/// Whether the store had kept them or not: they are found there, and asked for once.
#[test]
fn tokens_that_came_are_used_although_the_stores_answers_are_lost() {
    for lost in 1..=8 {
        let (ended, _) = World::new().run(None, async |run| {
            let store = run.store(Arc::new(run.time));
            let grants = run.process_on(Arc::clone(&store), Arc::new(run.time));
            sleep(2 * HOUR).await;
            let lose = async {
                // The request is under way.
                sleep(Duration::from_millis(100)).await;
                store.lose(lost);
            };
            let (got, ()) = tokio::join!(grants.fresh(), lose);
            // Reading may go unanswered as well; asking again finds the tokens.
            let got = match got {
                Ok(got) => got,
                Err(_) => loop {
                    if let Ok(got) = grants.fresh().await {
                        break got;
                    }
                },
            };
            assert_eq!((access(&got), run.row().epoch, run.requests()), (1, 2, 1), "{lost}");
        });
        ended.unwrap();
    }
}

#[test]
fn replaced_tokens_are_erased_after_a_day() {
    let world = World::new();
    *lock(&world.fake.life) = 72 * HOUR;
    let (ended, _) = world.run(None, async |run| {
        let grants = run.process();
        sleep(50 * MINUTE).await;
        grants.fresh().await.unwrap();
        assert!(run.row().previous.is_some());
        sleep(23 * HOUR).await;
        grants.fresh().await.unwrap();
        assert!(run.row().previous.is_some());
        sleep(2 * HOUR).await;
        grants.fresh().await.unwrap();
        assert!(run.row().previous.is_none());
        assert_eq!(run.requests(), 1);
    });
    ended.unwrap();
}

/// A time of day that an operator sets.
struct SetClock {
    time: TokioClock,
    ahead_ms: AtomicI64,
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { self.time.now() - by } else { self.time.now() + by }
    }
}

#[test]
fn a_clock_that_is_set_does_not_move_what_was_received() {
    for minutes in -10..=10 {
        let (ended, _) = World::new().run(None, async |run| {
            let clock = Arc::new(SetClock { time: run.time, ahead_ms: AtomicI64::new(0) });
            let grants = run.process_with(Arc::clone(&clock) as _);
            sleep(2 * HOUR).await;
            assert_eq!(access(&grants.fresh().await.unwrap()), 1);
            clock.ahead_ms.store(minutes * 60_000, Ordering::SeqCst);
            sleep(30 * MINUTE).await;
            assert_eq!(access(&grants.fresh().await.unwrap()), 1);
            sleep(25 * MINUTE).await;
            // Set back, the row says that it is early; until the token is refused, that is so.
            let current = grants.fresh().await.unwrap();
            assert!(minutes < 0 || access(&current) == 2, "{minutes}: {}", access(&current));
            assert_eq!(access(&grants.replace(2).await.unwrap()), 2, "{minutes}");
            assert!(run.requests() == 2);
        });
        ended.unwrap();
    }
}

/// The owner was killed, and then the time of day was set back by an hour.
#[test]
fn a_dead_owners_lease_ends_although_the_clock_was_set_back() {
    let world = World::new();
    world.pass(2 * HOUR);
    // Killed when the request is under way: three steps of the store and one of the provider.
    assert!(world.run(Some(4), async |run| run.process().fresh().await.is_ok()).0.is_none());
    assert!(world.row().lease.is_some());
    let (ended, _) = world.run(None, async |run| {
        let ahead_ms = AtomicI64::new(-90 * 60_000);
        let grants = run.process_with(Arc::new(SetClock { time: run.time, ahead_ms }));
        let waited = tokio::time::timeout(MINUTE, grants.replace(1));
        assert_eq!(access(&waited.await.unwrap().unwrap()), 1);
    });
    ended.unwrap();
}
