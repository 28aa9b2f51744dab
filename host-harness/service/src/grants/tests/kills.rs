//! A process may be killed at any step: what its end costs, and what it must not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_state::GrantState;
use proptest::prelude::*;
use tokio::time::sleep;

use super::world::{Fate, HOUR, World, access};
use crate::grants::GrantError;
use crate::lock;

const SECOND: Duration = Duration::from_secs(1);

/// Asks until there are tokens or none will come.
async fn persist(grants: crate::grants::Grants) -> Result<u32, GrantError> {
    let mut last = GrantError::Missing;
    for _ in 0..400 {
        match grants.fresh().await {
            Ok(current) => return Ok(access(&current)),
            Err(error @ GrantError::Ended(_)) => return Err(error),
            Err(error) => last = error,
        }
        sleep(60 * SECOND).await;
    }
    Err(last)
}

/// Kills the process at step `nth`, then lets another one go on. Returns whether there was such a
/// step.
fn killed_at(nth: usize, passed: Duration, grace: Duration) -> bool {
    let world = World::new();
    *lock(&world.fake.grace) = grace;
    world.pass(passed);
    let (ended, _) = world.run(Some(nth), async |run| run.process().fresh().await.is_ok());
    if ended.is_some() {
        return false;
    }
    let lost = world.fake.newest() != world.kept();
    let (ended, _) = world.run(None, async |run| persist(run.process()).await);
    let ended = ended.unwrap();
    let most = world.fake.most_in_flight.load(Ordering::SeqCst);
    assert!(most <= 1, "step {nth}: {most} requests at once");
    if !lost || grace > HOUR {
        let recovered = world.fake.honours(world.kept());
        assert!(ended.is_ok() && recovered, "step {nth}: {ended:?}");
    }
    if ended.is_err() {
        assert!(lost && world.fake.is_revoked(), "step {nth}: {ended:?}");
    }
    true
}

#[test]
fn a_kill_at_any_step_costs_no_grant_that_was_not_lost() {
    for passed in [50 * 60 * SECOND, 2 * HOUR] {
        for grace in [Duration::ZERO, 20 * SECOND, 24 * 365 * HOUR] {
            let steps = (0..100).take_while(|nth| killed_at(*nth, passed, grace)).count();
            // Row, intent, request, tokens: each before and after.
            assert_eq!(steps, 8, "{passed:?} {grace:?}");
        }
    }
}

/// Kills the process, then its successor while it recovers.
#[test]
fn two_kills_at_any_steps_cost_no_grant_that_was_not_lost() {
    for first in 0..8 {
        for second in 0..10 {
            let world = World::new();
            *lock(&world.fake.grace) = 24 * 365 * HOUR;
            world.pass(50 * 60 * SECOND);
            world.run(Some(first), async |run| run.process().fresh().await.is_ok());
            world.pass(31 * SECOND);
            world.run(Some(second), async |run| run.process().fresh().await.is_ok());
            let unsure = world.row().sends;
            assert!(unsure <= 2, "{first}, {second}: {unsure} sends");
            let (ended, _) = world.run(None, async |run| {
                sleep(20 * 60 * SECOND).await;
                persist(run.process()).await
            });
            assert!(ended.unwrap().is_ok(), "{first}, {second}");
            assert!(world.fake.honours(world.kept()), "{first}, {second}");
        }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Ask,
    Pass(u64),
    Kill(usize),
    Fate(Fate),
}

fn event() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![
        Just(Fate::NotSent),
        Just(Fate::Dropped),
        Just(Fate::AnswerLost),
        Just(Fate::Silent),
        Just(Fate::ClientRefused),
        Just(Fate::Partial),
    ];
    prop_oneof![
        3 => Just(Event::Ask),
        3 => (1_u64..4_000).prop_map(Event::Pass),
        1 => (0_usize..12).prop_map(Event::Kill),
        2 => fate.prop_map(Event::Fate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A provider that forgives repetitions never loses a grant to us, whatever happens.
    #[test]
    fn any_schedule_leaves_a_grant_that_recovers(events in prop::collection::vec(event(), 1..40)) {
        let world = World::new();
        *lock(&world.fake.grace) = 24 * 365 * HOUR;
        for event in events {
            match event {
                Event::Pass(seconds) => world.pass(seconds.min(4_000) as u32 * SECOND),
                Event::Fate(fate) => lock(&world.fake.fates).push_back(fate),
                Event::Ask | Event::Kill(_) => {
                    let nth = if let Event::Kill(nth) = event { Some(nth) } else { None };
                    world.run(nth, async |run| {
                        let (one, two) = (run.process(), run.process());
                        let _ = tokio::join!(one.fresh(), two.fresh());
                    });
                }
            }
            prop_assert!(world.row().state != GrantState::Ended);
            prop_assert!(world.fake.most_in_flight.load(Ordering::SeqCst) <= 1);
        }
        lock(&world.fake.fates).clear();
        world.pass(HOUR);
        let (ended, _) = world.run(None, async |run| persist(run.process()).await);
        prop_assert!(ended.unwrap().is_ok());
        prop_assert!(world.fake.honours(world.kept()));
    }
}
