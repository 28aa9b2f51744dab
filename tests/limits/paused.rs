//! An account in trouble is left alone for a while, and nobody else notices.

use std::time::Duration;

use aftership_simulator::{Answer, Matcher};
use host_harness::contract::types::ErrorKind;
use host_harness::retry::Policy;
use host_harness::runtime::CallError;
use tokio::time::advance;

use crate::support::world::{World, connecting, list};
use crate::support::{component, runtime};

const FAILURES: usize = 8;

#[tokio::test(start_paused = true)]
async fn an_account_that_is_refused_is_asked_ever_less_and_its_neighbour_as_before() {
    let connector = runtime().load(&component()).await.unwrap();
    let world = World::of(&connector, |_| {}).await;
    let neighbour = world.once();
    let refused = connecting(&connector, &world.simulator, &world.watch, "asat_withdrawn");
    let refused = refused.build().await.unwrap().with_policy(Policy::once());
    let asked =
        || world.simulator.journal().iter().filter(|entry| entry.status == Some(401)).count();
    for _ in 0..3 * FAILURES {
        refused.list(&list(None, None)).await.unwrap_err();
    }
    assert_eq!(asked(), FAILURES);
    let Err(CallError::Paused(paused)) = refused.list(&list(None, None)).await else {
        panic!("nothing is to be asked")
    };
    assert_eq!(paused.error.kind, ErrorKind::Unauthenticated);
    assert!(paused.until > paused.since);
    neighbour.list(&list(None, None)).await.unwrap();
    // One call finds out, after 30 s, then after twice as long.
    for (tries, seconds) in [(1, 31), (1, 31), (2, 31)] {
        advance(Duration::from_secs(seconds)).await;
        for _ in 0..FAILURES {
            refused.list(&list(None, None)).await.unwrap_err();
        }
        assert_eq!(asked(), FAILURES + tries);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_back_is_asked_as_before() {
    let world = World::new().await;
    for _ in 0..FAILURES {
        world.simulator.answer_next(Matcher::any(), Answer::new(503, ""));
    }
    let once = world.once();
    for _ in 0..2 * FAILURES {
        once.list(&list(None, None)).await.unwrap_err();
    }
    assert_eq!(world.requests().len(), FAILURES);
    advance(Duration::from_secs(31)).await;
    for _ in 0..FAILURES {
        once.list(&list(None, None)).await.unwrap();
    }
    assert_eq!(world.requests().len(), 2 * FAILURES);
}
